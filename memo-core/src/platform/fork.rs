//! Tells a child of fork from its parent, without a system call.
#![allow(unsafe_code)]

use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

static FORKS: AtomicU64 = AtomicU64::new(0);

/// Returns a number that is another one in a child of fork than it was in its parent. (A child that was made by the
/// bare system call keeps the number. The C library does not support that either.)
#[inline]
pub(crate) fn generation() -> u64 {
    static REGISTERED: Once = Once::new();
    REGISTERED.call_once(register);
    FORKS.load(Relaxed)
}

#[cfg(unix)]
fn register() {
    extern "C" fn in_child() {
        FORKS.fetch_add(1, Relaxed);
    }
    // SAFETY: the function only adds to an atomic number, which is safe in a child of a process with threads.
    unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
}

#[cfg(not(unix))]
fn register() {}
