//! One call: the answer, or the turn to compute it.

use serde::Serialize;

use crate::call::bypass;
use crate::function::computation::Computation;
use crate::function::function_cache::{FunctionCache, NextStep};
use crate::key::arguments::{self, Arguments};
use crate::key::{Key, WrittenKey};
use crate::single_flight::wait_graph::Computing;
use crate::value::keep::Keep;
use crate::value::verify::{self, Comparison};

/// What a memoized call comes to.
pub enum Lookup<K: Keep> {
    /// The value is known.
    Hit(Hit<K>),
    /// The caller computes it, and hands it to [`Miss::store`].
    Miss(Miss<K>),
}

/// A known value, as it is held: an answer is small, and a large value is copied once.
pub struct Hit<K: Keep>(K::Held);

impl<K: Keep> Hit<K> {
    /// The value.
    #[inline]
    pub fn value(self) -> K::Return {
        K::to_return(&self.0)
    }
}

impl<K: Keep> FunctionCache<K> {
    /// Looks the key of `arguments` up.
    #[inline]
    pub(crate) fn lookup<A: Arguments>(&self, arguments: &A) -> Lookup<K> {
        if bypass::is_on() {
            return Miss::of(Computation::bypassed(self));
        }
        let hash = self.hash(arguments);
        match self.find(arguments, hash, true) {
            Some(held) => Lookup::Hit(Hit(held)),
            None => self.missed(arguments, hash),
        }
    }

    /// The same, but makes a share of the hits a turn whose value is compared with the one that is held.
    pub(crate) fn lookup_or_verify<A: Arguments>(&self, arguments: &A, share: f64) -> Lookup<K>
    where
        K::Value: Serialize,
    {
        if bypass::is_on() {
            return Miss::of(Computation::bypassed(self));
        }
        let hash = self.hash(arguments);
        match self.find_or_check(arguments, hash, share) {
            Ok(held) => Lookup::Hit(Hit(held)),
            Err(Some(check)) => Miss::of(Computation::verify(self, check)),
            Err(None) => self.missed(arguments, hash),
        }
    }

    /// Of arguments that have a key.
    #[inline]
    pub(crate) fn hash<A: Arguments>(&self, arguments: &A) -> Option<u64> {
        arguments::hash(arguments, &self.memory.seed).ok()
    }

    #[inline]
    pub(crate) fn find<A: Arguments>(
        &self,
        arguments: &A,
        hash: Option<u64>,
        counted: bool,
    ) -> Option<K::Held> {
        let (hash, matches) = (hash?, |stored: &[u8]| arguments::matches(arguments, stored));
        if A::PLAIN {
            self.memory.get(hash, matches, counted)
        } else {
            self.memory.get_by_copy(hash, matches, counted)
        }
    }

    /// The value that is held, or, of a share of them, what a computed one is to be compared with.
    pub(crate) fn find_or_check<A: Arguments>(
        &self,
        arguments: &A,
        hash: Option<u64>,
        share: f64,
    ) -> Result<K::Held, Option<Comparison<K>>>
    where
        K::Value: Serialize,
    {
        let due = verify::should_verify(share);
        let held = self.find(arguments, hash, !due).ok_or(None)?;
        if due { Err(Some(Comparison::new(held, Key::of(arguments)))) } else { Ok(held) }
    }

    #[cold]
    #[inline(never)]
    fn missed<A: Arguments>(&self, arguments: &A, hash: Option<u64>) -> Lookup<K> {
        self.missed_key(&WrittenKey::new(arguments, hash))
    }

    /// The hash and the bytes of a key. Where there is none that is counted.
    pub(crate) fn key<'w>(&self, written: &'w WrittenKey) -> Option<(u64, &'w [u8])> {
        let key = written.key(&self.memory.seed);
        if key.is_none() {
            self.counts.unkeyable.add(1);
        }
        key
    }

    /// Built once a kind of result, and not for each function's arguments.
    fn missed_key(&self, written: &WrittenKey) -> Lookup<K> {
        let Some((hash, key)) = self.key(written) else {
            return Miss::of(Computation::alone(self));
        };
        loop {
            let flight = match self.claim_or_join(hash, key) {
                NextStep::Value(held) => return Lookup::Hit(Hit(held)),
                NextStep::Lead(claim) => return Miss::of(Computation::lead(self, claim)),
                NextStep::Join(flight) => flight,
            };
            match Computation::after_wait(self, &flight, flight.wait(self.wait_limit())) {
                Some(Ok(held)) => return Lookup::Hit(Hit(held)),
                Some(Err(computation)) => return Miss::of(computation),
                None => {}
            }
        }
    }
}

/// The turn to compute one key's value. Dropped without a value, by a panic, it lets the next caller compute.
#[must_use = "others may wait for the value"]
pub struct Miss<K: Keep> {
    computation: Computation<K>,
    computing: Option<Computing>,
}

impl<K: Keep> Miss<K> {
    #[inline(always)]
    fn of(computation: Computation<K>) -> Lookup<K> {
        let computing = computation.computing();
        Lookup::Miss(Self { computation, computing })
    }

    /// Keeps what is worth keeping of `returned`, and returns it.
    // Out of line, so that a hit does not save the registers that this takes.
    #[cold]
    #[inline(never)]
    pub fn store(mut self, returned: K::Return) -> K::Return {
        self.computation.finish(&returned, |_| true);
        drop(self.computing);
        returned
    }

    /// The same, if `worth` says so.
    #[cold]
    #[inline(never)]
    pub fn store_if(
        mut self,
        returned: K::Return,
        worth: impl FnOnce(&K::Return) -> bool,
    ) -> K::Return {
        self.computation.finish(&returned, worth);
        drop(self.computing);
        returned
    }
}
