//! The generations of groups, as far as they are known. An entry counts if the generations that it names are those of
//! now. A generation is a random number, so one that the store has lost never comes again, and neither do its entries.

use std::collections::HashMap;

use crate::platform::clock::{self, Instant};
use crate::platform::sync::usual::Mutex;

/// The known generations, by the names of the groups.
#[derive(Default)]
pub(super) struct Generations(Mutex<State>);

#[derive(Default)]
struct State {
    known: HashMap<String, Known>,
    /// Counts how often any was forgotten. What was asked for before that may have been answered before it.
    epoch: u64,
}

/// A generation.
#[derive(Clone, Copy)]
struct Known {
    generation: u64,
    since: Instant,
}

/// When a generation was asked for.
#[derive(Clone, Copy, Default)]
pub(super) struct Asked(u64);

impl Generations {
    /// Returns the generation, or when it was asked for, for [`Self::learn`].
    pub(super) fn find(&self, group: &str) -> Result<u64, Asked> {
        let state = self.0.lock();
        let known = state.known.get(group).map(|known| known.generation);
        known.ok_or(Asked(state.epoch))
    }

    /// Returns a generation that was known by the time `when` and has not changed since. If it was not, returns when it
    /// was asked for.
    pub(super) fn known_since(&self, group: &str, when: Instant) -> Result<u64, Asked> {
        let state = self.0.lock();
        let known = state.known.get(group).filter(|known| known.since <= when);
        known.map(|known| known.generation).ok_or(Asked(state.epoch))
    }

    /// Forgets those that are not needed, which does not mean that they have changed.
    pub(super) fn retain(&self, mut is_needed: impl FnMut(&str) -> bool) {
        self.0.lock().known.retain(|group, _| is_needed(group));
    }

    /// Returns when a generation is asked for that may be known.
    pub(super) fn ask(&self) -> Asked {
        Asked(self.0.lock().epoch)
    }

    /// Notes a generation. Returns false if another one is known, or any was forgotten meanwhile. Then the generation is
    /// not known any more: of two, nobody can tell which is newer.
    pub(super) fn learn(&self, group: &str, generation: u64, asked: Asked) -> bool {
        let mut state = self.0.lock();
        if state.epoch != asked.0 {
            return false;
        }
        let new = || Known { generation, since: clock::instant() };
        let known = state.known.entry(group.to_owned()).or_insert_with(new).generation;
        if known != generation {
            state.known.remove(group);
            state.epoch += 1;
        }
        known == generation
    }

    /// Returns the groups whose generations are known.
    pub(super) fn groups(&self) -> Vec<String> {
        self.0.lock().known.keys().cloned().collect()
    }

    /// Returns whether another generation of a group is known than this one.
    pub(super) fn contradicts(&self, group: &str, generation: u64) -> bool {
        self.0.lock().known.get(group).is_some_and(|known| known.generation != generation)
    }

    /// Forgets the generation of a group.
    pub(super) fn forget(&self, group: &str) {
        let mut state = self.0.lock();
        state.known.remove(group);
        state.epoch += 1;
    }

    pub(super) fn forget_all(&self) {
        let mut state = self.0.lock();
        state.known.clear();
        state.epoch += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_generations_none_is_believed() {
        let generations = Generations::default();
        let asked = generations.find("g").unwrap_err();
        assert!(generations.learn("g", 5, asked) && generations.learn("g", 5, asked));
        assert_eq!(generations.find("g").ok(), Some(5));
        assert!(!generations.learn("g", 6, asked));
        assert!(generations.find("g").is_err());
    }

    #[test]
    fn what_was_asked_for_before_it_was_forgotten_is_not_learnt() {
        let forgettings: [fn(&Generations); 3] = [
            Generations::forget_all,
            |generations| generations.forget("g"),
            |generations| {
                assert!(generations.learn("g", 1, generations.ask()));
                assert!(!generations.learn("g", 2, generations.ask()));
            },
        ];
        for forget in forgettings {
            let generations = Generations::default();
            let asked = generations.ask();
            forget(&generations);
            assert!(!generations.learn("g", 5, asked));
            assert!(generations.find("g").is_err());
        }
    }
}
