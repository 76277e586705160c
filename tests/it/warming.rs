//! `warm`: many calls, a bounded number of them at once.

use std::cell::RefCell;
use std::collections::HashSet;
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Barrier, Mutex};
use std::task::Poll;
use std::thread;

use memokit::{Warmed, memoize, outcome, warm, warm_async};

use crate::support::with_timeout;
use crate::tasks::{block_on, pause, poll};

fn counts(warmed: Warmed) -> (u64, u64, u64) {
    (warmed.computed, warmed.found, warmed.failed)
}

#[test]
fn what_is_not_held_is_computed_and_each_call_counts_once() {
    #[memoize(cache_if = |result| *result != Ok(4))]
    fn half(n: u32, shift: u32) -> Result<u32, String> {
        match n {
            9 => std::panic::resume_unwind(Box::new("on purpose")),
            n if n % 2 == 1 => Err(format!("{n} is odd")),
            n => Ok((n >> 1) + shift),
        }
    }
    #[memoize]
    async fn half_later(n: u32, shift: u32) -> Result<u32, String> {
        pause().await;
        half_uncached(n, shift)
    }
    assert_eq!(half(2, 0), Ok(1));
    let calls = [(2, 0), (4, 0), (4, 0), (6, 0), (8, 0), (9, 0), (11, 0)];
    // 4 computed and found again, 6 computed; 8 is rejected, 9 panics, 11 is an error.
    assert_eq!(counts(warm(calls, 1, |(n, shift)| half(n, shift))), (2, 2, 3));
    assert_eq!(counts(warm(calls, 3, |(n, shift)| half(n, shift))), (0, 4, 3));
    assert_eq!(half_memo().len(), 3);
    let later = warm_async(calls, 2, |(n, shift)| half_later(n, shift));
    assert_eq!(counts(block_on(later)), (4, 1, 2));
    assert_eq!(counts(warm([(); 0], 4, |()| half(2, 0))), (0, 0, 0));
    assert_eq!(counts(block_on(warm_async([(); 0], 0, |()| half_later(2, 0)))), (0, 0, 0));
}

#[test]
fn an_older_value_after_an_error_is_a_failure() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memoize(ttl = "1h", refresh_ahead = 0.0)]
    fn tick(n: u32) -> Result<u32, u32> {
        if RUNS.fetch_add(1, Relaxed) == 0 { Ok(n) } else { Err(n) }
    }
    assert_eq!(counts(warm([1], 1, tick)), (1, 0, 0));
    assert_eq!(counts(warm([1], 1, tick)), (0, 0, 1));
    assert_eq!(counts(warm([1], 1, tick)), (0, 1, 0), "the next attempt is delayed");
}

#[test]
fn threads_share_the_calls_and_no_more_run_at_once() {
    static AT_ONCE: AtomicU32 = AtomicU32::new(0);
    static MOST: AtomicU32 = AtomicU32::new(0);
    static THREADS: Mutex<Option<HashSet<thread::ThreadId>>> = Mutex::new(None);
    static ALL: Barrier = Barrier::new(4);
    #[memoize]
    fn slow(n: u32) -> u32 {
        MOST.fetch_max(AT_ONCE.fetch_add(1, Relaxed) + 1, Relaxed);
        THREADS.lock().unwrap().get_or_insert_default().insert(thread::current().id());
        if n < 4 {
            // The first four end together, so four threads run.
            ALL.wait();
        }
        AT_ONCE.fetch_sub(1, Relaxed);
        n
    }
    let warmed = with_timeout(|| warm(0..100, 4, slow));
    assert_eq!((counts(warmed), MOST.load(Relaxed)), ((100, 0, 0), 4));
    let threads = THREADS.lock().unwrap().take().unwrap();
    assert_eq!(threads.len(), 4);
    assert_eq!(slow_memo().len(), 100);
}

#[test]
fn tasks_are_bounded_and_the_task_of_the_caller_polls_them() {
    static AT_ONCE: AtomicU32 = AtomicU32::new(0);
    static MOST: AtomicU32 = AtomicU32::new(0);
    #[memoize]
    async fn slow(n: u32) -> u32 {
        MOST.fetch_max(AT_ONCE.fetch_add(1, Relaxed) + 1, Relaxed);
        pause().await;
        AT_ONCE.fetch_sub(1, Relaxed);
        n
    }
    let mut warming = Box::pin(warm_async(0..50, 5, slow));
    assert!(poll(warming.as_mut()).is_pending());
    assert_eq!((slow_memo().computing(), AT_ONCE.load(Relaxed)), (5, 5));
    assert_eq!(counts(block_on(warming)), (50, 0, 0));
    assert_eq!(MOST.load(Relaxed), 5);
    // Dropped on the way, it leaves nothing behind.
    let mut warming = Box::pin(warm_async(50..60, 3, slow));
    assert!(poll(warming.as_mut()).is_pending());
    drop(warming);
    assert_eq!((slow_memo().computing(), slow_memo().len()), (0, 50));
}

#[test]
fn a_value_that_another_caller_computes_is_found() {
    #[memoize]
    async fn slow(n: u32) -> u32 {
        pause().await;
        n
    }
    let mut call = Box::pin(slow(1));
    assert!(poll(call.as_mut()).is_pending());
    let mut warming = Box::pin(warm_async([1], 1, slow));
    assert!(poll(warming.as_mut()).is_pending());
    assert_eq!(poll(call.as_mut()), Poll::Ready(1));
    assert_eq!(counts(block_on(warming)), (0, 1, 0));
}

#[test]
fn with_one_at_once_all_runs_in_this_thread() {
    #[memoize(scope = "thread")]
    fn local(n: u32) -> Rc<u32> {
        Rc::new(n)
    }
    thread_local!(static SEEN: RefCell<Vec<u32>> = const { RefCell::new(Vec::new()) });
    let warmed = warm(0..3, 0, |n| {
        SEEN.with_borrow_mut(|seen| seen.push(n));
        local(n)
    });
    assert_eq!((counts(warmed), local_memo().len()), ((3, 0, 0), 3));
    assert_eq!(SEEN.take(), [0, 1, 2]);
}

#[test]
fn an_outcome_around_is_not_disturbed_and_disk_counts_as_found() {
    static FOLDER: Mutex<Option<tempfile::TempDir>> = Mutex::new(None);
    fn folder() -> std::path::PathBuf {
        FOLDER.lock().unwrap().get_or_insert_with(|| tempfile::tempdir().unwrap()).path().into()
    }
    #[memoize(persist = folder(), max = 1, max_disk = "1MiB")]
    fn stored(n: u32) -> u32 {
        n
    }
    let found = outcome(|| warm(0..4, 2, stored));
    assert_eq!((counts(*found), found.source()), ((4, 0, 0), None));
    assert_eq!(counts(warm(0..4, 1, stored)), (0, 4, 0));
    assert!(stored_memo().stats().disk_hits >= 3);
}
