//! Something to do when the process ends. The standard library has no way to ask for it, and the C library's takes a
//! line that is unsafe to write.
#![allow(unsafe_code)]

use std::ffi::c_int;
use std::process;
use std::sync::{OnceLock, mpsc};
use std::thread;
use std::time::Duration;

/// The end of a process is not delayed for longer.
const LIMIT: Duration = Duration::from_secs(2);

struct Last {
    /// A child after fork ends without it.
    pid: u32,
    deed: fn(),
}

static LAST: OnceLock<Last> = OnceLock::new();

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
    let Some(Last { pid, deed }) = LAST.get() else { return };
    if *pid != process::id() {
        return;
    }
    let (done, waits) = mpsc::channel();
    let spawned = thread::Builder::new().name("memokit-exit".to_owned()).spawn(move || {
        deed();
        let _ = done.send(());
    });
    if spawned.is_ok() {
        let _ = waits.recv_timeout(LIMIT);
    }
}
