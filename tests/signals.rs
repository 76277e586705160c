//! Signals that are sent to the process reach the program's own threads.
#![allow(clippy::incompatible_msrv, reason = "tests may need a newer Rust than the library does")]
#![cfg(target_os = "linux")]

#[path = "it/support.rs"]
#[allow(dead_code, unused_imports, unused_macros)]
mod support;

use std::fs;
use std::mem::MaybeUninit;
use std::os::unix::process::CommandExt;

use memokit::memoize;

use support::{folder, processes, run_test, wait_until};

#[memoize(ttl = "1h", persist = folder())]
fn kept(n: u32) -> u32 {
    n + 1
}

fn only_sigterm() -> libc::sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: `sigemptyset` initializes the set.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        libc::sigaddset(set.as_mut_ptr(), libc::SIGTERM);
        set.assume_init()
    }
}

/// Changes whether this thread gets SIGTERM, and returns whether it did not before.
fn change(how: libc::c_int) -> bool {
    let mut before = MaybeUninit::uninit();
    // SAFETY: the call reads one set and initializes the other.
    unsafe {
        assert_eq!(libc::pthread_sigmask(how, &only_sigterm(), before.as_mut_ptr()), 0);
        libc::sigismember(before.as_ptr(), libc::SIGTERM) == 1
    }
}

/// Returns whether a thread of that name runs. It gets its name after its mask.
fn runs(name: &str) -> bool {
    let threads = fs::read_dir("/proc/self/task").unwrap();
    let names =
        threads.filter_map(|thread| fs::read_to_string(thread.ok()?.path().join("comm")).ok());
    names.into_iter().any(|found| found.trim_end() == name)
}

#[test]
fn background_threads_take_no_signals() {
    fn wait_for_sigterm() {
        assert!(change(libc::SIG_UNBLOCK), "the threads of the test harness block it");
        assert_eq!(kept(1), 2);
        wait_until("both threads run", || runs("memokit") && runs("memokit-sync"));
        assert!(!change(libc::SIG_BLOCK), "the caller's mask is as before");
        let mut received = 0;
        // SAFETY: `kill` takes numbers only, `sigwait` reads the set and writes the number.
        unsafe {
            assert_eq!(libc::kill(libc::getpid(), libc::SIGTERM), 0);
            assert_eq!(libc::sigwait(&only_sigterm(), &raw mut received), 0);
        }
        assert_eq!(received, libc::SIGTERM);
    }
    let processes = processes!(wait_for_sigterm);
    let mut command = processes.command(0);
    let block = || {
        change(libc::SIG_BLOCK);
        Ok(())
    };
    // SAFETY: the closure calls functions that are safe after a fork.
    run_test(unsafe { command.pre_exec(block) });
}
