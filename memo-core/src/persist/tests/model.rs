//! A scripted run of a store, and what may be recovered of it.

use super::*;

#[derive(Debug, Clone)]
pub(super) enum Step {
    Put(&'static str, &'static str),
    Remove(&'static str),
    Clear,
    Checkpoint,
    Flush,
}

use Step::{Checkpoint, Clear, Flush, Put, Remove};

/// Every kind of change before, between and after checkpoints; each value is put once.
pub(super) const SCRIPT: [Step; 17] = [
    Put("a", "a1"),
    Put("b", "b1"),
    Remove("a"),
    Put("c", "c1"),
    Flush,
    Checkpoint,
    Put("a", "a2"),
    Remove("b"),
    Checkpoint,
    Clear,
    Put("d", "d1"),
    Put("b", "b2"),
    Checkpoint,
    Remove("d"),
    Put("e", "a value that is longer than most, so that a cut has something to cut"),
    Flush,
    Put("f", "f1"),
];

/// How far a promise was made about a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Promise {
    Nothing,
    /// Written.
    Process,
    /// Synced.
    Power,
}

pub(super) struct Run {
    pub(super) memory: Entries,
    changes: Vec<(Step, Promise)>,
    pub(super) errors: usize,
}

impl Run {
    pub(super) fn new() -> Self {
        Self { memory: Entries::new(), changes: Vec::new(), errors: 0 }
    }

    /// Goes through the script; memory changes whatever the store says.
    pub(super) fn script(store: &Store, durability: Durability) -> Self {
        let mut run = Self::new();
        for step in &SCRIPT {
            run.step(store, durability, step);
        }
        run
    }

    pub(super) fn step(&mut self, store: &Store, durability: Durability, step: &Step) {
        let record = match step {
            Put(key, value) => put(key.as_bytes(), value.as_bytes()),
            Remove(key) => Record::Remove { key: key.as_bytes() },
            Clear => Record::Clear,
            Checkpoint => return self.promise_all(&checkpoint(store, &self.memory)),
            Flush => return self.promise_all(&store.flush()),
        };
        apply(&mut self.memory, record);
        let promise = match write(store, record) {
            Ok(()) if durability == Durability::Always => Promise::Power,
            Ok(()) => Promise::Process,
            Err(_) => {
                self.errors += 1;
                Promise::Nothing
            }
        };
        self.changes.push((step.clone(), promise));
    }

    fn promise_all(&mut self, result: &Result<(), Error>) {
        match result {
            Ok(()) => self.changes.iter_mut().for_each(|(_, promise)| *promise = Promise::Power),
            Err(_) => self.errors += 1,
        }
    }

    /// Each key shows the last change that was promised, or one after it.
    pub(super) fn check(&self, found: &Entries, against: Promise, about: &str) {
        for key in ["a", "b", "c", "d", "e", "f"] {
            let mut allowed: Vec<Option<&str>> = vec![None];
            for (step, promise) in &self.changes {
                let shows = match step {
                    Put(k, value) if *k == key => Some(*value),
                    Remove(k) if *k == key => None,
                    Clear => None,
                    _ => continue,
                };
                if *promise >= against {
                    allowed.clear();
                }
                allowed.push(shows);
            }
            let found = found.get(key.as_bytes()).map(|v| std::str::from_utf8(v).unwrap());
            assert!(allowed.contains(&found), "{about}: {key} is {found:?}, may be {allowed:?}");
        }
        assert!(found.len() <= 6, "{about}");
    }
}
