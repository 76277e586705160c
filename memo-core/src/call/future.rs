//! One call of an `async fn`: a future that looks into the cache when it is first polled.
//!
//! It knows no runtime: it is woken by the leader of the flight that it waits for. It stores the body's future once, and
//! is `Send` if that is.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use serde::Serialize;

use crate::call::bypass;
use crate::call::pinned::{LazyFuture, PinnedWith};
use crate::function::computation::Computation;
use crate::function::function_cache::{FunctionCache, NextStep};
use crate::key::arguments::Arguments;
use crate::key::{KeyBytes, WrittenKey};
use crate::single_flight::flight::{Flight, TaskWait};
use crate::value::keep::Keep;

/// What an asynchronous call comes to.
pub struct AsyncLookup<K: Keep<Held: Send + Sync>>(Outcome<K>);

enum Outcome<K: Keep<Held: Send + Sync>> {
    Hit(K::Return),
    Miss(&'static FunctionCache<K>, u64, KeyBytes),
    Compute(Computation<K>),
}

impl<K: Keep<Held: Send + Sync>> FunctionCache<K> {
    /// Looks the key of `arguments` up.
    #[inline]
    pub(crate) fn begin<A: Arguments>(&'static self, arguments: &A) -> AsyncLookup<K> {
        if bypass::is_on() {
            return AsyncLookup(Outcome::Compute(Computation::bypassed(self)));
        }
        let hash = self.hash(arguments);
        match self.find(arguments, hash, true) {
            Some(held) => AsyncLookup(Outcome::Hit(K::to_return(&held))),
            None => self.missed_async(arguments, hash),
        }
    }

    /// The same, but has a share of the hits computed and compared.
    pub(crate) fn begin_or_verify<A: Arguments>(
        &'static self,
        arguments: &A,
        share: f64,
    ) -> AsyncLookup<K>
    where
        K::Value: Serialize,
    {
        if bypass::is_on() {
            return AsyncLookup(Outcome::Compute(Computation::bypassed(self)));
        }
        let hash = self.hash(arguments);
        match self.find_or_verify(arguments, hash, share) {
            Ok(held) => AsyncLookup(Outcome::Hit(K::to_return(&held))),
            Err(Some(check)) => AsyncLookup(Outcome::Compute(Computation::verify(self, check))),
            Err(None) => self.missed_async(arguments, hash),
        }
    }

    #[cold]
    #[inline(never)]
    fn missed_async<A: Arguments>(
        &'static self,
        arguments: &A,
        hash: Option<u64>,
    ) -> AsyncLookup<K> {
        AsyncLookup(match self.key(&WrittenKey::new(arguments, hash)) {
            Some((hash, key)) => Outcome::Miss(self, hash, KeyBytes::new(key)),
            None => Outcome::Compute(Computation::alone(self)),
        })
    }
}

/// Says whether a result is worth keeping.
pub type ShouldStore<R> = fn(&R) -> bool;

impl<K: Keep<Held: Send + Sync>> AsyncLookup<K> {
    /// Goes on with `body` on a miss, and keeps its value.
    pub fn compute<B: Future<Output = K::Return>>(
        self,
        body: B,
    ) -> FirstPoll<K, B, ShouldStore<K::Return>> {
        self.compute_if(body, |_| true)
    }

    /// The same, if `worth` says so.
    pub fn compute_if<B, W>(self, body: B, worth: W) -> FirstPoll<K, B, W>
    where
        B: Future<Output = K::Return>,
        W: FnOnce(&K::Return) -> bool,
    {
        FirstPoll { lookup: self.0, body, worth }
    }
}

/// A call at its first poll.
pub struct FirstPoll<K: Keep<Held: Send + Sync>, B, W> {
    lookup: Outcome<K>,
    body: B,
    worth: W,
}

/// The future of the call whose arguments `begin` holds.
pub fn call<K, L, B, W>(begin: L) -> impl Future<Output = K::Return>
where
    K: Keep<Held: Send + Sync>,
    L: FnOnce() -> FirstPoll<K, B, W>,
    B: Future<Output = K::Return>,
    W: FnOnce(&K::Return) -> bool,
{
    PinnedWith::new(Progress { stage: Stage::NotPolled, worth: None }, LazyFuture::Maker(begin))
}

struct Progress<K: Keep<Held: Send + Sync>, W> {
    stage: Stage<K>,
    worth: Option<W>,
}

enum Stage<K: Keep<Held: Send + Sync>> {
    NotPolled,
    Waiting(Wait<K>),
    Computing(Computation<K>),
    Over,
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
            // Should the maker panic, by a `Serialize` or by settings, the call is over.
            progress.stage = Stage::Over;
            let begin = body.as_mut().take_maker().expect("an unasked call has its arguments");
            let FirstPoll { lookup, body: future, worth } = begin();
            progress.stage = match lookup {
                Outcome::Hit(value) => return Poll::Ready(value),
                Outcome::Compute(computation) => Stage::Computing(computation),
                Outcome::Miss(function, hash, key) => match function.next(hash, key.as_slice()) {
                    Ok(value) => return Poll::Ready(value),
                    Err(stage) => stage,
                },
            };
            progress.worth = Some(worth);
            body.set(LazyFuture::Future(future));
        }
        while let Stage::Waiting(wait) = &mut progress.stage {
            match ready!(wait.poll(cx)) {
                Err(stage) => progress.stage = stage,
                Ok(value) => {
                    progress.stage = Stage::Over;
                    body.set(LazyFuture::Gone);
                    return Poll::Ready(value);
                }
            }
        }
        let value = ready!(progress.compute(body.as_mut(), cx));
        body.set(LazyFuture::Gone);
        Poll::Ready(value)
    }
}

impl<K: Keep<Held: Send + Sync>> FunctionCache<K> {
    /// The value of `key`, or what is to be done for it.
    fn next(&'static self, hash: u64, key: &[u8]) -> Result<K::Return, Stage<K>> {
        match self.claim_or_join(hash, key) {
            NextStep::Value(held) => Ok(K::to_return(&held)),
            NextStep::Lead(claim) => Err(Stage::Computing(Computation::lead(self, claim))),
            NextStep::Join(flight) => {
                let task_wait = TaskWait::new(self.wait_limit());
                Err(Stage::Waiting(Wait { function: self, flight, task_wait }))
            }
        }
    }
}

/// A task's wait for another's computation.
struct Wait<K: Keep<Held: Send + Sync>> {
    function: &'static FunctionCache<K>,
    flight: Arc<Flight<K::Held>>,
    task_wait: TaskWait,
}

impl<K: Keep<Held: Send + Sync>> Wait<K> {
    /// The value, or what is to be done next.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<K::Return, Stage<K>>> {
        let waited = ready!(self.flight.poll(&mut self.task_wait, cx));
        Poll::Ready(match Computation::after_wait(self.function, &self.flight, waited) {
            Some(Ok(held)) => Ok(K::to_return(&held)),
            Some(Err(computation)) => Err(Stage::Computing(computation)),
            None => self.function.next(self.flight.claim.hash, self.flight.key.as_slice()),
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

/// Ends the computation of a body that panics at once, and not when its future is dropped.
struct StageGuard<'a, K: Keep<Held: Send + Sync>> {
    stage: &'a mut Stage<K>,
    returned: bool,
}

impl<K: Keep<Held: Send + Sync>> Drop for StageGuard<'_, K> {
    fn drop(&mut self) {
        if !self.returned {
            *self.stage = Stage::Over;
        }
    }
}

impl<K: Keep<Held: Send + Sync>, W: FnOnce(&K::Return) -> bool> Progress<K, W> {
    fn compute<L, B: Future<Output = K::Return>>(
        &mut self,
        body: Pin<&mut LazyFuture<L, B>>,
        cx: &mut Context<'_>,
    ) -> Poll<K::Return> {
        let (Stage::Computing(computation), Some(future)) = (&self.stage, body.future()) else {
            panic!("a call was polled after it had ended");
        };
        let _computing = computation.computing();
        let mut working = StageGuard { stage: &mut self.stage, returned: false };
        let polled = future.poll(cx);
        working.returned = true;
        drop(working);
        let value = ready!(polled);
        let stage = std::mem::replace(&mut self.stage, Stage::Over);
        if let (Stage::Computing(mut computation), Some(worth)) = (stage, self.worth.take()) {
            computation.finish(&value, worth);
        }
        Poll::Ready(value)
    }
}
