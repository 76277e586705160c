//! One call: the answer, or the turn to compute it.

use std::sync::Arc;
use std::time::Instant;

use serde::Serialize;

use crate::bypass;
use crate::core::{Core, Entered};
use crate::flight::Flight;
use crate::keep::{Hold, Keep, Part};
use crate::key::arguments::{self, Arguments};
use crate::key::write::Fields;
use crate::key::{Key, KeyBytes};
use crate::verify::{self, Check};

/// What a memoized call comes to.
pub enum Answer<K: Keep> {
    /// The value is known.
    Hit(Hit<K>),
    /// The caller computes it, and hands it to [`Turn::keep`].
    Miss(Turn<K>),
}

/// A known value, as it is held: an answer is as small as that, and a large value is copied once.
pub struct Hit<K: Keep>(K::Held);

impl<K: Keep> Hit<K> {
    /// The value.
    #[inline]
    pub fn give(self) -> K::Return {
        K::answer(self.0)
    }
}

impl<K: Keep> Core<K> {
    /// Looks the key of `arguments` up.
    #[inline]
    pub(crate) fn lookup<A: Arguments>(&self, arguments: &A) -> Answer<K> {
        if bypass::is_on() {
            return Answer::Miss(Turn::off(self));
        }
        match self.find(arguments) {
            Some(held) => {
                self.cache.hits.add_one();
                Answer::Hit(Hit(held))
            }
            None => self.missed(arguments),
        }
    }

    /// The same, but makes a share of the hits a turn whose value is compared with the one that is held.
    pub(crate) fn lookup_or_verify<A: Arguments>(&self, arguments: &A, share: f64) -> Answer<K>
    where
        K::Value: Serialize,
    {
        if bypass::is_on() {
            return Answer::Miss(Turn::off(self));
        }
        match self.find(arguments) {
            Some(held) if verify::is_due(share) => {
                let check = Check::new(held, Key::of(arguments));
                Answer::Miss(Turn::new(self, None).with(check))
            }
            Some(held) => {
                self.cache.hits.add_one();
                Answer::Hit(Hit(held))
            }
            None => self.missed(arguments),
        }
    }

    #[inline]
    fn find<A: Arguments>(&self, arguments: &A) -> Option<K::Held> {
        let hash = arguments::hash(arguments, &self.cache.seed).ok()?;
        let matches = |stored: &[u8]| arguments::matches(arguments, stored);
        if A::PLAIN {
            return self.cache.get_if(hash, matches);
        }
        let (key, held) = self.cache.get(hash)?;
        matches(key.as_slice()).then_some(held)
    }

    #[cold]
    #[inline(never)]
    fn missed<A: Arguments>(&self, arguments: &A) -> Answer<K> {
        let key = arguments::with_bytes(arguments, Fields::AsMet, |bytes| bytes.map(KeyBytes::new));
        // The hash of what was written, not of what was hashed first: a `Serialize` may have changed its mind.
        let found = key.ok().and_then(|key| Some((self.hash_key(key.as_slice())?, key)));
        let Some((hash, key)) = found else {
            self.counts.unkeyable.add(1);
            return Answer::Miss(Turn::new(self, None));
        };
        match self.enter(hash, &key) {
            Entered::Value(held) => Answer::Hit(Hit(held)),
            Entered::Lead(flight) => Answer::Miss(Turn::new(self, Some(flight))),
            Entered::Alone => Answer::Miss(Turn::new(self, None)),
            Entered::Relieve(flight) => Answer::Miss(Turn::new(self, None).relieving(flight)),
        }
    }
}

/// The turn to compute one key's value. Dropped without a value, by a panic, it lets the next caller compute.
#[must_use = "others may wait for the value"]
pub struct Turn<K: Keep> {
    core: Arc<Core<K>>,
    /// None: computed for this caller alone.
    flight: Option<Arc<Flight<K::Held>>>,
    began: Instant,
    done: bool,
    /// There is nothing to do when it is dropped: all went well, or memoization is off.
    kept: bool,
    /// Who waits for another's value longer than that should take.
    waiting: Option<Arc<Flight<K::Held>>>,
    /// What a verified hit is compared with.
    check: Option<Check<K>>,
}

impl<K: Keep> Turn<K> {
    pub(crate) fn new(core: &Core<K>, flight: Option<Arc<Flight<K::Held>>>) -> Self {
        Self {
            core: core.shared(),
            flight,
            began: Instant::now(),
            done: false,
            kept: false,
            waiting: None,
            check: None,
        }
    }

    /// A turn that keeps and counts nothing.
    fn off(core: &Core<K>) -> Self {
        let mut turn = Self::new(core, None);
        turn.kept = true;
        turn
    }

    fn relieving(mut self, flight: Arc<Flight<K::Held>>) -> Self {
        self.waiting = Some(flight);
        self
    }

    fn with(mut self, check: Check<K>) -> Self {
        self.check = Some(check);
        self
    }

    /// Keeps what is worth keeping of `returned`, and returns it.
    pub fn keep(self, returned: K::Return) -> K::Return {
        self.keep_if(returned, |_| true)
    }

    /// The same, if `worth` says so.
    pub fn keep_if(
        mut self,
        returned: K::Return,
        worth: impl FnOnce(&K::Return) -> bool,
    ) -> K::Return {
        if self.kept {
            return returned;
        }
        self.count();
        // The user's predicate and Clone run first: should they panic, `drop` lets the waiters go.
        let kept = || K::Part::of(&returned).filter(|_| worth(&returned)).map(K::Hold::copy);
        if let Some(check) = self.check.take() {
            self.compare(&check, &returned);
        } else if let Some(flight) = &self.flight {
            if !kept().is_some_and(|held| self.core.land(flight, held, false)) {
                self.core.counts.uncached.add(1);
                self.core.give_up(flight);
            }
            self.flight = None;
        } else {
            self.core.counts.uncached.add(1);
            if let Some(flight) = &self.waiting {
                match kept() {
                    Some(held) => flight.land(Some(held)),
                    None => flight.step_back(),
                }
            }
        }
        self.kept = true;
        returned
    }

    /// Keeps a value that was not computed. Says whether it is kept.
    pub(crate) fn insert(mut self, value: K::Held) -> bool {
        self.done = true;
        let kept = self.flight.as_ref().is_some_and(|flight| {
            let kept = self.core.land(flight, value, true);
            self.core.give_up(flight);
            kept
        });
        self.kept = true;
        kept
    }

    fn compare(&self, check: &Check<K>, returned: &K::Return) {
        // An error of a function whose errors are not kept says nothing about the value.
        if K::Part::of(returned).is_some_and(|computed| !check.passes(computed)) {
            self.core.counts.mismatches.add(1);
            check.report(&self.core.name);
        }
    }

    fn count(&mut self) {
        let nanos = u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.core.counts.misses.add(1);
        self.core.counts.nanos.add(nanos);
        self.done = true;
    }
}

impl<K: Keep> Drop for Turn<K> {
    fn drop(&mut self) {
        if self.kept {
            return;
        }
        if !self.done {
            self.count();
        }
        if let Some(flight) = self.flight.take() {
            self.core.give_up(&flight);
        }
        if let Some(flight) = &self.waiting {
            flight.step_back();
        }
        if std::thread::panicking() {
            self.core.counts.panics.add(1);
        }
    }
}
