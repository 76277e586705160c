//! The generations of groups, as far as they are known. An entry counts if the generations that it names are those of
//! now. A generation is a random number, so one that the store has lost never comes again, and neither do its entries.

use std::collections::HashMap;

use crate::platform::sync::usual::Mutex;

/// The known generations, by the names of the groups.
#[derive(Default)]
pub(super) struct Generations(Mutex<State>);

#[derive(Default)]
struct State {
    known: HashMap<String, u64>,
    /// Counts what was forgotten.
    forgotten: u64,
}

/// When a generation was asked for.
#[derive(Clone, Copy, Default)]
pub(super) struct Asked(u64);

impl Generations {
    /// Returns the generation, or when it was asked for, for [`Self::learn`].
    pub(super) fn find(&self, group: &str) -> Result<u64, Asked> {
        let state = self.0.lock();
        state.known.get(group).copied().ok_or(Asked(state.forgotten))
    }

    /// Notes a generation, unless any was forgotten since it was asked for: then it may be old.
    pub(super) fn learn(&self, group: &str, generation: u64, asked: Asked) {
        let mut state = self.0.lock();
        if state.forgotten == asked.0 {
            state.known.insert(group.to_owned(), generation);
        }
    }

    /// Forgets the generation of a group, because it was changed.
    pub(super) fn forget(&self, group: &str) {
        let mut state = self.0.lock();
        state.known.remove(group);
        state.forgotten += 1;
    }

    pub(super) fn forget_all(&self) {
        let mut state = self.0.lock();
        state.known.clear();
        state.forgotten += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_while_it_is_asked_for_is_not_learnt() {
        let generations = Generations::default();
        let asked = generations.find("g").unwrap_err();
        generations.learn("g", 5, asked);
        assert_eq!(generations.find("g").ok(), Some(5));
        generations.forget("g");
        let asked = generations.find("g").unwrap_err();
        generations.forget_all();
        generations.learn("g", 6, asked);
        assert!(generations.find("g").is_err());
    }
}
