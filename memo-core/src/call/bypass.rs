//! Turns memoization off: for a thread while it runs a closure, or for the whole process by an environment variable.

use std::cell::Cell;
use std::sync::LazyLock;

use crate::call::not_a_future::NotAFuture;
use crate::platform::special::{self, Special};

/// Whether the environment turns memoization off for the process.
static OFF_IN_PROCESS: LazyLock<bool> = LazyLock::new(|| {
    let off =
        std::env::var_os("MEMOKIT_OFF").is_some_and(|value| !value.is_empty() && value != "0");
    if off {
        // Until the process ends.
        std::mem::forget(Special::begin());
    }
    off
});

thread_local! {
    /// The number of [`Bypassed`] that exist in this thread.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// Runs `f` with memoization off in this thread: memoized functions compute, and neither read nor fill their caches.
/// Their calls count as neither hits nor misses. Handles work as usual.
///
/// For an `async fn` there is [`bypass_async`](crate::call::isolated::bypass_async): its body runs when the future is
/// polled, after `f`, so a closure that returns a future does not compile here. With the environment variable
/// `MEMOKIT_OFF=1`, memoization is off in the whole process from start to end.
pub fn bypass<R, UseBypassAsync>(f: impl FnOnce() -> R) -> R
where
    R: NotAFuture<UseBypassAsync>, // For a future write `bypass_async(f()).await`.
{
    let _bypassed = Bypassed::begin();
    f()
}

/// While one exists, memoization is off in this thread.
pub(super) struct Bypassed(Special);

impl Bypassed {
    #[inline]
    pub(super) fn begin() -> Self {
        DEPTH.set(DEPTH.get() + 1);
        Self(Special::begin())
    }
}

impl Drop for Bypassed {
    #[inline]
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
    }
}

/// Returns whether this thread is within [`bypass`].
#[inline]
pub(super) fn is_nested() -> bool {
    DEPTH.get() > 0
}

/// Returns whether memoization is off in this thread. The environment has an effect after [`read_environment`] has run.
pub(super) fn is_on() -> bool {
    special::is_possible() && (*OFF_IN_PROCESS || DEPTH.get() > 0)
}

/// Reads the environment variable, if no call did before. Called before the first lookup of a function.
pub(crate) fn read_environment() {
    LazyLock::force(&OFF_IN_PROCESS);
}
