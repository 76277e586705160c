//! One call: the answer, or the turn to compute it.

use serde::Serialize;

use crate::bypass;
use crate::core::{Begun, Core};
use crate::keep::Keep;
use crate::key::arguments::{self, Arguments};
use crate::key::write::Fields;
use crate::key::{self, Key, KeyBytes};
use crate::verify::{self, Check};
use crate::waits::Computing;
use crate::work::Work;

/// What a memoized call comes to.
pub enum Answer<K: Keep> {
    /// The value is known.
    Hit(Hit<K>),
    /// The caller computes it, and hands it to [`Turn::keep`].
    Miss(Turn<K>),
}

/// A known value, as it is held: an answer is small, and a large value is copied once.
pub struct Hit<K: Keep>(K::Held);

impl<K: Keep> Hit<K> {
    /// The value.
    #[inline]
    pub fn give(self) -> K::Return {
        K::answer(&self.0)
    }
}

impl<K: Keep> Core<K> {
    /// Looks the key of `arguments` up.
    #[inline]
    pub(crate) fn lookup<A: Arguments>(&self, arguments: &A) -> Answer<K> {
        if bypass::is_on() {
            return Turn::answer(Work::off(self));
        }
        match self.find(arguments, |held| Some(held.clone())) {
            Some(held) => Answer::Hit(Hit(held)),
            None => self.missed(arguments),
        }
    }

    /// The same, but makes a share of the hits a turn whose value is compared with the one that is held.
    pub(crate) fn lookup_or_verify<A: Arguments>(&self, arguments: &A, share: f64) -> Answer<K>
    where
        K::Value: Serialize,
    {
        if bypass::is_on() {
            return Turn::answer(Work::off(self));
        }
        match self.find_or_check(arguments, share) {
            Ok(held) => Answer::Hit(Hit(held)),
            Err(Some(check)) => Turn::answer(Work::verify(self, check)),
            Err(None) => self.missed(arguments),
        }
    }

    #[inline]
    pub(crate) fn find<A: Arguments, R>(
        &self,
        arguments: &A,
        then: impl FnOnce(&K::Held) -> Option<R>,
    ) -> Option<R> {
        let hash = arguments::hash(arguments, &self.cache.seed).ok()?;
        self.cache.get(hash, |stored| arguments::matches(arguments, stored), then)
    }

    /// The value that is held, or, of a share of them, what a computed one is to be compared with.
    pub(crate) fn find_or_check<A: Arguments>(
        &self,
        arguments: &A,
        share: f64,
    ) -> Result<K::Held, Option<Check<K>>>
    where
        K::Value: Serialize,
    {
        let mut due = None;
        let held = self.find(arguments, |held| {
            if verify::is_due(share) {
                due = Some(held.clone());
                return None;
            }
            Some(held.clone())
        });
        held.ok_or_else(|| due.map(|held| Check::new(held, Key::of(arguments))))
    }

    /// The key of `arguments` with its hash. Arguments that have none are counted.
    pub(crate) fn key<A: Arguments>(&self, arguments: &A) -> Option<(u64, KeyBytes)> {
        let written = arguments::written(arguments, Fields::AsMet);
        let found = key::hashed(written, &self.cache.seed);
        if found.is_none() {
            self.counts.unkeyable.add(1);
        }
        found
    }

    #[cold]
    #[inline(never)]
    fn missed<A: Arguments>(&self, arguments: &A) -> Answer<K> {
        self.missed_key(self.key(arguments))
    }

    /// Built once a kind of result, and not for each function's arguments.
    fn missed_key(&self, key: Option<(u64, KeyBytes)>) -> Answer<K> {
        let Some((hash, key)) = key else { return Turn::answer(Work::alone(self)) };
        loop {
            let flight = match self.begin(hash, &key) {
                Begun::Value(held) => return Answer::Hit(Hit(held)),
                Begun::Lead(claim) => return Turn::answer(Work::lead(self, claim)),
                Begun::Join(flight) => flight,
            };
            match Work::after(self, &flight, flight.wait(self.wait_limit())) {
                Some(Ok(held)) => return Answer::Hit(Hit(held)),
                Some(Err(work)) => return Turn::answer(work),
                None => {}
            }
        }
    }
}

/// The turn to compute one key's value. Dropped without a value, by a panic, it lets the next caller compute.
#[must_use = "others may wait for the value"]
pub struct Turn<K: Keep> {
    work: Work<K>,
    computing: Option<Computing>,
}

impl<K: Keep> Turn<K> {
    fn answer(work: Work<K>) -> Answer<K> {
        let computing = work.computing();
        Answer::Miss(Self { work, computing })
    }

    /// Keeps what is worth keeping of `returned`, and returns it.
    // Out of line, so that a hit does not save the registers that this takes.
    #[cold]
    #[inline(never)]
    pub fn keep(self, returned: K::Return) -> K::Return {
        self.work.settle(&returned, |_| true);
        drop(self.computing);
        returned
    }

    /// The same, if `worth` says so.
    #[cold]
    #[inline(never)]
    pub fn keep_if(self, returned: K::Return, worth: impl FnOnce(&K::Return) -> bool) -> K::Return {
        self.work.settle(&returned, worth);
        drop(self.computing);
        returned
    }
}
