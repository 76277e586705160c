//! Runs a function when the process exits. The standard library offers nothing for this. `atexit` of the C library
//! does, and its declaration is one line of unsafe code.
#![allow(unsafe_code)]

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use crate::platform::clock::Instant;
use crate::platform::process;
use crate::platform::sync::usual::{Condvar, Mutex};
use crate::platform::sync::{THREADS, spawn};

/// The longest time by which the exit of the process is delayed.
const LIMIT: Duration = Duration::from_secs(2);

struct Hook {
    /// The process that runs the hook. A child of fork exits without, unless it has asked for it.
    pid: AtomicU32,
    function: fn(),
}

static HOOK: OnceLock<Hook> = OnceLock::new();
/// Whether the hook has returned or panicked.
static ENDED: Mutex<bool> = Mutex::new(false);
/// Notified when `ENDED` becomes true.
static ENDED_CHANGED: Condvar = Condvar::new();

#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
// SAFETY: `atexit` has this signature in every C library. Any thread may call it at any time. It stores a pointer to a
// function, which exists as long as the process.
unsafe extern "C" {
    safe fn atexit(function: extern "C" fn()) -> std::ffi::c_int;
}

/// A page has no exit, and its modules no C library.
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
fn atexit(_function: extern "C" fn()) -> i32 {
    0
}

/// Runs `function` when `main` returns or the process exits, but not when the process is killed or aborts. Waits for
/// `function` for at most [`LIMIT`]. Only the first call has an effect.
pub(crate) fn at_exit(function: fn()) {
    HOOK.get_or_init(|| {
        // Best effort: if the table of the C library is full, nothing runs at the exit.
        let _ = atexit(run);
        Hook { pid: AtomicU32::new(process::id()), function }
    });
}

/// Makes the hook run also when this process exits, although it may be a child of fork: it has something to flush.
#[cfg(feature = "persist")]
pub(crate) fn include_this_process() {
    if let Some(hook) = HOOK.get() {
        hook.pid.store(process::id(), Relaxed);
    }
}

/// Runs the hook in a separate thread and waits for it with a limit, because a thread that holds a lock during the exit
/// may never release it. Does not unwind into C: only the hook could panic, and it runs in the separate thread.
extern "C" fn run() {
    if HOOK.get().is_none_or(|hook| hook.pid.load(Relaxed) != process::id()) {
        return;
    }
    if !THREADS {
        // Nobody else can hold a lock.
        run_hook();
        return;
    }
    let deadline = Instant::now() + LIMIT;
    // Without a thread there is nothing to wait for.
    let (mut ended, mut late) = (ENDED.lock(), !spawn("memokit-exit", run_hook));
    while !*ended && !late {
        (ended, late) = ENDED_CHANGED.wait_until(ended, deadline);
    }
}

fn run_hook() {
    /// Reports the end of the hook, also after a panic.
    struct ReportEnd;
    impl Drop for ReportEnd {
        fn drop(&mut self) {
            *ENDED.lock() = true;
            ENDED_CHANGED.notify_all();
        }
    }
    let _report_end = ReportEnd;
    if let Some(hook) = HOOK.get() {
        (hook.function)();
    }
}
