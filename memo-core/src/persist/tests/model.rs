//! Runs of a store, and what a recovery may find after them.

use super::*;
use crate::persist::shared::Emptied;

#[derive(Debug, Clone)]
pub(super) enum Step {
    Put(&'static str, String),
    /// Pairs that are queued together and written by one call.
    Batch(Vec<(&'static str, String)>),
    Remove(&'static str),
    Clear,
    Checkpoint,
    Flush,
    /// One second has passed.
    Tick,
}

use Step::{Batch, Checkpoint, Clear, Flush, Put, Remove, Tick};

pub(super) const KEYS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

/// Returns every kind of change before, between and after checkpoints. Each value is put once.
pub(super) fn script() -> Vec<Step> {
    let put = |key, value: &str| Put(key, value.to_owned());
    vec![
        put("a", "a1"),
        put("b", "b1"),
        Remove("a"),
        put("c", "c1"),
        Flush,
        Checkpoint,
        put("a", "a2"),
        Remove("b"),
        Checkpoint,
        Clear,
        put("d", "d1"),
        put("b", "b2"),
        Checkpoint,
        Remove("d"),
        put("e", "a value that is longer than most, so that a cut has something to cut"),
        Flush,
        put("f", "f1"),
        put("c", &"c2 is kept apart ".repeat(40)),
        put("d", &"d3 is kept apart and ends ".repeat(40)),
        Remove("d"),
        Flush,
        put("c", &"c3 is kept apart too ".repeat(40)),
    ]
}

/// A generator of numbers that a seed determines.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from((self.0 >> 11) % bound as u64).expect("less than the bound")
    }

    fn key(&mut self) -> &'static str {
        KEYS[self.below(KEYS.len())]
    }

    /// Returns a value that no other step puts. Some are longer than a sector, few are longer than a page.
    fn value(&mut self, step: usize, part: usize) -> String {
        let len = match self.below(8) {
            0 => 4200,
            1 | 2 => 600,
            _ => 3,
        };
        format!("{step}.{part} {}", "x".repeat(len))
    }

    /// Returns a script that differs for each seed.
    pub(super) fn script(&mut self) -> Vec<Step> {
        (0..8 + self.below(6)).map(|n| self.step(n)).collect()
    }

    fn step(&mut self, n: usize) -> Step {
        match self.below(16) {
            0..=6 => Put(self.key(), self.value(n, 0)),
            7 => {
                let parts = 2 + self.below(2);
                Batch((0..parts).map(|part| (self.key(), self.value(n, part))).collect())
            }
            8..=10 => Remove(self.key()),
            11 => Clear,
            12 => Flush,
            13 => Tick,
            _ => Checkpoint,
        }
    }
}

/// What a change is promised to survive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Promise {
    Nothing,
    /// The change is written: it survives the death of the process.
    Process,
    /// The change is synced: it survives a power failure.
    Power,
}

/// One change: the value of a key after it. If the key is `None`, all keys are gone.
#[derive(Debug, Clone)]
struct Change {
    key: Option<&'static str>,
    shows: Option<String>,
}

pub(super) struct Run {
    pub(super) memory: Entries,
    changes: Vec<(Change, Promise)>,
    pub(super) errors: usize,
    /// The number of removals that the store could not make durable in any way.
    pub(super) undone: usize,
    /// Whether files were removed since the last checkpoint, so that the disk holds less than was written.
    emptied: bool,
}

impl Run {
    pub(super) fn new() -> Self {
        Self { memory: Entries::new(), changes: Vec::new(), errors: 0, undone: 0, emptied: false }
    }

    /// Runs the script. Memory changes whether or not the store returns an error.
    pub(super) fn of(script: &[Step], store: &Store, durability: Durability) -> Self {
        let mut run = Self::new();
        for step in script {
            run.step(store, durability, step);
        }
        run
    }

    pub(super) fn step(&mut self, store: &Store, durability: Durability, step: &Step) {
        match step {
            Put(key, value) => self.put(store, durability, &[(*key, value.clone())]),
            Batch(pairs) => self.put(store, durability, pairs),
            Remove(key) => {
                let record = Record::Remove { key: key.as_bytes() };
                self.change(store, durability, record, Change { key: Some(*key), shows: None });
            }
            Clear => {
                self.change(store, durability, Record::Clear, Change { key: None, shows: None });
            }
            Checkpoint => self.checkpoint(store),
            Flush => self.promise_all(&store.flush()),
            Tick => self.tick(store, durability),
        }
    }

    fn put(&mut self, store: &Store, durability: Durability, pairs: &[(&'static str, String)]) {
        let mut tickets = Vec::new();
        for (key, value) in pairs {
            let record = put(key.as_bytes(), value.as_bytes());
            apply(&mut self.memory, record);
            tickets.push(queue(store, record, store.since(), Store::queue));
        }
        for ((key, value), queued) in pairs.iter().zip(tickets) {
            let change = Change { key: Some(*key), shows: Some(value.clone()) };
            let result = queued.and_then(|queued| commit(store, queued));
            self.wrote(durability, change, &result);
        }
    }

    fn change(
        &mut self,
        store: &Store,
        durability: Durability,
        record: Record<'_>,
        change: Change,
    ) {
        apply(&mut self.memory, record);
        let result = store.commit_removal(store.queue(record, 0));
        self.undone += usize::from(result.is_err());
        self.wrote(durability, change, &result);
        // The next process then finds no entry, though memory still has the entries.
        let gone = Change { key: None, shows: None };
        match store.emptied() {
            Emptied::No => return,
            Emptied::Partly => self.changes.push((gone, Promise::Nothing)),
            Emptied::Wholly => self.wrote(durability, gone, &Ok(())),
        }
        self.emptied = true;
    }

    fn checkpoint(&mut self, store: &Store) {
        let result = checkpoint(store, &self.memory);
        if self.emptied {
            // The entries that memory kept are on disk again, or may be.
            self.emptied = result.is_err();
            for (key, value) in &self.memory {
                let key = KEYS.into_iter().find(|known| known.as_bytes() == key);
                let shows = Some(String::from_utf8(value.clone()).unwrap());
                self.changes.push((Change { key, shows }, Promise::Nothing));
            }
        }
        self.promise_all(&result);
    }

    fn wrote(&mut self, durability: Durability, change: Change, result: &Result<(), Error>) {
        let promise = match (result, durability) {
            (Ok(()), Durability::Always) => Promise::Power,
            (Ok(()), Durability::Interval | Durability::Os) => Promise::Process,
            (Ok(()), Durability::None) => Promise::Nothing,
            (Err(_), _) => {
                self.errors += 1;
                Promise::Nothing
            }
        };
        self.changes.push((change, promise));
    }

    fn promise_all(&mut self, result: &Result<(), Error>) {
        match result {
            Ok(()) => self.changes.iter_mut().for_each(|(_, promise)| *promise = Promise::Power),
            Err(_) => self.errors += 1,
        }
    }

    /// Runs a tick, after which what was written is synced if the tick succeeded.
    fn tick(&mut self, store: &Store, durability: Durability) {
        store.tick();
        if durability == Durability::Interval && store.status().healthy {
            let written = self.changes.iter_mut().filter(|(_, p)| *p == Promise::Process);
            written.for_each(|(_, promise)| *promise = Promise::Power);
        }
    }

    /// Checks that each key shows the last change that was promised, or a later one. If a later one is damaged, the key
    /// shows nothing, not the value that was replaced.
    pub(super) fn check(&self, found: &Entries, against: Promise, about: &str) {
        for key in KEYS {
            let mut allowed: Vec<Option<&str>> = vec![None];
            for (change, promise) in &self.changes {
                if change.key.is_some_and(|changed| changed != key) {
                    continue;
                }
                if *promise >= against {
                    allowed.clear();
                } else if against == Promise::Power {
                    allowed.push(None);
                }
                allowed.push(change.shows.as_deref());
            }
            let found = found.get(key.as_bytes()).map(|v| std::str::from_utf8(v).unwrap());
            let brief = |value: Option<&str>| value.map(|v| v[..v.len().min(8)].to_owned());
            let (is, may) = (brief(found), allowed.iter().copied().map(brief).collect::<Vec<_>>());
            assert!(allowed.contains(&found), "{about}: {key} is {is:?}, may be {may:?}");
        }
        assert!(found.len() <= KEYS.len(), "{about}");
    }

    /// Checks that all keys together show one moment, no earlier than the last change that was promised. A log that was
    /// only cut short gives back the history up to the cut.
    pub(super) fn check_moment(&self, found: &Entries, against: Promise, about: &str) {
        let promised = self.changes.iter().rposition(|(_, promise)| *promise >= against);
        let mut entries = Entries::new();
        let mut moments = Vec::new();
        for n in 0..=self.changes.len() {
            if n > promised.unwrap_or(0) || promised.is_none() {
                moments.push(entries.clone());
            }
            if let Some((Change { key, shows }, _)) = self.changes.get(n) {
                match (key, shows) {
                    (Some(key), Some(value)) => {
                        apply(&mut entries, put(key.as_bytes(), value.as_bytes()));
                    }
                    (Some(key), None) => {
                        apply(&mut entries, Record::Remove { key: key.as_bytes() });
                    }
                    (None, _) => entries.clear(),
                }
            }
        }
        assert!(moments.contains(found), "{about}: {:?} at no moment", found.keys());
    }
}
