//! The work of computing one value: for all who wait, or for its caller alone; and what becomes of the value.

use std::sync::Arc;

use crate::epoch::participant::pin;
use crate::function::function_cache::{Core, Shared};
use crate::platform::clock::Stopwatch;
use crate::single_flight::flight::{Claim, Flight, Waited};
use crate::single_flight::wait_graph::Computing;
use crate::value::keep::{Hold, Keep, Part};
use crate::value::verify::Check;

/// Dropped without a value, by a panic or with the future that does it, it lets the next caller compute.
pub(crate) struct Work<K: Keep> {
    core: Shared<K>,
    role: Role<K>,
    began: Stopwatch,
    /// The time that it took is counted.
    counted: bool,
    /// It began while a panic of another unwound.
    unwinding: bool,
}

/// For whom a value is computed.
enum Role<K: Keep> {
    /// For all who wait, to be kept.
    Lead(Claim),
    /// For all who wait longer for another's value than that should take.
    Relieve(Arc<Flight<K::Held>>),
    /// For the caller.
    Alone,
    /// To be compared with what is held.
    Verify(Box<Check<K>>),
    /// There is nothing to do, or no more.
    Done,
}

impl<K: Keep> Work<K> {
    // Made in the place of the answer, since a copy of what was just written waits.
    #[inline(always)]
    pub(crate) fn lead(core: &Core<K>, claim: Claim) -> Self {
        Self::new(core, Role::Lead(claim))
    }

    pub(crate) fn alone(core: &Core<K>) -> Self {
        Self::new(core, Role::Alone)
    }

    pub(crate) fn verify(core: &Core<K>, check: Check<K>) -> Self {
        Self::new(core, Role::Verify(Box::new(check)))
    }

    /// Nothing to keep and nothing to count.
    pub(crate) fn off(core: &Core<K>) -> Self {
        Self::new(core, Role::Done)
    }

    #[inline(always)]
    fn new(core: &Core<K>, role: Role<K>) -> Self {
        // Many short computations are timed well enough by how often the coarse clock ticks in one.
        let brief = core.cache.calls.are_brief(&pin(), 10_000);
        Self {
            core: core.shared(),
            role,
            began: Stopwatch::start(brief),
            counted: false,
            unwinding: std::thread::panicking(),
        }
    }

    /// What the end of a wait for `flight` leaves to do: to return a value, to compute one, or, if neither, to look
    /// again.
    pub(crate) fn after(
        core: &Core<K>,
        flight: &Arc<Flight<K::Held>>,
        waited: Waited<K::Held>,
    ) -> Option<Result<K::Held, Self>> {
        match waited {
            Waited::Nothing => None,
            Waited::Value(held) => {
                core.count_coalesced();
                Some(Ok(held))
            }
            Waited::Lead => Some(Err(Self::lead(core, flight.claim))),
            Waited::Alone => Some(Err(Self::alone(core))),
            Waited::Relieve => Some(Err(Self::new(core, Role::Relieve(Arc::clone(flight))))),
        }
    }

    /// Has calls of the same key from within computed, for as long as the guard lives.
    pub(crate) fn computing(&self) -> Option<Computing> {
        match &self.role {
            Role::Lead(claim) => Some(Computing::begin(claim.id)),
            Role::Relieve(flight) => Some(Computing::begin(flight.claim.id)),
            Role::Alone | Role::Verify(_) | Role::Done => None,
        }
    }

    /// Keeps what is worth keeping of `returned`. (By reference: a large value would be on the stack once more.)
    pub(crate) fn settle(&mut self, returned: &K::Return, worth: impl FnOnce(&K::Return) -> bool) {
        match &self.role {
            Role::Done => return,
            Role::Lead(_) | Role::Relieve(_) => {}
            Role::Verify(check) => {
                self.compare(check, returned);
                self.count();
                self.role = Role::Done;
                return;
            }
            Role::Alone => {
                self.count();
                self.core.counts.uncached.add(1);
                self.role = Role::Done;
                return;
            }
        }
        self.count();
        // The user's predicate and Clone run first: should they panic, `drop` lets the waiters go.
        let held = K::Part::of(returned).filter(|_| worth(returned)).map(K::Hold::copy);
        let lead = matches!(self.role, Role::Lead(_));
        let kept = held.is_some_and(|held| self.land(held, false));
        if !(lead && kept) {
            self.core.counts.uncached.add(1);
        }
    }

    /// Keeps a value that was not computed. Says whether it is kept.
    pub(crate) fn insert(mut self, value: K::Held) -> bool {
        self.counted = true;
        self.land(value, true)
    }

    /// Hands `value` to all who wait, and keeps it if it may be. What is not kept is left to `drop`.
    fn land(&mut self, value: K::Held, replaces: bool) -> bool {
        match &self.role {
            Role::Lead(claim) => {
                let kept = self.core.land(*claim, value, replaces);
                if kept {
                    self.role = Role::Done;
                }
                kept
            }
            Role::Relieve(flight) => {
                self.core.cache.part(flight);
                flight.land(Some(value));
                self.role = Role::Done;
                false
            }
            Role::Alone | Role::Verify(_) | Role::Done => false,
        }
    }

    fn compare(&self, check: &Check<K>, returned: &K::Return) {
        // An error of a function whose errors are not kept says nothing about the value.
        if K::Part::of(returned).is_some_and(|computed| !check.passes(computed)) {
            self.core.counts.mismatches.add(1);
            check.report(&self.core.name);
        }
    }

    fn count(&mut self) {
        self.core.cache.calls.miss(&pin(), self.began.nanos());
        self.counted = true;
    }
}

impl<K: Keep> Drop for Work<K> {
    #[inline(never)]
    fn drop(&mut self) {
        if let Role::Done = self.role {
            return;
        }
        let panicked = std::thread::panicking() && !self.unwinding;
        if !self.counted {
            self.count();
        }
        match &self.role {
            Role::Lead(claim) => self.core.give_up(*claim),
            Role::Relieve(flight) => flight.step_back(),
            Role::Alone | Role::Verify(_) | Role::Done => {}
        }
        if panicked {
            self.core.counts.panics.add(1);
        }
    }
}
