//! Which items a version of a function has, by age. Another program may have removed some of them since.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use crate::persist::WallMillis;

/// An item has a name and a text, and browsers count two bytes for each of their characters.
pub(super) fn size(name: &str, text: &str) -> u64 {
    2 * (name.len() + text.len()) as u64
}

/// What is known of an item.
#[derive(Debug)]
struct Known {
    /// When the result was computed.
    created: WallMillis,
    size: u64,
    /// Whether this tab has written it, and no other since.
    is_own: bool,
}

/// So many items that are forgotten stay among those by age, and as many as there are items.
const SPARE: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Index {
    items: HashMap<String, Known>,
    /// The oldest first, and with them what was forgotten or replaced since: a set of the items alone takes more code.
    by_age: BinaryHeap<Reverse<(WallMillis, String)>>,
    bytes: u64,
}

impl Index {
    /// Notes an item. `part`: the last part of its name.
    pub(super) fn note(&mut self, part: &str, created: WallMillis, size: u64, is_own: bool) {
        self.forget(part);
        self.items.insert(part.to_owned(), Known { created, size, is_own });
        self.by_age.push(Reverse((created, part.to_owned())));
        self.bytes += size;
        if self.by_age.len() > 2 * self.items.len() + SPARE {
            let all = self.items.iter().map(|(part, known)| Reverse((known.created, part.clone())));
            self.by_age = all.collect();
        }
    }

    pub(super) fn forget(&mut self, part: &str) {
        if let Some(Known { size, .. }) = self.items.remove(part) {
            self.bytes -= size;
        }
    }

    pub(super) fn is_own(&self, part: &str) -> bool {
        self.items.get(part).is_some_and(|known| known.is_own)
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(super) fn oldest(&mut self) -> Option<String> {
        while let Some(Reverse((created, part))) = self.by_age.peek() {
            if self.items.get(part).is_some_and(|known| known.created == *created) {
                return Some(part.clone());
            }
            self.by_age.pop();
        }
        None
    }

    pub(super) fn parts(&self) -> Vec<String> {
        self.items.keys().cloned().collect()
    }

    /// Returns those that this tab has written.
    pub(super) fn own_parts(&self) -> Vec<String> {
        let own = self.items.iter().filter(|(_, known)| known.is_own);
        own.map(|(part, _)| part.clone()).collect()
    }

    pub(super) fn len(&self) -> u64 {
        self.items.len() as u64
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_is_that_of_a_list_and_what_is_forgotten_takes_no_room() {
        let (mut index, mut list) = (Index::default(), Vec::<(u64, String)>::new());
        let mut random = 7_u64;
        for _ in 0..5_000 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let (part, created) = (format!("{}", (random >> 33) % 50), (random >> 40) % 100);
            list.retain(|(_, other)| *other != part);
            if random >> 62 == 0 {
                index.forget(&part);
            } else {
                index.note(&part, created, 3, false);
                list.push((created, part));
                assert!(index.by_age.len() <= 2 * list.len() + SPARE + 1);
            }
            assert_eq!(index.oldest(), list.iter().min().map(|(_, part)| part.clone()));
            assert_eq!((index.len(), index.bytes()), (list.len() as u64, 3 * list.len() as u64));
        }
    }
}
