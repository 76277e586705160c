//! Which items a version of a function has, by age. Another program may have removed some of them since.

use std::collections::{BTreeSet, HashMap};

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

#[derive(Debug, Default)]
pub(super) struct Index {
    items: HashMap<String, Known>,
    by_age: BTreeSet<(WallMillis, String)>,
    bytes: u64,
}

impl Index {
    /// Notes an item. `part`: the last part of its name.
    pub(super) fn note(&mut self, part: &str, created: WallMillis, size: u64, is_own: bool) {
        self.forget(part);
        self.items.insert(part.to_owned(), Known { created, size, is_own });
        self.by_age.insert((created, part.to_owned()));
        self.bytes += size;
    }

    pub(super) fn forget(&mut self, part: &str) {
        if let Some(Known { created, size, .. }) = self.items.remove(part) {
            self.by_age.remove(&(created, part.to_owned()));
            self.bytes -= size;
        }
    }

    pub(super) fn is_own(&self, part: &str) -> bool {
        self.items.get(part).is_some_and(|known| known.is_own)
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(super) fn oldest(&self) -> Option<&str> {
        self.by_age.first().map(|(_, part)| &**part)
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
