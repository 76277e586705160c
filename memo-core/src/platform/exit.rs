//! Something to do when the process ends. The standard library has no way to ask for it, and the C library's takes a
//! line that is unsafe to write.
#![allow(unsafe_code)]

use std::ffi::c_int;
use std::process;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::platform::sync::spawn;
use crate::platform::sync::usual::{Condvar, Mutex};

/// The end of a process is not delayed for longer.
const LIMIT: Duration = Duration::from_secs(2);

struct Last {
    /// A child after fork ends without it.
    pid: u32,
    deed: fn(),
}

static LAST: OnceLock<Last> = OnceLock::new();
/// It is done, or has panicked.
static OVER: Mutex<bool> = Mutex::new(false);
static ENDED: Condvar = Condvar::new();

// SAFETY: this is its signature in every C library. It may be called at any time from any thread, and it keeps a
// function, which is there as long as the process.
unsafe extern "C" {
    safe fn atexit(deed: extern "C" fn()) -> c_int;
}

/// Has `deed` done when `main` returns or the process exits, unless it is killed or aborts; for at most [`LIMIT`].
/// Only the first call counts.
pub(crate) fn at_exit(deed: fn()) {
    LAST.get_or_init(|| {
        // Best effort: without a place for it in the C library's table nothing is done.
        let _ = atexit(run);
        Last { pid: process::id(), deed }
    });
}

/// In a thread of its own, since whoever holds a lock then may never let it go. Does not unwind into C: what could
/// panic is in the thread.
extern "C" fn run() {
    if LAST.get().is_none_or(|last| last.pid != process::id()) {
        return;
    }
    let until = Instant::now() + LIMIT;
    let (mut over, mut late) = (OVER.lock(), !spawn("memokit-exit", do_it));
    while !*over && !late {
        (over, late) = ENDED.wait_until(over, until);
    }
}

fn do_it() {
    struct Over;
    impl Drop for Over {
        fn drop(&mut self) {
            *OVER.lock() = true;
            ENDED.notify_all();
        }
    }
    let _over = Over;
    if let Some(last) = LAST.get() {
        (last.deed)();
    }
}
