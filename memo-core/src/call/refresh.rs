//! A call of a function with `spawn`: if the cache has an older value that may be served, the call returns it, and the
//! computation of the next value runs behind the call, on another thread or task.
//!
//! The call claims the key before it hands the computation over. So one refresh of a key runs at a time, and a refresh
//! that is dropped before it ran gives up the claim.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use crate::call::future::{AsyncLookup, FirstPoll, Progress, ShouldStore, Stage};
use crate::call::isolated::Surroundings;
use crate::call::lookup::{Hit, Lookup, Miss};
use crate::call::pinned::LazyFuture;
use crate::function::computation::Computation;
use crate::statistics::source::Watch;
use crate::value::keep::Keep;

/// What is left of a call that may refresh behind its caller.
pub enum Behind<K: Keep, C> {
    /// The value of the call: a hit, or computed by the caller because there was no older value.
    Value(K::Return),
    /// The older value, and the refresh to hand over.
    Refresh(Hit<K>, Refresh<K, C>),
}

/// A computation that was not begun yet. If it is dropped, the older value stays and the next attempt is postponed, as
/// after a failure.
#[must_use = "the value is not computed again"]
pub struct Refresh<K: Keep, C> {
    surroundings: Surroundings,
    computation: Computation<K>,
    compute: C,
}

impl<K: Keep> Lookup<K> {
    /// Ends the call, except for a refresh. `compute` computes the value and stores it by the [`Miss`].
    pub fn behind<C: FnOnce(Miss<K>) -> K::Return>(self, compute: C) -> Behind<K, C> {
        match self {
            Self::Hit(hit) => Behind::Value(hit.value()),
            Self::Miss(miss) => match miss.behind() {
                Ok((computation, older)) => {
                    let surroundings = Surroundings::current();
                    Behind::Refresh(older, Refresh { surroundings, computation, compute })
                }
                Err(miss) => Behind::Value(compute(miss)),
            },
        }
    }
}

impl<K: Keep, C: FnOnce(Miss<K>) -> K::Return> Refresh<K, C> {
    /// Computes the value and stores it.
    pub fn run(self) {
        let Self { surroundings, mut computation, compute } = self;
        // Whoever watches this thread asks for other calls.
        let _unwatched = Watch::begin();
        computation.begin();
        surroundings.run(|| drop(compute(Miss::new(computation))));
    }
}

/// Gives `task` to `spawn`, and ignores what it returns. A function, so that `spawn` may be a closure whose parameter
/// has no type.
pub fn hand_over<T, R>(task: T, spawn: impl FnOnce(T) -> R) {
    drop(spawn(task));
}

impl<K: Keep<Held: Send + Sync>> AsyncLookup<K> {
    /// Like [`Self::compute`], but if there is an older value that may be served, the call returns it, and `spawn` gets
    /// the body.
    pub fn compute_behind<B, R>(
        self,
        body: B,
        spawn: impl FnOnce(RefreshTask<K, B, ShouldStore<K::Return>>) -> R,
    ) -> FirstPoll<K, B, ShouldStore<K::Return>>
    where
        B: Future<Output = K::Return>,
    {
        self.compute_behind_if(body, |_| true, spawn)
    }

    /// Does the same, but stores nothing if `should_store` returns false.
    pub fn compute_behind_if<B, W, R>(
        self,
        body: B,
        should_store: W,
        spawn: impl FnOnce(RefreshTask<K, B, W>) -> R,
    ) -> FirstPoll<K, B, W>
    where
        B: Future<Output = K::Return>,
        W: FnOnce(&K::Return) -> bool,
    {
        let stage = match self.value_or_stage() {
            Ok(value) => return FirstPoll::value(value),
            Err(stage) => match stage.behind() {
                Ok((stage, older)) => {
                    hand_over(RefreshTask::new(stage, body, should_store), spawn);
                    return FirstPoll::value(K::to_return(&older));
                }
                Err(stage) => stage,
            },
        };
        FirstPoll::of(stage, body, should_store)
    }
}

/// The future of a refresh, which has no output. If it is dropped before its end, the older value stays and the next
/// attempt is postponed, as after a failure.
#[must_use = "futures do nothing unless polled"]
pub struct RefreshTask<K: Keep<Held: Send + Sync>, B, W> {
    surroundings: Surroundings,
    was_polled: bool,
    progress: Progress<K, W>,
    body: Pin<Box<LazyFuture<(), B>>>,
}

// The body is pinned in its box. Nothing else is.
impl<K: Keep<Held: Send + Sync>, B, W> Unpin for RefreshTask<K, B, W> {}

impl<K: Keep<Held: Send + Sync>, B, W> RefreshTask<K, B, W> {
    fn new(stage: Stage<K>, body: B, should_store: W) -> Self {
        Self {
            surroundings: Surroundings::current(),
            was_polled: false,
            progress: Progress { stage, should_store: Some(should_store), task: None },
            body: Box::pin(LazyFuture::Future(body)),
        }
    }
}

impl<K, B, W> RefreshTask<K, B, W>
where
    K: Keep<Held: Send + Sync>,
    B: Future<Output = K::Return>,
    W: FnOnce(&K::Return) -> bool,
{
    fn poll_here(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let stage = &mut self.progress.stage;
        if !std::mem::replace(&mut self.was_polled, true) {
            stage.begin();
        }
        if ready!(stage.wait(cx)).is_some() {
            self.body.set(LazyFuture::Empty);
            return Poll::Ready(());
        }
        drop(ready!(self.progress.compute(self.body.as_mut(), cx)));
        self.body.set(LazyFuture::Empty);
        Poll::Ready(())
    }
}

impl<K, B, W> Future for RefreshTask<K, B, W>
where
    K: Keep<Held: Send + Sync>,
    B: Future<Output = K::Return>,
    W: FnOnce(&K::Return) -> bool,
{
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        // Whoever watches this thread asks for other calls.
        let _unwatched = Watch::begin();
        let surroundings = this.surroundings.clone();
        surroundings.run(|| this.poll_here(cx))
    }
}
