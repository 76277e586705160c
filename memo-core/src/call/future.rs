//! One call of an `async fn`: a future that looks into the cache when it is first polled.
//!
//! It needs no particular runtime: the leader of the flight that it waits for wakes it. It stores the body's future
//! once and is `Send` if that future is.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use serde_core::Serialize;

use crate::call::lookup::Detour;
use crate::call::pinned::{LazyFuture, PinnedWith};
use crate::function::computation::{Computation, Elsewhere};
use crate::function::function_cache::{FunctionCache, FunctionRef, NextStep, Renewal};
use crate::function::tier_types::Writing;
use crate::function::waiter::Waiter;
use crate::key::arguments::Arguments;
use crate::key::{KeyBytes, Tag, WrittenKey};
use crate::platform::clock::Instant;
use crate::single_flight::alarm::Alarm;
use crate::single_flight::flight::{Arrival, Flight, TaskWait};
use crate::single_flight::leader_task::LeaderTask;
use crate::single_flight::wait_graph::{self, Id};
use crate::value::keep::Keep;

/// The result of the lookup of an asynchronous call.
pub struct AsyncLookup<K: Keep<Held: Send + Sync>>(pub(super) Result<K::Return, Missed<K>>);

/// A call that is no hit.
pub(super) enum Missed<K: Keep<Held: Send + Sync>> {
    /// The cache, the hash of the key, the key, which is not claimed yet, and the tags of the result.
    Key(FunctionRef<K>, u64, KeyBytes, Box<[Tag]>),
    /// The same, of a call that wants a new value.
    Renewal(FunctionRef<K>, u64, KeyBytes, Box<[Tag]>),
    Stage(Stage<K>),
}

impl<K: Keep<Held: Send + Sync>> Missed<K> {
    /// Returns the value, if there is one after all, or the stage in which the call obtains it.
    pub(super) fn value_or_stage(self) -> Result<K::Return, Stage<K>> {
        match self {
            Self::Key(function, hash, key, tags) => {
                function.value_or_stage(hash, key.as_slice(), tags)
            }
            Self::Renewal(function, hash, key, tags) => {
                function.renewal(hash, key.as_slice(), tags, true)
            }
            Self::Stage(stage) => Err(stage),
        }
    }
}

impl<K: Keep<Held: Send + Sync>> FunctionCache<K> {
    /// Looks up the key of `arguments`.
    #[inline]
    pub(crate) fn begin<A: Arguments>(&self, arguments: &A) -> AsyncLookup<K> {
        match self.recall(arguments) {
            Some(held) => AsyncLookup(Ok(K::into_return(held))),
            None => self.begin_behind(arguments),
        }
    }

    /// Does the same for what this thread does not remember.
    #[inline(never)]
    fn begin_behind<A: Arguments>(&self, arguments: &A) -> AsyncLookup<K> {
        if let Some(detour) = self.begin_special(arguments) {
            return self.begin_detour(detour);
        }
        let (hash, found) = self.search(arguments, |key| self.find_to_remember(arguments, key));
        match found {
            Some(held) => AsyncLookup(Ok(K::into_return(held))),
            None => self.missed_async(arguments, hash),
        }
    }

    /// Does the same, but for `share` of the hits the value is computed again and compared.
    pub(crate) fn begin_or_verify<A: Arguments>(&self, arguments: &A, share: f64) -> AsyncLookup<K>
    where
        K::Value: Serialize,
    {
        if let Some(detour) = self.begin_special(arguments) {
            return match detour.comparison(arguments, share) {
                Ok((twin, check)) => AsyncLookup::compute_by(Computation::verify(&twin, check)),
                Err(detour) => self.begin_detour(detour),
            };
        }
        let (hash, found) =
            self.search(arguments, |key| self.find_or_verify(arguments, key, share));
        match found {
            Ok(held) => AsyncLookup(Ok(K::into_return(held))),
            Err(Some(comparison)) => AsyncLookup::compute_by(Computation::verify(self, comparison)),
            Err(None) => self.missed_async(arguments, hash),
        }
    }

    #[cold]
    #[inline(never)]
    fn missed_async<A: Arguments>(&self, arguments: &A, hash: Option<u64>) -> AsyncLookup<K> {
        self.missed_key_async(&WrittenKey::new(arguments, hash), false)
    }

    #[cold]
    fn begin_detour(&self, detour: Detour<K>) -> AsyncLookup<K> {
        match detour {
            Detour::Bypass => AsyncLookup::compute_by(Computation::bypassed(self)),
            Detour::Refresh(key) => self.missed_key_async(&key, true),
            Detour::Twin(twin, key, renews) => twin.missed_key_async(&key, renews),
        }
    }

    /// `renews`: the call wants a new value.
    fn missed_key_async(&self, written: &WrittenKey, renews: bool) -> AsyncLookup<K> {
        match self.key(written) {
            Some((hash, key)) => {
                let (function, key) = (self.shared(), KeyBytes::new(key));
                let missed = if renews { Missed::Renewal } else { Missed::Key };
                AsyncLookup(Err(missed(function, hash, key, written.tags().into())))
            }
            None => AsyncLookup::compute_by(Computation::alone(self)),
        }
    }
}

/// Returns whether to store a result.
pub type ShouldStore<R> = fn(&R) -> bool;

impl<K: Keep<Held: Send + Sync>> AsyncLookup<K> {
    fn compute_by(computation: Computation<K>) -> Self {
        Self(Err(Missed::Stage(Stage::Computing(computation))))
    }

    /// On a miss, the call runs `body` and stores its value.
    pub fn compute<B: Future<Output = K::Return>>(
        self,
        body: B,
    ) -> FirstPoll<K, B, ShouldStore<K::Return>> {
        self.compute_if(body, |_| true)
    }

    /// Does the same, but stores nothing if `should_store` returns false.
    pub fn compute_if<B, W>(self, body: B, should_store: W) -> FirstPoll<K, B, W>
    where
        B: Future<Output = K::Return>,
        W: FnOnce(&K::Return) -> bool,
    {
        FirstPoll(self.0.map_err(|missed| (missed, body, should_store)))
    }
}

/// The input of the first poll of a call: the value, or on a miss what was found, the body, and the predicate of what
/// to store.
pub struct FirstPoll<K: Keep<Held: Send + Sync>, B, W>(Result<K::Return, (Missed<K>, B, W)>);

/// Returns the future of a call. `begin` holds the arguments; the first poll runs it.
pub fn call<K, L, B, W>(begin: L) -> impl Future<Output = K::Return>
where
    K: Keep<Held: Send + Sync>,
    L: FnOnce() -> FirstPoll<K, B, W>,
    B: Future<Output = K::Return>,
    W: FnOnce(&K::Return) -> bool,
{
    PinnedWith::new(
        Progress { stage: Stage::NotPolled, should_store: None, task: None },
        LazyFuture::Maker(begin),
    )
}

/// Of the calls within each other in one task, only this many of the outermost are observed, because each passes a
/// wake-up on to the next.
const MAX_OBSERVED_DEPTH: usize = 16;

/// The state of a call, without the body's future.
pub(super) struct Progress<K: Keep<Held: Send + Sync>, W> {
    pub(super) stage: Stage<K>,
    pub(super) should_store: Option<W>,
    /// The task that computes, once it was polled.
    pub(super) task: Option<Arc<LeaderTask>>,
}

pub(super) enum Stage<K: Keep<Held: Send + Sync>> {
    NotPolled,
    Waiting(Box<Wait<K>>),
    /// The value is looked for elsewhere, or others compute it.
    Away(Box<Away<K>>),
    Computing(Computation<K>),
    /// The call waits until the tier has the value.
    Writes(Box<Writes<K>>),
    /// The call has returned its value, or has panicked.
    Ended,
}

impl<K, L, B, W> Future for PinnedWith<Progress<K, W>, LazyFuture<L, B>>
where
    K: Keep<Held: Send + Sync>,
    L: FnOnce() -> FirstPoll<K, B, W>,
    B: Future<Output = K::Return>,
    W: FnOnce(&K::Return) -> bool,
{
    type Output = K::Return;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<K::Return> {
        let (progress, mut body) = self.project();
        if let Stage::NotPolled = progress.stage {
            // If the maker panics, in a `Serialize` or in the settings, the call has ended.
            progress.stage = Stage::Ended;
            let begin =
                body.as_mut().take_maker().expect("a call that was not polled has its arguments");
            let (missed, future, should_store) = match begin().0 {
                Ok(value) => return Poll::Ready(value),
                Err(missed) => missed,
            };
            progress.stage = match missed.value_or_stage() {
                Ok(value) => return Poll::Ready(value),
                Err(stage) => stage,
            };
            progress.should_store = Some(should_store);
            body.set(LazyFuture::Future(future));
        }
        if let Some(value) = ready!(progress.stage.wait(cx)) {
            body.set(LazyFuture::Empty);
            return Poll::Ready(value);
        }
        let value = ready!(progress.compute(body.as_mut(), cx));
        body.set(LazyFuture::Empty);
        Poll::Ready(value)
    }
}

impl<K: Keep<Held: Send + Sync>> Stage<K> {
    /// If callers get an older value until the value is computed, returns the stage for another task, and that value.
    pub(super) fn behind(self) -> Result<(Self, K::Held), Self> {
        match self {
            Self::Computing(computation) => match computation.behind() {
                Ok((computation, older)) => Ok((Self::Computing(computation), older)),
                Err(computation) => Err(Self::Computing(computation)),
            },
            Self::Away(away) => match away.behind() {
                Ok((away, older)) => Ok((Self::Away(away), older)),
                Err(away) => Err(Self::Away(away)),
            },
            stage => Err(stage),
        }
    }

    /// If the call computes what others may wait for, returns the id of its flight, and how long a task waits for it.
    pub(super) fn leads(&self) -> Option<(Id, Duration)> {
        let Self::Computing(computation) = self else { return None };
        Some((computation.led()?, computation.wait_limit()))
    }

    /// Begins a computation that has waited for its task.
    pub(super) fn begin(&mut self) {
        if let Self::Computing(computation) = self {
            computation.begin();
        }
    }

    /// Waits as long as the stages are waits. Returns the value if the call ends with one, and otherwise `None`: the
    /// caller computes.
    pub(super) fn wait(&mut self, cx: &mut Context<'_>) -> Poll<Option<K::Return>> {
        while let Some(waited) = self.poll_wait(cx) {
            match ready!(waited) {
                Err(stage) => *self = stage,
                Ok(value) => {
                    *self = Self::Ended;
                    return Poll::Ready(Some(value));
                }
            }
        }
        Poll::Ready(None)
    }

    /// Polls the wait if this stage is one. When it ends, returns the value or the next stage.
    fn poll_wait(&mut self, cx: &mut Context<'_>) -> Option<Poll<Result<K::Return, Self>>> {
        match self {
            Self::Waiting(wait) => Some(wait.poll(cx)),
            Self::Away(away) => Some(away.poll(cx.waker())),
            Self::Writes(writes) => Some(writes.poll(cx.waker()).map(Ok)),
            Self::NotPolled | Self::Computing(_) | Self::Ended => None,
        }
    }
}

impl<K: Keep<Held: Send + Sync>> FunctionCache<K> {
    /// Returns the value of `key`. If there is none, returns the stage in which the call obtains it.
    fn value_or_stage(
        &self,
        hash: u64,
        key: &[u8],
        tags: Box<[Tag]>,
    ) -> Result<K::Return, Stage<K>> {
        match self.claim_or_join(hash, key, &tags) {
            NextStep::Value(held) => Ok(K::into_return(held)),
            NextStep::Lead(claim) if self.is_stored() => {
                Self::stage_unless_found(Computation::lead(self, claim), key)
            }
            NextStep::Lead(claim) => Err(Stage::Computing(Computation::lead(self, claim))),
            NextStep::Join(flight) => {
                Err(Stage::Waiting(Wait::new(self.shared(), flight, tags, None)))
            }
        }
    }

    /// Returns the stage in which a call obtains a value whose computation begins after it. `is_older`: the computation
    /// that others may do now began before the call.
    fn renewal(
        &self,
        hash: u64,
        key: &[u8],
        tags: Box<[Tag]>,
        is_older: bool,
    ) -> Result<K::Return, Stage<K>> {
        match self.claim_to_renew(hash, key, &tags) {
            Renewal::Lead(claim) => Self::stage_unless_found(Computation::renew(self, claim), key),
            Renewal::Join(flight) => {
                Err(Stage::Waiting(Wait::new(self.shared(), flight, tags, Some(is_older))))
            }
        }
    }
}

impl<K: Keep<Held: Send + Sync>> FunctionCache<K> {
    /// Looks for the value elsewhere. If it is nowhere, the caller computes it.
    fn stage_unless_found(
        mut computation: Computation<K>,
        key: &[u8],
    ) -> Result<K::Return, Stage<K>> {
        // The stage that waits looks again at once, with the waker of the task.
        match computation.look_elsewhere(key, Waker::noop(), Waiter::TASK) {
            Elsewhere::Compute => Err(Stage::Computing(computation)),
            Elsewhere::Found(held) => Ok(K::into_return(held)),
            Elsewhere::Busy | Elsewhere::Wait(_) | Elsewhere::Requested(_) => {
                Err(Stage::Away(Box::new(Away::new(computation, key))))
            }
        }
    }
}

/// A call that looks for its value elsewhere, and waits while others compute it.
pub(super) struct Away<K: Keep<Held: Send + Sync>> {
    /// `None` once the wait has ended.
    computation: Option<Computation<K>>,
    key: KeyBytes,
    /// When the caller computes itself, if ever. `None` if it has not had to wait for others.
    deadline: Option<Option<Instant>>,
    /// Wakes the task from time to time, while it waits for others.
    alarm: Arc<Alarm>,
}

impl<K: Keep<Held: Send + Sync>> Away<K> {
    fn new(computation: Computation<K>, key: &[u8]) -> Self {
        let (computation, key) = (Some(computation), KeyBytes::new(key));
        Self { computation, key, deadline: None, alarm: Arc::default() }
    }

    /// If callers get an older value meanwhile, makes this one that goes on behind its caller. Returns it with the
    /// older value. Otherwise returns it as it was.
    pub(super) fn behind(mut self: Box<Self>) -> Result<(Box<Self>, K::Held), Box<Self>> {
        let Some(computation) = self.computation.take() else {
            panic!("a call was polled after it ended");
        };
        let (computation, older) = match computation.behind() {
            Ok((computation, older)) => (computation, Some(older)),
            Err(computation) => (computation, None),
        };
        self.computation = Some(computation);
        match older {
            Some(older) => Ok((self, older)),
            None => Err(self),
        }
    }

    /// Polls the wait. When it ends, returns the value or the next stage of the call.
    fn poll(&mut self, waker: &Waker) -> Poll<Result<K::Return, Stage<K>>> {
        let Some(computation) = &mut self.computation else {
            panic!("a call was polled after it ended");
        };
        let must_wait = match computation.look_elsewhere(self.key.as_slice(), waker, Waiter::TASK) {
            Elsewhere::Found(held) => return Poll::Ready(Ok(K::into_return(held))),
            Elsewhere::Requested(until) => {
                self.alarm.set(waker.clone(), until.saturating_duration_since(Instant::now()));
                return Poll::Pending;
            }
            Elsewhere::Busy | Elsewhere::Wait(_) => true,
            Elsewhere::Compute => false,
        };
        if must_wait {
            let (now, limit) = (Instant::now(), computation.wait_limit());
            let deadline = *self.deadline.get_or_insert_with(|| now.checked_add(limit));
            if deadline.is_none_or(|deadline| now < deadline) {
                self.alarm.set(waker.clone(), limit);
                return Poll::Pending;
            }
            computation.stop_waiting();
        }
        Poll::Ready(Err(self.computation.take().map_or(Stage::Ended, Stage::Computing)))
    }
}

/// A call that has its value, and waits until the tier has it. It keeps the part that is cached, because the rest of
/// the result need not be `Send`.
pub(super) struct Writes<K: Keep> {
    /// `None` once the wait has ended.
    held: Option<K::Held>,
    writing: Writing,
    limit: Duration,
    /// Wakes the task from time to time, because the wait has a limit.
    alarm: Arc<Alarm>,
}

impl<K: Keep> Writes<K> {
    fn poll(&mut self, waker: &Waker) -> Poll<K::Return> {
        if self.writing.poll(waker).is_pending() {
            self.alarm.set(waker.clone(), self.limit);
            return Poll::Pending;
        }
        let held = self.held.take().expect("a call is not polled after it ended");
        Poll::Ready(K::into_return(held))
    }
}

/// The wait of a task for the computation of another caller.
pub(super) struct Wait<K: Keep<Held: Send + Sync>> {
    function: FunctionRef<K>,
    flight: Arc<Flight<K::Held>>,
    task_wait: TaskWait,
    began: Arrival,
    tags: Box<[Tag]>,
    /// Of a call that wants a new value: whether the computation began before the call.
    is_older: Option<bool>,
}

impl<K: Keep<Held: Send + Sync>> Wait<K> {
    fn new(
        function: FunctionRef<K>,
        flight: Arc<Flight<K::Held>>,
        tags: Box<[Tag]>,
        is_older: Option<bool>,
    ) -> Box<Self> {
        let task_wait = TaskWait::new(function.wait_limit());
        let began = Arrival::now();
        Box::new(Self { function, flight, task_wait, began, tags, is_older })
    }

    /// Polls the wait. When it ends, returns the value or the next stage of the call.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<K::Return, Stage<K>>> {
        let waited = ready!(self.flight.poll(&mut self.task_wait, cx));
        let (function, flight, began) = (&*self.function, &self.flight, &self.began);
        let (hash, key) = (flight.claim.hash, flight.key.as_slice());
        let after = match self.is_older {
            Some(is_older) => {
                let tags = &self.tags;
                Computation::after_wait_to_renew(function, flight, waited, began, tags, is_older)
            }
            None => Computation::after_wait(function, flight, waited, began),
        };
        Poll::Ready(match after {
            Some(Ok(held)) => Ok(K::into_return(held)),
            Some(Err(computation)) if function.is_stored() => {
                FunctionCache::stage_unless_found(computation, key)
            }
            Some(Err(computation)) => Err(Stage::Computing(computation)),
            None if self.is_older.is_some() => {
                function.renewal(hash, key, self.tags.clone(), false)
            }
            None => function.value_or_stage(hash, key, self.tags.clone()),
        })
    }
}

impl<K: Keep<Held: Send + Sync>> Drop for Wait<K> {
    fn drop(&mut self) {
        if self.flight.leave(&mut self.task_wait) {
            self.function.pass_on(self.flight.claim);
        }
    }
}

/// Ends the computation as soon as the body panics, and not only when the call's future is dropped.
struct StageGuard<'a, K: Keep<Held: Send + Sync>> {
    stage: &'a mut Stage<K>,
    returned: bool,
}

impl<K: Keep<Held: Send + Sync>> Drop for StageGuard<'_, K> {
    fn drop(&mut self) {
        if !self.returned {
            *self.stage = Stage::Ended;
        }
    }
}

impl<K: Keep<Held: Send + Sync>, W: FnOnce(&K::Return) -> bool> Progress<K, W> {
    /// Polls the body, and stores its value.
    pub(super) fn compute<L, B: Future<Output = K::Return>>(
        &mut self,
        body: Pin<&mut LazyFuture<L, B>>,
        cx: &mut Context<'_>,
    ) -> Poll<K::Return> {
        let (Stage::Computing(computation), Some(future)) = (&mut self.stage, body.future()) else {
            panic!("a call was polled after it ended");
        };
        let computing = computation.computing();
        let _entered = computation.enter();
        let observed = computation.leads() && wait_graph::depth() <= MAX_OBSERVED_DEPTH;
        let mut guard = StageGuard { stage: &mut self.stage, returned: false };
        let (polled, new_task) = if observed {
            LeaderTask::poll(&mut self.task, future, cx)
        } else {
            (future.poll(cx), None)
        };
        guard.returned = true;
        drop(guard);
        let Poll::Ready(value) = polled else {
            if let Stage::Computing(computation) = &mut self.stage {
                computation.pause(computing.as_ref());
                if let Some(task) = new_task {
                    computation.set_task(task);
                }
            }
            return Poll::Pending;
        };
        let stage = std::mem::replace(&mut self.stage, Stage::Ended);
        if let (Stage::Computing(mut computation), Some(should_store)) =
            (stage, self.should_store.take())
        {
            let older = computation.finish(&value, should_store);
            let value = older.map_or(value, K::into_return);
            let Some((writing, held)) = computation.take_writing() else {
                return Poll::Ready(value);
            };
            let limit = computation.wait_limit();
            let writes = Writes { held: Some(held), writing, limit, alarm: Arc::default() };
            self.stage = Stage::Writes(Box::new(writes));
            // This stage ends with the value.
            return self.stage.wait(cx).map(|value| value.expect("the value that was written"));
        }
        Poll::Ready(value)
    }
}
