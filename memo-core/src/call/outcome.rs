//! Tells a caller where its value came from.

use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use crate::call::not_a_future::NotAFuture;
use crate::call::pinned::PinnedWith;
use crate::platform::special::Special;
use crate::statistics::source::{Noted, Source, Watch};

/// The value of a call, and where it came from. [`outcome`] and [`outcome_async`] return it. It dereferences to the
/// value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Outcome<R> {
    value: R,
    source: Option<Source>,
    age: Option<Duration>,
}

impl<R> Outcome<R> {
    fn new(value: R, noted: Option<Noted>) -> Self {
        Self { value, source: noted.map(|noted| noted.source), age: noted.and_then(Noted::age) }
    }

    /// Returns where the value came from, or `None` if no memoized function was called.
    pub fn source(&self) -> Option<Source> {
        self.source
    }

    /// Returns whether the value was there before the call, in memory or elsewhere: [`Source::Hit`], [`Source::Disk`],
    /// [`Source::Remote`] or [`Source::Stale`].
    pub fn was_cached(&self) -> bool {
        use Source::{Disk, Hit, Remote, Stale};
        matches!(self.source, Some(Hit | Disk | Remote | Stale))
    }

    /// Returns how long ago the value was computed, in this process or in an earlier one. A value that was computed or
    /// awaited by this call is as good as new. For a cached value the age is known only if the function has `ttl` or
    /// `ttl_with`; and a value that [`Memo::insert`](crate::handle::memo::Memo::insert) put there counts from then on.
    pub fn age(&self) -> Option<Duration> {
        self.age
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
/// several, the last to return counts. For an `async fn` there is [`outcome_async`]: a closure that returns a future has
/// not begun the call, and does not compile here.
///
/// While it runs, hits of every thread take some nanoseconds longer.
pub fn outcome<R, UseOutcomeAsync>(f: impl FnOnce() -> R) -> Outcome<R>
where
    R: NotAFuture<UseOutcomeAsync>, // For a future write `outcome_async(f()).await`.
{
    let _special = Special::begin();
    let watch = Watch::begin();
    let value = f();
    Outcome::new(value, watch.end())
}

/// Returns a future that does the same for `future`, which a memoized `async fn` has returned.
///
/// If `future` awaits several such functions, the last to return counts.
pub fn outcome_async<F: Future>(future: F) -> impl Future<Output = Outcome<F::Output>> {
    PinnedWith::new(Watched { noted: None }, future)
}

/// What a future has noted so far.
struct Watched {
    noted: Option<Noted>,
}

impl<F: Future> Future for PinnedWith<Watched, F> {
    type Output = Outcome<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome<F::Output>> {
        let (watched, future) = self.project();
        let _special = Special::begin();
        let watch = Watch::begin();
        let polled = future.poll(cx);
        watched.noted = watch.end().or(watched.noted);
        Poll::Ready(Outcome::new(ready!(polled), watched.noted))
    }
}
