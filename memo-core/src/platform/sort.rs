//! Sorting by numbers. The code of a sort is large, so it is built once and not for each type.

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
    pairs.sort_unstable();
}

#[cfg(test)]
mod tests {
    use super::*;

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
