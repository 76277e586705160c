//! `spawn` of an `async fn`: the spawner gets the computation of a miss, which goes on when its callers have gone.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use memokit::{Source, memoize, outcome_async};

use crate::support::{wait_until, with_timeout};
use crate::task_flights::Door;
use crate::tasks::{block_on, pause, poll};

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Spawned tasks that wait until the test runs or drops them.
struct Queue(Mutex<Vec<Task>>);

impl Queue {
    const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    fn push(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.0.lock().unwrap().push(Box::pin(task));
    }

    #[track_caller]
    fn only(&self) -> Task {
        let mut tasks = std::mem::take(&mut *self.0.lock().unwrap());
        assert_eq!(tasks.len(), 1, "one task is spawned");
        tasks.remove(0)
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap()
}

#[test]
fn a_source_that_is_slower_than_every_caller_is_asked_once_and_then_answers() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    static DOOR: Door = Door::closed();
    #[memoize(spawn = tokio::spawn)]
    async fn slow(n: u32) -> u32 {
        RUNS.fetch_add(1, Relaxed);
        DOOR.pass().await;
        n
    }
    with_timeout(|| {
        runtime().block_on(async {
            for _ in 0..20 {
                let patience = Duration::from_millis(1);
                assert!(tokio::time::timeout(patience, slow(1)).await.is_err(), "it gives up");
            }
            assert_eq!((RUNS.load(Relaxed), slow_memo().computing()), (1, 1));
            DOOR.open();
            while slow_memo().computing() > 0 {
                tokio::task::yield_now().await;
            }
            let found = outcome_async(slow(1)).await;
            assert_eq!((*found, found.source()), (1, Some(Source::Hit)));
        });
    });
    let stats = slow_memo().stats();
    assert_eq!((RUNS.load(Relaxed), stats.misses, stats.hits, stats.unfinished), (1, 1, 1, 0));
}

#[test]
fn the_caller_and_the_waiters_get_the_value() {
    static TASKS: Queue = Queue::new();
    #[memoize(spawn = |task| TASKS.push(task))]
    async fn text(n: u32) -> Arc<u32> {
        pause().await;
        Arc::new(n)
    }
    let mut first = Box::pin(outcome_async(text(1)));
    let mut second = Box::pin(outcome_async(text(1)));
    assert!(poll(first.as_mut()).is_pending() && poll(second.as_mut()).is_pending());
    block_on(TASKS.only());
    let (first, second) = (block_on(first), block_on(second));
    assert_eq!(first.source(), Some(Source::Computed));
    assert_eq!(second.source(), Some(Source::Coalesced));
    assert!(Arc::ptr_eq(&first, &second));
    let stats = text_memo().stats();
    assert_eq!((stats.misses, stats.hits, stats.coalesced, stats.refreshed), (1, 1, 1, 0));
}

#[test]
fn an_error_and_a_rejected_value_reach_the_caller_and_a_waiter_spawns_anew() {
    static TASKS: Queue = Queue::new();
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memoize(spawn = |task| TASKS.push(task), cache_if = |result| *result != Ok(1))]
    async fn failing(_n: u32) -> Result<u32, String> {
        pause().await;
        match RUNS.fetch_add(1, Relaxed) {
            0 => Err("on purpose".to_owned()),
            run => Ok(run),
        }
    }
    let mut calls: Vec<_> = (0..3).map(|_| Box::pin(failing(1))).collect();
    for expected in [Err("on purpose".to_owned()), Ok(1), Ok(2)] {
        for call in &mut calls {
            assert!(poll(call.as_mut()).is_pending());
        }
        block_on(TASKS.only());
        assert_eq!(poll(calls.remove(0).as_mut()), Poll::Ready(expected));
    }
    assert_eq!((failing_memo().get_ok(&failing_key(1)), failing_memo().computing()), (Some(2), 0));
}

#[test]
fn a_panic_reaches_the_caller_and_a_waiter_computes() {
    static TASKS: Queue = Queue::new();
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memoize(spawn = |task| TASKS.push(task))]
    async fn failing(n: u32) -> u32 {
        pause().await;
        if RUNS.fetch_add(1, Relaxed) != 1 {
            std::panic::resume_unwind(Box::new("on purpose"));
        }
        n
    }
    let mut first = Box::pin(failing(1));
    let mut second = Box::pin(failing(1));
    assert!(poll(first.as_mut()).is_pending() && poll(second.as_mut()).is_pending());
    block_on(TASKS.only());
    let panic = catch_unwind(AssertUnwindSafe(|| poll(first.as_mut()))).unwrap_err();
    assert_eq!(panic.downcast_ref(), Some(&"on purpose"));
    assert!(catch_unwind(AssertUnwindSafe(|| poll(first.as_mut()))).is_err(), "it has ended");
    assert!(poll(second.as_mut()).is_pending());
    block_on(TASKS.only());
    assert_eq!(block_on(second), 1);
    // Without a caller, the spawner gets the panic.
    let mut gone = Box::pin(failing(2));
    assert!(poll(gone.as_mut()).is_pending());
    drop(gone);
    assert!(catch_unwind(AssertUnwindSafe(|| block_on(TASKS.only()))).is_err());
    assert_eq!((failing_memo().stats().panics, failing_memo().computing()), (2, 0));
}

#[test]
fn work_that_the_spawner_drops_goes_on_where_it_was() {
    static TASKS: Queue = Queue::new();
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memoize(spawn = |task| TASKS.push(task))]
    async fn stepwise(n: u32) -> u32 {
        RUNS.fetch_add(1, Relaxed);
        for _ in 0..3 {
            pause().await;
        }
        n
    }
    for polls in 0..4 {
        let mut call = Box::pin(stepwise(polls));
        assert!(poll(call.as_mut()).is_pending());
        let mut task = TASKS.only();
        for _ in 0..polls {
            assert!(poll(task.as_mut()).is_pending());
        }
        drop(task);
        assert_eq!(with_timeout(|| block_on(call)), polls);
        assert_eq!(RUNS.load(Relaxed), polls + 1, "the body is begun once");
    }
    assert_eq!((stepwise_memo().len(), stepwise_memo().stats().unfinished), (4, 0));
}

#[test]
fn work_whose_caller_and_task_are_dropped_passes_the_lead_on() {
    static TASKS: Queue = Queue::new();
    #[memoize(spawn = |task| TASKS.push(task))]
    async fn held(n: u32) -> u32 {
        pause().await;
        n
    }
    for caller_first in [true, false] {
        let mut call = Box::pin(held(1));
        let mut waiter = Box::pin(held(1));
        assert!(poll(call.as_mut()).is_pending() && poll(waiter.as_mut()).is_pending());
        if caller_first {
            drop(call);
            drop(TASKS.only());
        } else {
            drop(TASKS.only());
            drop(call);
        }
        assert!(poll(waiter.as_mut()).is_pending());
        block_on(TASKS.only());
        assert_eq!(poll(waiter.as_mut()), Poll::Ready(1));
        assert!(held_memo().invalidate(&held_key(1)));
    }
    assert_eq!(held_memo().computing(), 0);
}

#[test]
fn a_task_that_nobody_runs_does_not_hang_its_caller() {
    static TASKS: Queue = Queue::new();
    #[memoize(spawn = |task| TASKS.push(task), wait_limit = "50ms")]
    async fn never(n: u32) -> u32 {
        pause().await;
        n
    }
    assert_eq!(with_timeout(|| block_on(never(1))), 1);
    assert_eq!(never_memo().get(&never_key(1)), Some(1));
    // Later the task has nothing to do.
    block_on(TASKS.only());
    assert_eq!(never_memo().stats().misses, 1);
}

#[test]
fn a_task_that_is_not_polled_any_more_does_not_hang_its_caller() {
    static TASKS: Queue = Queue::new();
    #[memoize(spawn = |task| TASKS.push(task), wait_limit = "50ms")]
    async fn stuck(n: u32) -> u32 {
        pause().await;
        n
    }
    let mut call = Box::pin(stuck(1));
    assert!(poll(call.as_mut()).is_pending());
    let mut task = TASKS.only();
    assert!(poll(task.as_mut()).is_pending(), "it was woken and is not polled again");
    assert_eq!(with_timeout(|| block_on(call)), 1);
    assert!(poll(task.as_mut()).is_ready());
}

#[test]
fn a_runtime_that_shuts_down_does_not_hang_a_caller() {
    static OTHER: Mutex<Option<tokio::runtime::Handle>> = Mutex::new(None);
    static DOOR: Door = Door::closed();
    static RUNS: AtomicU32 = AtomicU32::new(0);
    fn on_other<T: Future<Output = ()> + Send + 'static>(task: T) {
        OTHER.lock().unwrap().as_ref().unwrap().spawn(task);
    }
    #[memoize(spawn = on_other)]
    async fn held(n: u32) -> u32 {
        RUNS.fetch_add(1, Relaxed);
        DOOR.pass().await;
        n
    }
    with_timeout(|| {
        let other = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        *OTHER.lock().unwrap() = Some(other.handle().clone());
        let caller = std::thread::spawn(|| block_on(held(1)));
        wait_until("the computation has begun", || RUNS.load(Relaxed) == 1);
        other.shutdown_background();
        DOOR.open();
        assert_eq!(caller.join().unwrap(), 1);
        assert_eq!(block_on(held(2)), 2, "a runtime that has shut down drops tasks at once");
    });
    assert_eq!(held_memo().computing(), 0);
}

#[test]
fn outside_of_a_runtime_the_caller_computes() {
    fn refuse<T>(_: T) {
        std::panic::resume_unwind(Box::new("no runtime"));
    }
    #[memoize(spawn = refuse)]
    async fn value(n: u32) -> u32 {
        pause().await;
        n
    }
    assert_eq!(block_on(value(1)), 1);
    assert_eq!((value_memo().len(), value_memo().computing()), (1, 0));
}

#[test]
fn calls_within_each_other_do_not_wait_in_a_cycle() {
    #[memoize(spawn = tokio::spawn)]
    async fn again(n: u32, depth: Depth) -> u32 {
        pause().await;
        if depth.0 < 3 { later(n, Depth(depth.0 + 1)).await + 1 } else { 0 }
    }
    // The call through another function and task: each waits for the one that began it.
    #[memoize(spawn = tokio::spawn)]
    async fn between(n: u32, depth: Depth) -> u32 {
        again(n, depth).await
    }
    fn later(n: u32, depth: Depth) -> Pin<Box<dyn Future<Output = u32> + Send>> {
        Box::pin(between(n, depth))
    }
    /// No part of the key.
    #[derive(Clone, Copy)]
    struct Depth(u32);
    impl serde::Serialize for Depth {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_unit()
        }
    }
    let begin = std::time::Instant::now();
    assert_eq!(with_timeout(|| runtime().block_on(again(1, Depth(0)))), 3);
    assert!(begin.elapsed() < Duration::from_secs(8), "a time limit ended the wait");
    assert_eq!((again_memo().computing(), between_memo().computing()), (0, 0));
}

#[test]
fn a_body_that_cannot_change_threads_is_spawned_on_its_own() {
    #[memoize(spawn = tokio::task::spawn_local)]
    async fn local(n: u32) -> u32 {
        let shared = Rc::new(n);
        pause().await;
        *shared
    }
    let set = tokio::task::LocalSet::new();
    runtime().block_on(set.run_until(async {
        let mut gone = Box::pin(local(1));
        assert!(poll(gone.as_mut()).is_pending());
        drop(gone);
        while local_memo().computing() > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(outcome_async(local(1)).await.source(), Some(Source::Hit));
    }));
}

#[test]
fn a_computation_without_callers_is_stored() {
    static FOLDER: Mutex<Option<tempfile::TempDir>> = Mutex::new(None);
    static BEGUN: AtomicBool = AtomicBool::new(false);
    static TASKS: Queue = Queue::new();
    fn folder() -> std::path::PathBuf {
        FOLDER.lock().unwrap().get_or_insert_with(|| tempfile::tempdir().unwrap()).path().into()
    }
    #[memoize(persist = folder(), spawn = |task| TASKS.push(task))]
    async fn stored(n: u32) -> u32 {
        BEGUN.store(true, Relaxed);
        pause().await;
        n + 1
    }
    let mut call = Box::pin(stored(1));
    assert!(poll(call.as_mut()).is_pending());
    drop(call);
    assert!(!BEGUN.load(Relaxed));
    block_on(TASKS.only());
    stored_memo().flush().unwrap();
    assert_eq!((stored_memo().stats().stored, stored_memo().get(&stored_key(1))), (1, Some(2)));
}

#[test]
fn a_removal_during_the_computation_keeps_its_value_out() {
    static TASKS: Queue = Queue::new();
    #[memoize(spawn = |task| TASKS.push(task))]
    async fn value(n: u32) -> u32 {
        pause().await;
        n
    }
    let mut call = Box::pin(value(1));
    assert!(poll(call.as_mut()).is_pending());
    value_memo().invalidate(&value_key(1));
    block_on(TASKS.only());
    assert_eq!((poll(call.as_mut()), value_memo().len()), (Poll::Ready(1), 0));
    assert_eq!((value_memo().computing(), value_memo().stats().uncached), (0, 1));
}
