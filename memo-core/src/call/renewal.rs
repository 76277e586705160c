//! Computes a call now, whatever the cache holds, and replaces what it holds.
//!
//! The first memoized call that the thread makes takes note of it. It joins no computation that began before: it waits
//! until that has ended, and then claims the key, or joins another caller that claimed it for the same reason since.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::call::not_a_future::NotAFuture;
use crate::call::pinned::PinnedWith;
use crate::platform::special::Special;

thread_local! {
    /// Whether the next memoized call of this thread is a refresh.
    static ASKED: Cell<bool> = const { Cell::new(false) };
}

/// Until it ends, the next memoized call of this thread is a refresh, unless one has been.
struct Asking {
    outer: bool,
    _special: Special,
}

impl Asking {
    #[inline]
    fn begin(asked: bool) -> Self {
        Self { outer: ASKED.replace(asked), _special: Special::begin() }
    }
}

impl Drop for Asking {
    #[inline]
    fn drop(&mut self) {
        ASKED.set(self.outer);
    }
}

/// Returns whether this call is to be a refresh. The next one is none.
pub(super) fn take() -> bool {
    ASKED.replace(false)
}

/// Calls `f`, whose call of a memoized function computes, and replaces what the cache holds for its arguments: in
/// memory, on disk and in the tier. Returns the new value.
///
/// `f` calls one memoized function, in this thread. What that function calls itself is looked up as usual. If `f` calls
/// several, the first is refreshed: values for its arguments that other memoized functions compute belong before this
/// call.
///
/// Others who compute the same key are joined only if they began after this call did, so what the value is made of may
/// be changed before it. An older computation is waited for, and its value is then replaced. So one caller computes a
/// key at a time, and refreshes that are asked for meanwhile share the next computation.
///
/// If the function returns an error or a value that `cache_if` rejects, or panics, the older value stays, and the
/// caller gets what the function returned, also with `stale_if_error`. The next attempt of other callers is delayed, as
/// after any failure. [`Stats::refreshed`](crate::statistics::stats::Stats::refreshed) counts the computation, which is
/// neither hit nor miss. For an `async fn` there is [`refresh_async`]: a closure that returns a future has not begun the
/// call, and does not compile here.
///
/// While it runs, hits of every thread take some nanoseconds longer.
pub fn refresh<R, UseRefreshAsync>(f: impl FnOnce() -> R) -> R
where
    R: NotAFuture<UseRefreshAsync>, // For a future write `refresh_async(f()).await`.
{
    let _asking = Asking::begin(true);
    f()
}

/// Returns a future that does the same for `future`, which a memoized `async fn` has returned.
///
/// What counts as before is the first poll of the returned future. If `future` awaits several such functions, the first
/// is refreshed.
pub fn refresh_async<F: Future>(future: F) -> impl Future<Output = F::Output> {
    PinnedWith::new(Asked(true), future)
}

/// Whether the call is still to come.
struct Asked(bool);

impl<F: Future> Future for PinnedWith<Asked, F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let (asked, future) = self.project();
        let _asking = Asking::begin(asked.0);
        let polled = future.poll(cx);
        asked.0 = take();
        polled
    }
}
