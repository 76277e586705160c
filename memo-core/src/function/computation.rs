//! The computation of computing one value: for all who wait, or for its caller alone; and what becomes of the value.

use std::sync::Arc;

use crate::epoch::participant::pin;
use crate::function::function_cache::{FunctionCache, FunctionRef};
use crate::platform::clock::Stopwatch;
use crate::single_flight::flight::{Claim, Flight, WaitOutcome};
use crate::single_flight::wait_graph::Computing;
use crate::value::holder::Holder;
use crate::value::keep::Keep;
use crate::value::selection::Selection;
use crate::value::verify::Comparison;

/// Dropped without a value, by a panic or with the future that does it, it lets the next caller compute.
pub(crate) struct Computation<K: Keep> {
    function: FunctionRef<K>,
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
    Verify(Box<Comparison<K>>),
    /// There is nothing to do, or no more.
    Done,
}

impl<K: Keep> Computation<K> {
    // Made in the place of the answer, since a copy of what was just written waits.
    #[inline(always)]
    pub(crate) fn lead(function: &FunctionCache<K>, claim: Claim) -> Self {
        Self::new(function, Role::Lead(claim))
    }

    pub(crate) fn alone(function: &FunctionCache<K>) -> Self {
        Self::new(function, Role::Alone)
    }

    pub(crate) fn verify(function: &FunctionCache<K>, check: Comparison<K>) -> Self {
        Self::new(function, Role::Verify(Box::new(check)))
    }

    /// Nothing to keep and nothing to count.
    pub(crate) fn bypassed(function: &FunctionCache<K>) -> Self {
        Self::new(function, Role::Done)
    }

    #[inline(always)]
    fn new(function: &FunctionCache<K>, role: Role<K>) -> Self {
        // Many short computations are timed well enough by how often the coarse clock ticks in one.
        let brief = function.memory.calls.are_short(&pin(), 10_000);
        Self {
            function: function.shared(),
            role,
            began: Stopwatch::start(brief),
            counted: false,
            unwinding: std::thread::panicking(),
        }
    }

    /// What the end of a wait for `flight` leaves to do: to return a value, to compute one, or, if neither, to look
    /// again.
    pub(crate) fn after_wait(
        function: &FunctionCache<K>,
        flight: &Arc<Flight<K::Held>>,
        waited: WaitOutcome<K::Held>,
    ) -> Option<Result<K::Held, Self>> {
        match waited {
            WaitOutcome::Nothing => None,
            WaitOutcome::Value(held) => {
                function.count_coalesced();
                Some(Ok(held))
            }
            WaitOutcome::Lead => Some(Err(Self::lead(function, flight.claim))),
            WaitOutcome::Alone => Some(Err(Self::alone(function))),
            WaitOutcome::Relieve => {
                Some(Err(Self::new(function, Role::Relieve(Arc::clone(flight)))))
            }
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
    pub(crate) fn finish(&mut self, returned: &K::Return, worth: impl FnOnce(&K::Return) -> bool) {
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
                self.function.counts.uncached.add(1);
                self.role = Role::Done;
                return;
            }
        }
        self.count();
        // The user's predicate and Clone run first: should they panic, `drop` lets the waiters go.
        let held = K::Selection::of(returned).filter(|_| worth(returned)).map(K::Holder::copy);
        let lead = matches!(self.role, Role::Lead(_));
        let kept = held.is_some_and(|held| self.complete(held, false));
        if !(lead && kept) {
            self.function.counts.uncached.add(1);
        }
    }

    /// Keeps a value that was not computed. Says whether it is kept.
    pub(crate) fn insert(mut self, value: K::Held) -> bool {
        self.counted = true;
        self.complete(value, true)
    }

    /// Hands `value` to all who wait, and keeps it if it may be. What is not kept is left to `drop`.
    fn complete(&mut self, value: K::Held, replaces: bool) -> bool {
        match &self.role {
            Role::Lead(claim) => {
                let kept = self.function.complete(*claim, value, replaces);
                if kept {
                    self.role = Role::Done;
                }
                kept
            }
            Role::Relieve(flight) => {
                self.function.memory.detach(flight);
                flight.complete(Some(value));
                self.role = Role::Done;
                false
            }
            Role::Alone | Role::Verify(_) | Role::Done => false,
        }
    }

    fn compare(&self, check: &Comparison<K>, returned: &K::Return) {
        // An error of a function whose errors are not kept says nothing about the value.
        if K::Selection::of(returned).is_some_and(|computed| !check.passes(computed)) {
            self.function.counts.mismatches.add(1);
            check.report(&self.function.name);
        }
    }

    fn count(&mut self) {
        self.function.memory.calls.miss(&pin(), self.began.nanos());
        self.counted = true;
    }
}

impl<K: Keep> Drop for Computation<K> {
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
            Role::Lead(claim) => self.function.abandon(*claim),
            Role::Relieve(flight) => flight.relief_failed(),
            Role::Alone | Role::Verify(_) | Role::Done => {}
        }
        if panicked {
            self.function.counts.panics.add(1);
        }
    }
}
