//! Sorting by numbers. The code of a sort is large, so it is built once and not for each type.

use std::cmp::Ordering;

/// The place of an item that was moved.
const DONE: u32 = u32::MAX;

/// Sorts fewer than `u32::MAX` items by their numbers, and those with equal numbers by their places before.
pub(crate) fn sort_by_number<T>(items: &mut [T], number: impl Fn(&T) -> u64) {
    let mut order: Vec<(u64, u32)> = items.iter().map(number).zip(0..).collect();
    sort(&mut order);
    // Each cycle of moves is done by swaps. Then its places have what they should, which their numbers say.
    for start in 0..items.len() {
        let mut at = start;
        loop {
            let from = std::mem::replace(&mut order[at], (0, DONE)).1;
            if from == DONE || from as usize == start {
                break;
            }
            items.swap(at, from as usize);
            at = from as usize;
        }
    }
}

/// Sorts pairs of numbers.
#[inline(never)]
pub(crate) fn sort(pairs: &mut [(u64, u32)]) {
    sort_by(pairs, Ord::cmp);
}

/// Sorts items. In a page, whose size counts, by a heap: the code of the standard library's sort is ten times as large.
#[inline]
pub(crate) fn sort_by<T>(items: &mut [T], order: impl FnMut(&T, &T) -> Ordering) {
    if cfg!(all(target_family = "wasm", target_os = "unknown")) {
        heap_sort(items, order);
    } else {
        items.sort_unstable_by(order);
    }
}

/// Sorts items by a heap, whose largest item is the first.
fn heap_sort<T>(items: &mut [T], mut order: impl FnMut(&T, &T) -> Ordering) {
    let len = items.len();
    // First the heap is made, of each item and those below it, then its largest item goes behind it each time.
    for step in (0..len + len / 2).rev() {
        let (mut at, end) = if step < len { (0, step) } else { (step - len, len) };
        if step < len {
            items.swap(0, step);
        }
        loop {
            let mut child = 2 * at + 1;
            if child >= end {
                break;
            }
            if child + 1 < end && order(&items[child], &items[child + 1]).is_lt() {
                child += 1;
            }
            if order(&items[at], &items[child]).is_ge() {
                break;
            }
            items.swap(at, child);
            at = child;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heap_sorts() {
        for len in 0..100_u32 {
            let items: Vec<u32> =
                (0..len).map(|n| n.wrapping_mul(0x9e37_79b9) % (len / 2 + 1)).collect();
            let (mut heap, mut expected) = (items.clone(), items);
            heap_sort(&mut heap, Ord::cmp);
            expected.sort_unstable();
            assert_eq!(heap, expected);
        }
    }

    #[test]
    fn items_are_sorted_as_by_a_stable_sort() {
        let mut random = 5_u64;
        for len in 0..200 {
            let mut items: Vec<(u64, usize)> = (0..len)
                .map(|at| {
                    random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    ((random >> 33) % (1 + len as u64 / 2), at)
                })
                .collect();
            let mut expected = items.clone();
            expected.sort_by_key(|item| item.0);
            sort_by_number(&mut items, |item| item.0);
            assert_eq!(items, expected);
        }
    }
}
