//! One call: the answer, or the turn to compute it.

use serde::Serialize;

use crate::core::{Begun, Core};
use crate::keep::Keep;
use crate::key::arguments::{self, Arguments};
use crate::key::write::Fields;
use crate::key::{Key, KeyBytes};
use crate::verify::{self, Check};
use crate::waits::Computing;
use crate::work::Work;

/// What a memoized call comes to.
pub enum Answer<K: Keep> {
    /// The value is known.
    Hit(K::Return),
    /// The caller computes it, and hands it to [`Turn::keep`].
    Miss(Turn<K>),
}

impl<K: Keep> Core<K> {
    /// Looks the key of `arguments` up.
    #[inline]
    pub(crate) fn lookup<A: Arguments>(&'static self, arguments: &A) -> Answer<K> {
        match self.find(arguments, |held| Some(K::answer(held))) {
            Some(value) => Answer::Hit(value),
            None => self.missed(arguments),
        }
    }

    /// The same, but makes a share of the hits a turn whose value is compared with the one that is held.
    pub(crate) fn lookup_or_verify<A: Arguments>(
        &'static self,
        arguments: &A,
        share: f64,
    ) -> Answer<K>
    where
        K::Value: Serialize,
    {
        match self.find_or_check(arguments, share) {
            Ok(value) => Answer::Hit(value),
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
    ) -> Result<K::Return, Option<Check<K>>>
    where
        K::Value: Serialize,
    {
        let mut due = None;
        let value = self.find(arguments, |held| {
            if verify::is_due(share) {
                due = Some(held.clone());
                return None;
            }
            Some(K::answer(held))
        });
        value.ok_or_else(|| due.map(|held| Check::new(held, Key::of(arguments))))
    }

    /// The key of `arguments` with its hash. Arguments that have none are counted.
    pub(crate) fn key<A: Arguments>(&self, arguments: &A) -> Option<(u64, KeyBytes)> {
        let key = arguments::with_bytes(arguments, Fields::AsMet, |bytes| bytes.map(KeyBytes::new));
        // The hash of what was written, not of what was hashed first: a `Serialize` may have changed its mind.
        let found = key.ok().and_then(|key| Some((self.hash_key(key.as_slice())?, key)));
        if found.is_none() {
            self.counts.unkeyable.add(1);
        }
        found
    }

    #[cold]
    #[inline(never)]
    fn missed<A: Arguments>(&'static self, arguments: &A) -> Answer<K> {
        let Some((hash, key)) = self.key(arguments) else {
            return Turn::answer(Work::alone(self));
        };
        loop {
            let flight = match self.begin(hash, &key) {
                Begun::Value(held) => return Answer::Hit(K::answer(&held)),
                Begun::Lead(flight) => return Turn::answer(Work::lead(self, flight)),
                Begun::Join(flight) => flight,
            };
            match Work::after(self, &flight, flight.wait(self.wait_limit())) {
                Some(Ok(held)) => return Answer::Hit(K::answer(&held)),
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
        self.keep_if(returned, |_| true)
    }

    /// The same, if `worth` says so.
    #[cold]
    #[inline(never)]
    pub fn keep_if(self, returned: K::Return, worth: impl FnOnce(&K::Return) -> bool) -> K::Return {
        let Self { work, computing } = self;
        let returned = work.keep_if(returned, worth);
        drop(computing);
        returned
    }
}
