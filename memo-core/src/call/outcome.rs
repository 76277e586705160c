//! Tells a caller where its value came from.

use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use crate::call::pinned::PinnedWith;
use crate::call::special::Special;
use crate::statistics::source::{Source, Watch};

/// The value of a call, and where it came from. [`outcome`] and [`outcome_async`] return it. It dereferences to the
/// value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Outcome<R> {
    value: R,
    source: Option<Source>,
}

impl<R> Outcome<R> {
    /// Returns where the value came from, or `None` if no memoized function was called.
    pub fn source(&self) -> Option<Source> {
        self.source
    }

    /// Returns whether the cache had the value: [`Source::Hit`] or [`Source::Stale`].
    pub fn was_cached(&self) -> bool {
        matches!(self.source, Some(Source::Hit | Source::Stale))
    }

    /// Returns the value.
    pub fn into_value(self) -> R {
        self.value
    }
}

impl<R> Deref for Outcome<R> {
    type Target = R;

    fn deref(&self) -> &R {
        &self.value
    }
}

/// Calls `f`, and returns its value and where the value came from.
///
/// `f` calls one memoized function, in this thread. What that function calls itself does not count. If `f` calls
/// several, the last to return counts. For an `async fn` there is [`outcome_async`].
///
/// While it runs, hits of every thread take some nanoseconds longer.
pub fn outcome<R>(f: impl FnOnce() -> R) -> Outcome<R> {
    let _special = Special::begin();
    let watch = Watch::begin();
    let value = f();
    Outcome { value, source: watch.end() }
}

/// Returns a future that does the same for `future`, which a memoized `async fn` has returned.
///
/// If `future` awaits several such functions, the last to return counts.
pub fn outcome_async<F: Future>(future: F) -> impl Future<Output = Outcome<F::Output>> {
    PinnedWith::new(Watched { source: None }, future)
}

/// What a future has noted so far.
struct Watched {
    source: Option<Source>,
}

impl<F: Future> Future for PinnedWith<Watched, F> {
    type Output = Outcome<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome<F::Output>> {
        let (watched, future) = self.project();
        let _special = Special::begin();
        let watch = Watch::begin();
        let polled = future.poll(cx);
        watched.source = watch.end().or(watched.source);
        Poll::Ready(Outcome { value: ready!(polled), source: watched.source })
    }
}
