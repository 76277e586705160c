//! One run of a function, for all waiters or only for its caller, and what happens with the value.

use std::sync::Arc;
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;

use crate::epoch::participant::pin;
use crate::function::completion::Completed;
use crate::function::function_cache::{FunctionCache, FunctionRef, KeyClaim, Made, Sought};
use crate::function::span::{Entered, Span};
use crate::function::tier_types::{Permit, Seeking, Writing};
use crate::function::waiter::Waiter;
use crate::key::Tag;
use crate::platform::clock::{Instant, Stopwatch};
#[cfg(feature = "web")]
use crate::platform::lock_request::{Granting, LockRequest};
use crate::platform::unpark::Unpark;
use crate::single_flight::flight::{Arrival, Claim, Flight, WaitOutcome};
use crate::single_flight::leader_task::LeaderTask;
use crate::single_flight::wait_graph::{self, Computing, Id};
use crate::statistics::explanation::Refusal;
use crate::statistics::source::{self, Source};
use crate::value::holder::Holder;
use crate::value::keep::Keep;
use crate::value::selection::Selection;
use crate::value::verify::Comparison;

/// One run of a function. If it is dropped without a value, by a panic or with its future, another caller computes.
pub(crate) struct Computation<K: Keep> {
    function: FunctionRef<K>,
    role: Role<K>,
    began: Stopwatch,
    /// What the storage of the function said when the computation began.
    since: u64,
    /// What this caller has to do with other processes and machines.
    outside: Option<Box<Outside<K>>>,
    /// The time of the computations within this one until the last poll, in nanoseconds.
    nested_nanos: u64,
    /// Whether the miss and its time are counted.
    counted: bool,
    /// Whether this thread was unwinding from another panic when the computation began.
    unwinding: bool,
    span: Span,
}

/// What this caller has to do with other processes and machines that want the same value.
struct Outside<K: Keep> {
    /// Keeps other processes of this machine from computing the value.
    _lock: Option<Box<dyn Send + Sync>>,
    /// The request of that lock.
    #[cfg(feature = "web")]
    asked: Option<Box<dyn LockRequest>>,
    /// The search for the value in the tier.
    seeking: Option<Seeking>,
    /// The right to write the value to the tier.
    permit: Option<Permit>,
    /// A value from the tier that may be returned if the computation fails.
    stands_in: Option<K::Held>,
    /// The write to the tier, which the caller waits for, and what is written.
    writing: Option<(Writing, K::Held)>,
}

impl<K: Keep> Default for Outside<K> {
    fn default() -> Self {
        Self {
            _lock: None,
            #[cfg(feature = "web")]
            asked: None,
            seeking: None,
            permit: None,
            stands_in: None,
            writing: None,
        }
    }
}

/// What a caller does that may not be the only one to compute a value.
pub(crate) enum Elsewhere<H> {
    Compute,
    /// Return this value, which others have stored.
    Found(H),
    /// Others compute the value: ask again after a pause.
    Busy,
    /// Ask again when woken, or then: others may compute the value until then.
    Wait(Instant),
    /// Ask again when woken. It will not take longer than this.
    Requested(Instant),
}

/// How long a thread sleeps until it looks again whether another process has computed the value: at first, and at last.
const MIN_PAUSE: Duration = Duration::from_millis(1);
const MAX_PAUSE: Duration = Duration::from_millis(20);

/// What a computation is for.
enum Role<K: Keep> {
    /// The value is for all waiters, and is kept.
    Lead(Claim),
    /// The same. If it has no value, the older one stays: its caller has got that, or asks for a new one only.
    Refresh(Claim),
    /// The value is for all waiters, because the leader has taken longer than the wait limit. It is not kept.
    Relieve(Arc<Flight<K::Held>>),
    /// The value is only for the caller.
    Alone,
    /// The value is compared with the held value.
    Verify(Box<Comparison<K>>),
    /// Nothing is left to do.
    Done,
}

impl<K: Keep> Computation<K> {
    // Inlined, so that the computation is built in the place of the result: a copy of bytes that were just written
    // would wait for the writes.
    #[inline(always)]
    pub(crate) fn lead(function: &FunctionCache<K>, claim: Claim) -> Self {
        Self::new(function, Role::Lead(claim))
    }

    /// Returns a computation that replaces what is held.
    pub(crate) fn renew(function: &FunctionCache<K>, claim: Claim) -> Self {
        Self::new(function, Role::Refresh(claim))
    }

    pub(crate) fn alone(function: &FunctionCache<K>) -> Self {
        Self::new(function, Role::Alone)
    }

    pub(crate) fn verify(function: &FunctionCache<K>, check: Comparison<K>) -> Self {
        Self::new(function, Role::Verify(Box::new(check)))
    }

    /// Returns a computation whose value is not kept and that is not counted.
    pub(crate) fn bypassed(function: &FunctionCache<K>) -> Self {
        Self::new(function, Role::Done)
    }

    #[inline(always)]
    fn new(function: &FunctionCache<K>, role: Role<K>) -> Self {
        // The coarse clock is right on average, which is enough for many short computations. How their times are
        // distributed is told by a sample.
        let (memory, pin) = (&function.memory, pin());
        let short = memory.calls.are_short(&pin, 10_000)
            && !memory.calls.is_sampled(&pin)
            && !memory.is_priced();
        Self {
            function: function.shared(),
            role,
            began: Stopwatch::start(short),
            since: function.storage.as_ref().map_or(0, |storage| storage.since()),
            outside: None,
            nested_nanos: 0,
            counted: false,
            unwinding: std::thread::panicking(),
            span: Span::new(),
        }
    }

    /// Returns what the caller does after its wait for `flight`, which began with `began`: return this value, or do
    /// this computation, or, if `None`, look into the cache again.
    pub(crate) fn after_wait(
        function: &FunctionCache<K>,
        flight: &Arc<Flight<K::Held>>,
        waited: WaitOutcome<K::Held>,
        began: &Arrival,
    ) -> Option<Result<K::Held, Self>> {
        match waited {
            WaitOutcome::Nothing => None,
            WaitOutcome::Value(_) if flight.is_outdated(began) => None,
            WaitOutcome::Value(held) => {
                function.count_coalesced(began);
                Some(Ok(held))
            }
            WaitOutcome::Lead(leader) => {
                let claim = Claim { leader, ..flight.claim };
                Some(Err(Self::lead(function, claim).waited(began)))
            }
            WaitOutcome::Alone => Some(Err(Self::alone(function).waited(began))),
            WaitOutcome::Relieve => {
                let role = Role::Relieve(Arc::clone(flight));
                Some(Err(Self::new(function, role).waited(began)))
            }
        }
    }

    /// Does the same for a caller who wants a value with `tags` whose computation began after it asked. `is_older`:
    /// that of `flight` began before.
    pub(crate) fn after_wait_to_renew(
        function: &FunctionCache<K>,
        flight: &Arc<Flight<K::Held>>,
        waited: WaitOutcome<K::Held>,
        began: &Arrival,
        tags: &[Tag],
        is_older: bool,
    ) -> Option<Result<K::Held, Self>> {
        match waited {
            // What is stored elsewhere ends a claim that does not renew.
            WaitOutcome::Value(_) if is_older || function.is_stored() && !flight.claim.renews => {
                None
            }
            WaitOutcome::Lead(leader) => {
                let claim = Claim { leader, renews: true, ..flight.claim };
                Some(Err(Self::renew(function, claim).waited(began)))
            }
            WaitOutcome::Relieve => {
                // The value of the leader, which is late, is not newer than this one.
                flight.relief_failed();
                let key = flight.key.as_slice();
                let claim = function.memory.take_over_to_renew(flight.claim.hash, key, tags);
                Some(Err(Self::renew(function, claim).waited(began)))
            }
            waited => Self::after_wait(function, flight, waited, began),
        }
    }

    /// Notes that the caller has waited before.
    fn waited(mut self, began: &Arrival) -> Self {
        self.span.add_wait(began.nanos());
        self
    }

    /// Looks for the value elsewhere, and tries to become the only one that computes it. The key is that of the claim.
    pub(crate) fn look_elsewhere(
        &mut self,
        key: &[u8],
        waker: &Waker,
        waiter: Waiter,
    ) -> Elsewhere<K::Held> {
        match self.role {
            Role::Lead(claim) | Role::Refresh(claim) if self.function.shared.is_some() => {
                self.look_in_tier(claim, key, waker, waiter)
            }
            Role::Lead(claim) if !claim.renews => self.look_on_disk(claim, key, waker, waiter),
            _ => Elsewhere::Compute,
        }
    }

    fn look_on_disk(
        &mut self,
        claim: Claim,
        key: &[u8],
        waker: &Waker,
        waiter: Waiter,
    ) -> Elsewhere<K::Held> {
        let lock = match self.lock_key(claim, key, waker, waiter) {
            KeyClaim::Unlocked => return Elsewhere::Compute,
            KeyClaim::Locked(lock) => Some(lock),
            KeyClaim::Busy => None,
            #[cfg(feature = "web")]
            KeyClaim::Asked(_) => None,
        };
        // Whoever had the lock may have stored the value meanwhile.
        if let Some(storage) = &self.function.storage {
            storage.follow(&self.function);
        }
        if let Some(held) = self.function.load_since(claim, key, 0) {
            self.role = Role::Done;
            return Elsewhere::Found(held);
        }
        if lock.is_none() {
            return self.leave_to_others(claim, None).map_or(Elsewhere::Busy, Elsewhere::Found);
        }
        self.outside = Some(Box::new(Outside { _lock: lock, ..Outside::default() }));
        self.begin();
        Elsewhere::Compute
    }

    /// Tries to lock the key among processes.
    #[cfg(not(feature = "web"))]
    fn lock_key(&mut self, _: Claim, key: &[u8], _: &Waker, waiter: Waiter) -> KeyClaim {
        self.function.lock_key(key, waiter)
    }

    /// Does so, and where a lock is asked for, looks whether it was granted. Never returns [`KeyClaim::Asked`].
    #[cfg(feature = "web")]
    fn lock_key(&mut self, claim: Claim, key: &[u8], waker: &Waker, waiter: Waiter) -> KeyClaim {
        let asked = self.outside.as_mut().and_then(|outside| outside.asked.take());
        let was_asked = asked.is_some();
        let claimed = match asked {
            Some(asked) => KeyClaim::Asked(asked),
            // Whether others have it is known later, and the older value is here now.
            None if self.function.memory.has_older(claim) => KeyClaim::Unlocked,
            None => self.function.lock_key(key, waiter),
        };
        let KeyClaim::Asked(asked) = claimed else { return claimed };
        match asked.poll(waker) {
            Granting::Granted => KeyClaim::Locked(Box::new(asked)),
            Granting::Pending => {
                self.outside.get_or_insert_default().asked = Some(asked);
                KeyClaim::Busy
            }
            Granting::Refused => {
                if was_asked {
                    self.begin();
                }
                KeyClaim::Unlocked
            }
        }
    }

    fn look_in_tier(
        &mut self,
        claim: Claim,
        key: &[u8],
        waker: &Waker,
        waiter: Waiter,
    ) -> Elsewhere<K::Held> {
        let function = &self.function;
        let Some(shared) = &function.shared else { return Elsewhere::Compute };
        let outside = self.outside.get_or_insert_default();
        if outside.seeking.is_none() {
            outside.seeking = shared.seek(function, claim, key, waiter.blocks());
        }
        let Some(seeking) = &mut outside.seeking else { return Elsewhere::Compute };
        let Poll::Ready(sought) = shared.poll(seeking, function, claim, key, waker) else {
            return match shared.until(seeking) {
                Ok(until) => Elsewhere::Wait(until),
                Err(until) => Elsewhere::Requested(until),
            };
        };
        outside.seeking = None;
        match sought {
            Sought::Found(held) => {
                if let Role::Lead(claim) = self.role {
                    function
                        .count_served(Source::Remote, || function.memory.computed(claim.hash, key));
                }
                self.role = Role::Done;
                Elsewhere::Found(held)
            }
            Sought::Busy(stands_in) => {
                let older = self.leave_to_others(claim, stands_in);
                older.map_or_else(|| self.compute_here(), Elsewhere::Found)
            }
            Sought::Compute(permit, stands_in) => {
                (outside.permit, outside.stands_in) = (Some(permit), stands_in);
                self.compute_here()
            }
            Sought::Unavailable if claim.renews => self.compute_here(),
            Sought::Unavailable => match function.load_since(claim, key, shared.known_since()) {
                Some(held) => {
                    self.role = Role::Done;
                    Elsewhere::Found(held)
                }
                None => self.compute_here(),
            },
        }
    }

    fn compute_here(&mut self) -> Elsewhere<K::Held> {
        self.begin();
        Elsewhere::Compute
    }

    /// Gives up the claim because another process or machine computes the value, and returns the older value. If there is none,
    /// does nothing.
    fn leave_to_others(&mut self, claim: Claim, stands_in: Option<K::Held>) -> Option<K::Held> {
        let is_call = matches!(self.role, Role::Lead(_));
        let older = self.function.older(claim, is_call).or_else(|| {
            let held = stands_in?;
            if is_call {
                self.function.count_served(Source::Stale, || None);
            }
            Some(held)
        })?;
        // Before the claim ends. Otherwise a caller would claim the key at once.
        self.function.memory.postpone(claim);
        self.function.abandon(claim);
        self.role = Role::Done;
        Some(older)
    }

    /// Returns how long a task waits for others.
    pub(crate) fn wait_limit(&self) -> Duration {
        self.function.wait_limit()
    }

    /// Ends the wait for others: the caller computes the value.
    pub(crate) fn stop_waiting(&mut self) {
        if let Some(outside) = &mut self.outside {
            outside.seeking = None;
            #[cfg(feature = "web")]
            let _ = outside.asked.take();
        }
        self.begin();
    }

    /// Waits while others compute the value, but not longer than the wait limit. Returns the value if they have stored
    /// it. Otherwise the caller computes.
    pub(crate) fn await_elsewhere(&mut self, key: &[u8]) -> Option<K::Held> {
        // Other processes wake nobody.
        let waker = match &self.function.shared {
            Some(_) => Waker::from(Arc::new(Unpark(thread::current()))),
            None => Waker::noop().clone(),
        };
        // Most calls find the key free, and need no limit.
        let mut deadline = None;
        let mut pause = MIN_PAUSE;
        loop {
            let now = Instant::now();
            let (until, is_limited) = match self.look_elsewhere(key, &waker, Waiter::Thread) {
                Elsewhere::Compute => return None,
                Elsewhere::Found(held) => return Some(held),
                Elsewhere::Busy => (now + pause, true),
                Elsewhere::Wait(until) => (until, true),
                Elsewhere::Requested(until) => (until, false),
            };
            let mut end = until;
            if is_limited {
                let limit = || now.checked_add(self.function.thread_wait_limit());
                let deadline = *deadline.get_or_insert_with(limit);
                if deadline.is_some_and(|deadline| deadline <= now) {
                    self.stop_waiting();
                    return None;
                }
                end = deadline.map_or(until, |deadline| deadline.min(until));
                pause = (pause * 2).min(MAX_PAUSE);
            }
            thread::park_timeout(end.saturating_duration_since(now));
        }
    }

    /// If callers get an older value until this computation ends, makes it one that runs behind its caller. Returns it
    /// with the older value. Otherwise returns it as it was.
    pub(crate) fn behind(mut self) -> Result<(Self, K::Held), Self> {
        let Role::Lead(claim) = self.role else { return Err(self) };
        let Some(older) = self.function.older(claim, true) else { return Err(self) };
        self.role = Role::Refresh(claim);
        self.span.change_role("refresh");
        Ok((self, older))
    }

    /// Begins a computation that has waited for its thread or task.
    pub(crate) fn begin(&mut self) {
        self.span.add_wait(self.began.nanos());
        self.began = Stopwatch::start(false);
        self.since = self.function.storage.as_ref().map_or(0, |storage| storage.since());
        self.unwinding = std::thread::panicking();
    }

    /// Marks the key as computed by this caller until the guard is dropped. A call of the same key from inside the
    /// computation then computes, because a wait would never end. The guard also collects the time of the computations
    /// within this one.
    pub(crate) fn computing(&self) -> Option<Computing> {
        let flight = match &self.role {
            Role::Lead(claim) | Role::Refresh(claim) => Some(claim.id),
            Role::Relieve(flight) => Some(flight.claim.id),
            Role::Alone | Role::Verify(_) => None,
            Role::Done => return None,
        };
        Some(Computing::begin(flight, &self.function.recursive, self.nested_nanos))
    }

    /// Enters the span of the computation, for as long as this thread runs or polls it.
    #[inline]
    pub(crate) fn enter(&mut self) -> Option<Entered> {
        let role = match &self.role {
            Role::Lead(_) => "lead",
            Role::Refresh(_) => "refresh",
            Role::Relieve(_) => "relieve",
            Role::Alone => "alone",
            Role::Verify(_) => "verify",
            Role::Done => return None,
        };
        self.span.enter(&self.function.name, role)
    }

    /// Returns whether others may wait for the value.
    pub(crate) fn leads(&self) -> bool {
        self.led().is_some()
    }

    /// Returns the id of the flight in which others may wait for the value.
    pub(crate) fn led(&self) -> Option<Id> {
        Some(self.claim()?.id)
    }

    fn claim(&self) -> Option<Claim> {
        match self.role {
            Role::Lead(claim) | Role::Refresh(claim) => Some(claim),
            Role::Relieve(_) | Role::Alone | Role::Verify(_) | Role::Done => None,
        }
    }

    /// Records that `task` runs this computation.
    pub(crate) fn set_task(&self, task: Arc<LeaderTask>) {
        if let Some(claim) = self.claim() {
            self.function.memory.set_leader_task(claim, task);
        }
    }

    /// Remembers, at the end of a poll, what `computing` has collected.
    pub(crate) fn pause(&mut self, computing: Option<&Computing>) {
        self.nested_nanos = computing.map_or(0, Computing::nested_nanos);
    }

    /// Stores the part of `returned` that the selection caches, if `should_store` returns true. If `returned` is an
    /// error and the cache has an older value that it may still serve, returns that value, for the caller. Takes a
    /// reference, because a large value would otherwise be on the stack once more.
    pub(crate) fn finish(
        &mut self,
        returned: &K::Return,
        should_store: impl FnOnce(&K::Return) -> bool,
    ) -> Option<K::Held> {
        let (older, is_kept) = self.conclude(returned, should_store);
        // After the predicate, the `Clone` and the `Serialize` of the user, which may call memoized functions.
        if older.is_none() {
            source::note_computed(is_kept);
        }
        older
    }

    /// Also returns whether the cache has a value for the call.
    fn conclude(
        &mut self,
        returned: &K::Return,
        should_store: impl FnOnce(&K::Return) -> bool,
    ) -> (Option<K::Held>, bool) {
        match &self.role {
            Role::Done => return (None, false),
            Role::Lead(_) | Role::Refresh(_) | Role::Relieve(_) => {}
            Role::Verify(check) => {
                self.compare(check, returned);
                self.count();
                self.span.end("verified");
                self.role = Role::Done;
                return (None, true);
            }
            Role::Alone => {
                self.count();
                self.function.counts.uncached.add(1);
                self.span.end("not_kept");
                self.role = Role::Done;
                return (None, false);
            }
        }
        let time = self.count();
        // The user's predicate and `Clone` run first. If they panic, `drop` releases the waiters.
        let selected = K::Selection::of(returned);
        let is_error = selected.is_none_or(K::Selection::is_error);
        let refusal = if selected.is_some() { Refusal::CacheIf } else { Refusal::Error };
        let held = selected.filter(|_| should_store(returned)).map(K::Holder::copy);
        let is_refused = held.is_none();
        if is_refused {
            self.note_refusal(refusal);
        }
        let leads = self.leads();
        let renews = self.claim().is_some_and(|claim| claim.renews);
        let made = if renews { Made::Renewed(time) } else { Made::Computed(time) };
        let kept = held.is_some_and(|held| self.complete(held, made)) && leads;
        if !kept {
            self.function.counts.uncached.add(1);
        }
        self.span.end(match (kept, is_refused, refusal) {
            (true, ..) => "kept",
            (_, true, Refusal::Error) => "error",
            (_, true, _) => "rejected",
            (_, false, _) => "not_kept",
        });
        // An error that is kept is a result.
        let older = if is_refused && is_error { self.fall_back() } else { None };
        (older, kept)
    }

    /// Notes for explanations why the result of a leader is not kept.
    #[cold]
    fn note_refusal(&self, why: Refusal) {
        if let Some(claim) = self.claim() {
            self.function.note_refusal(claim, why);
        }
    }

    /// Returns the write to the tier, if the caller is to wait for it, and what is written.
    pub(crate) fn take_writing(&mut self) -> Option<(Writing, K::Held)> {
        self.outside.as_mut()?.writing.take()
    }

    /// Returns the older value that the leader's would have replaced, if it may still be served.
    #[cold]
    fn fall_back(&mut self) -> Option<K::Held> {
        let Role::Lead(claim) = self.role else { return None };
        let outside = self.outside.as_mut();
        let stands_in = outside.and_then(|outside| outside.stands_in.take());
        let held = self.function.fall_back(claim, stands_in)?;
        self.function.counts.stale_if_error.add(1);
        Some(held)
    }

    /// Stores a value that was not computed. Returns whether it is kept.
    pub(crate) fn insert(mut self, value: K::Held) -> bool {
        self.counted = true;
        self.complete(value, Made::Inserted)
    }

    /// Gives `value` to all waiters, and stores it if it is the leader's and may be stored. Returns whether it is
    /// stored. If a leader's value is not, `drop` gives up the claim.
    fn complete(&mut self, value: K::Held, made: Made) -> bool {
        match &self.role {
            Role::Lead(claim) | Role::Refresh(claim) => {
                let permit = self.outside.as_mut().and_then(|outside| outside.permit.take());
                let Completed { kept, writing } =
                    self.function.complete(*claim, &value, made, self.since, permit);
                if let (Some(outside), Some(writing)) = (&mut self.outside, writing) {
                    outside.writing = Some((writing, value));
                }
                if kept {
                    self.role = Role::Done;
                }
                kept
            }
            Role::Relieve(flight) => {
                self.function.memory.detach(flight);
                flight.complete_by_relief(value);
                self.role = Role::Done;
                false
            }
            Role::Alone | Role::Verify(_) | Role::Done => false,
        }
    }

    fn compare(&self, check: &Comparison<K>, returned: &K::Return) {
        // If errors are not kept, an error is not compared: it says nothing about the held value.
        if K::Selection::of(returned).is_some_and(|computed| !check.passes(computed)) {
            self.function.counts.mismatches.add(1);
            check.report(&self.function.name);
        }
    }

    /// Counts the miss. Returns its own time, or `None` if the coarse clock timed it: that says nothing about one
    /// computation.
    fn count(&mut self) -> Option<Duration> {
        self.count_refresh();
        let nanos = self.began.nanos();
        let own_nanos = wait_graph::own_nanos(nanos);
        self.function.memory.calls.miss(&pin(), nanos, own_nanos);
        self.counted = true;
        if self.began.is_coarse() {
            return None;
        }
        self.function.counts.compute_latency.record(nanos);
        // Of short ones, the few that are measured stand for the distribution and not for what a result costs, unless
        // all are.
        let memory = &self.function.memory;
        let counts = memory.is_priced() || !memory.calls.are_short(&pin(), 10_000);
        counts.then(|| Duration::from_nanos(own_nanos))
    }

    fn count_refresh(&self) {
        if let Role::Refresh(_) = self.role {
            self.function.counts.refreshed.add(1);
        }
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
            self.count_refresh();
            self.function.memory.calls.unfinished_miss(&pin());
            self.note_refusal(Refusal::Unfinished);
            self.span.end(if panicked { "panicked" } else { "dropped" });
        }
        match &self.role {
            Role::Lead(claim) => {
                self.function.observe_removal(claim.hash);
                self.function.abandon(*claim);
            }
            Role::Refresh(claim) => {
                // Before the claim ends. Otherwise a caller would claim the key at once.
                self.function.memory.postpone(*claim);
                self.function.abandon(*claim);
            }
            Role::Relieve(flight) => flight.relief_failed(),
            Role::Alone | Role::Verify(_) | Role::Done => {}
        }
        if panicked {
            self.function.counts.panics.add(1);
        }
    }
}
