//! What this process has written lately. The store tells it of its own writes too, and of two changes close together
//! only once. So a message about such an entry says that it may have been changed by others, and a look at it tells.

use std::collections::{HashMap, VecDeque};

use crate::platform::sync::usual::Mutex;

/// This many writes are remembered. If one is forgotten too early, its entry is read once more.
const MAX: usize = 10_000;

#[derive(Default)]
pub(super) struct OwnWrites(Mutex<State>);

#[derive(Default)]
struct State {
    /// The versions that were written, by entry.
    versions: HashMap<String, u128>,
    /// The entries in the order in which they were written, with the versions.
    order: VecDeque<(String, u128)>,
}

impl OwnWrites {
    /// Notes that an entry is about to be written.
    pub(super) fn add(&self, entry: &str, version: u128) {
        let mut state = self.0.lock();
        state.versions.insert(entry.to_owned(), version);
        state.order.push_back((entry.to_owned(), version));
        while state.order.len() > MAX {
            let Some((entry, version)) = state.order.pop_front() else { break };
            if state.versions.get(&entry) == Some(&version) {
                state.versions.remove(&entry);
            }
        }
    }

    /// Returns the version of an entry that was written and of which the store has not told since.
    pub(super) fn take(&self, entry: &str) -> Option<u128> {
        self.0.lock().versions.remove(entry)
    }

    pub(super) fn clear(&self) {
        *self.0.lock() = State::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_is_remembered_until_it_is_told_or_long_ago() {
        let own = OwnWrites::default();
        own.add("a", 1);
        own.add("a", 2);
        assert_eq!((own.take("a"), own.take("a")), (Some(2), None));
        own.add("b", 3);
        (0..MAX).for_each(|n| own.add("c", n as u128));
        assert_eq!(own.take("b"), None);
        assert_eq!(own.take("c"), Some(MAX as u128 - 1));
        assert!(own.0.lock().order.len() <= MAX);
    }
}
