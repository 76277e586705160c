//! Tests that do not meet: within an isolation, every memoized function begins empty and ends without a trace.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::call::bypass::{self, Bypassed};
use crate::call::not_a_future::NotAFuture;
use crate::call::pinned::PinnedWith;
use crate::call::thread_cache;
use crate::function::isolation::{self, Isolation};
use crate::platform::special::Special;

/// Until it is dropped, memoized functions that this thread calls are isolated. [`isolated`] returns it.
#[derive(Debug)]
#[must_use = "the isolation ends when it is dropped: bind it to a name"]
pub struct Isolated {
    _entered: Entered,
}

/// Isolates this thread until the guard is dropped: every memoized function that it calls begins with an empty cache,
/// which ends with the guard. Companions, `report` and `clear_all` see these caches only. Nothing is read from or
/// written to a directory or a tier. Other threads see nothing of it, so tests that run at the same time do not meet.
///
/// A thread or task that is started within goes on in the isolation if it gets [`inherit`] or [`inherit_async`].
/// Isolations may be nested; the inner one begins empty too. Do not hold the guard across an `await`: use
/// [`isolated_async`]. A handle that a companion has returned refers to the isolation in which its methods are called.
/// One that was taken within refers to no cache afterwards if the function was never used outside: ask the companion
/// again.
///
/// While one exists, hits of every thread take some nanoseconds longer.
#[inline]
pub fn isolated() -> Isolated {
    Isolated { _entered: Entered::new(Isolation::new()) }
}

/// Returns a future that runs `future` in an isolation of its own, as [`isolated`] does: at each poll the thread enters
/// it, and leaves it afterwards.
pub fn isolated_async<F: Future>(future: F) -> impl Future<Output = F::Output> {
    let surroundings =
        Surroundings { isolation: Some(Isolation::new()), is_bypassed: bypass::is_nested() };
    PinnedWith::new(surroundings, future)
}

/// Returns a future that runs `future` with memoization off, as [`bypass`](bypass::bypass) does for a closure: at each
/// poll.
pub fn bypass_async<F: Future>(future: F) -> impl Future<Output = F::Output> {
    PinnedWith::new(Surroundings { is_bypassed: true, ..Surroundings::current() }, future)
}

/// Returns a closure that runs `f` in the isolation in which `inherit` is called, and with memoization off if it is off
/// there: `thread::spawn(memokit::inherit(|| ...))`. A closure that returns a future does not compile here, because the
/// future runs after it: for that there is [`inherit_async`].
pub fn inherit<R, UseInheritAsync>(f: impl FnOnce() -> R) -> impl FnOnce() -> R
where
    R: NotAFuture<UseInheritAsync>, // For a future write `inherit_async(f())`.
{
    let surroundings = Surroundings::current();
    move || surroundings.run(f)
}

/// Does the same for a future: `tokio::spawn(memokit::inherit_async(async { ... }))`.
pub fn inherit_async<F: Future>(future: F) -> impl Future<Output = F::Output> {
    PinnedWith::new(Surroundings::current(), future)
}

/// Returns whether this thread is in an isolation. Expansions call it.
#[inline]
#[must_use]
pub fn is_isolated() -> bool {
    isolation::is_on()
}

/// What of a thread changes how its calls behave.
#[derive(Clone)]
pub(super) struct Surroundings {
    isolation: Option<Arc<Isolation>>,
    is_bypassed: bool,
}

impl Surroundings {
    #[inline]
    pub(super) fn current() -> Self {
        Self { isolation: isolation::current(), is_bypassed: bypass::is_nested() }
    }

    /// Runs `f` in them.
    pub(super) fn run<R>(&self, f: impl FnOnce() -> R) -> R {
        let _entered = self.isolation.clone().map(Entered::new);
        let _bypassed = self.is_bypassed.then(Bypassed::begin);
        f()
    }
}

impl<F: Future> Future for PinnedWith<Surroundings, F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let (surroundings, future) = self.project();
        surroundings.run(|| future.poll(cx))
    }
}

/// Exists while this thread is in an isolation. Not `Send`, since it is about this thread.
#[derive(Debug)]
struct Entered {
    isolation: Option<Arc<Isolation>>,
    _special: Special,
    _thread: PhantomData<*const ()>,
}

impl Entered {
    #[inline]
    fn new(isolation: Arc<Isolation>) -> Self {
        let special = Special::begin();
        let outer = isolation::current();
        isolation.enter();
        thread_cache::switch(outer.as_ref(), Some(&isolation));
        Self { isolation: Some(isolation), _special: special, _thread: PhantomData }
    }
}

impl Drop for Entered {
    #[inline]
    fn drop(&mut self) {
        let inner = isolation::current();
        if let Some(isolation) = self.isolation.take() {
            isolation.leave();
        }
        thread_cache::switch(inner.as_ref(), isolation::current().as_ref());
        drop(inner);
        thread_cache::drop_ended();
    }
}
