//! Memoization switched off: for a thread while it runs a closure, or for the process by its environment.

use std::cell::Cell;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// How many threads are within [`bypass`], and one more where the environment says so. One load on each hit; the rest is
/// asked where it is not 0.
static ON: AtomicUsize = AtomicUsize::new(0);

static EVERYWHERE: LazyLock<bool> = LazyLock::new(|| {
    let off =
        std::env::var_os("MEMOKIT_OFF").is_some_and(|value| !value.is_empty() && value != "0");
    if off {
        ON.fetch_add(1, Relaxed);
    }
    off
});

thread_local! {
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// Runs `f` with memoization off in this thread: memoized functions compute, and neither read nor fill their caches.
/// CallCounters count as neither hits nor misses. Handles work as ever. An `async fn` that is called in there runs when its
/// future is polled, which may be elsewhere: call its `NAME_uncached`. With the environment variable `MEMOKIT_OFF=1` that is
/// so everywhere, from start to end.
pub fn bypass<R>(f: impl FnOnce() -> R) -> R {
    struct Within;
    impl Drop for Within {
        fn drop(&mut self) {
            DEPTH.set(DEPTH.get() - 1);
            ON.fetch_sub(1, Relaxed);
        }
    }
    DEPTH.set(DEPTH.get() + 1);
    ON.fetch_add(1, Relaxed);
    let _within = Within;
    f()
}

/// Is memoization off for this call? The environment counts once [`read_environment`] was called.
#[inline]
pub(crate) fn is_on() -> bool {
    ON.load(Relaxed) != 0 && is_on_here()
}

#[cold]
fn is_on_here() -> bool {
    *EVERYWHERE || DEPTH.get() > 0
}

/// Called before a function's first lookup.
pub(crate) fn read_environment() {
    LazyLock::force(&EVERYWHERE);
}
