//! Single flight between tasks: of the tasks that miss on one key at once, one computes, the others wait, and every
//! wait ends, whichever futures are dropped.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Barrier};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

use memokit::memoize;

use crate::support::{wait_until, with_timeout};
use crate::tasks::{block_on, pause, poll};

/// A door at which tasks wait. It stores no waker: a waiting task wakes itself and looks again.
pub(crate) struct Door(AtomicBool);

impl Door {
    pub(crate) const fn closed() -> Self {
        Self(AtomicBool::new(false))
    }

    pub(crate) fn open(&self) {
        self.0.store(true, Relaxed);
    }

    pub(crate) async fn pass(&self) {
        poll_fn(|cx| {
            cx.waker().wake_by_ref();
            if self.0.load(Relaxed) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

/// Counts how often a task is woken.
#[derive(Default)]
struct Woken(AtomicU32);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Relaxed);
    }
}

fn poll_counted<F: Future>(future: Pin<&mut F>, woken: &Arc<Woken>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(&Waker::from(Arc::clone(woken))))
}

const TASKS: u64 = 10_000;

#[test]
fn ten_thousand_tasks_on_tokio_compute_once() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memoize]
    async fn slow(n: u64) -> u64 {
        RUNS.fetch_add(1, Relaxed);
        tokio::time::sleep(Duration::from_millis(30)).await;
        n + 1
    }
    with_timeout(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = { runtime }.worker_threads(4).enable_time().build().unwrap();
        runtime.block_on(async {
            let tasks: Vec<_> = (0..TASKS).map(|_| tokio::spawn(slow(7))).collect();
            for task in tasks {
                assert_eq!(task.await.unwrap(), 8);
            }
        });
    });
    assert_eq!(RUNS.load(Relaxed), 1);
    let stats = slow_memo().stats();
    assert_eq!((stats.hits, stats.misses), (TASKS - 1, 1));
    assert_eq!(slow_memo().computing(), 0);
}

#[test]
fn ten_thousand_tasks_on_smol_compute_once() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memoize]
    async fn slow(n: u64) -> u64 {
        RUNS.fetch_add(1, Relaxed);
        smol::Timer::after(Duration::from_millis(30)).await;
        n + 1
    }
    with_timeout(|| {
        let executor = smol::Executor::new();
        let tasks: Vec<_> = (0..TASKS).map(|_| executor.spawn(slow(7))).collect();
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    smol::block_on(executor.run(async {
                        while !stop.load(Relaxed) {
                            smol::Timer::after(Duration::from_millis(5)).await;
                        }
                    }));
                });
            }
            smol::block_on(executor.run(async {
                for task in tasks {
                    assert_eq!(task.await, 8);
                }
            }));
            stop.store(true, Relaxed);
        });
    });
    assert_eq!(RUNS.load(Relaxed), 1);
    assert_eq!(slow_memo().stats().hits, TASKS - 1);
    assert_eq!(slow_memo().computing(), 0);
}

#[test]
fn a_waiter_takes_over_wherever_the_leader_is_dropped() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memoize]
    async fn stepwise(key: u32) -> u32 {
        RUNS.fetch_add(1, Relaxed);
        for _ in 0..5 {
            pause().await;
        }
        key
    }
    // The leader is dropped before the first poll, at every await point and after the last, with zero to nine waiters.
    for (point, waiters) in (0..7).flat_map(|point| (0..10).map(move |n| (point, n))) {
        let key = point * 100 + waiters;
        let mut leader = Box::pin(stepwise(key));
        let mut done = false;
        for _ in 0..point {
            done = poll(leader.as_mut()).is_ready();
        }
        assert_eq!(done, point == 6);
        let mut others: Vec<_> = (0..waiters).map(|_| Box::pin(stepwise(key))).collect();
        let woken: Vec<_> = (0..waiters).map(|_| Arc::new(Woken::default())).collect();
        if point > 0 && !done {
            for (other, woken) in others.iter_mut().zip(&woken) {
                assert!(poll_counted(other.as_mut(), woken).is_pending());
            }
        }
        drop(leader);
        if point > 0 && !done && waiters > 0 {
            let sum: u32 = woken.iter().map(|woken| woken.0.load(Relaxed)).sum();
            assert_eq!(sum, 1, "one waiter is woken to take over");
        }
        for other in others {
            assert_eq!(block_on(other), key);
        }
        assert_eq!(stepwise_memo().computing(), 0);
        assert_eq!(stepwise_memo().get(&stepwise_key(key)), (done || waiters > 0).then_some(key));
    }
}

#[test]
fn a_dropped_task_passes_the_lead_on() {
    #[memoize]
    async fn held(n: u32) -> u32 {
        pause().await;
        n
    }
    let mut tasks: Vec<_> = (0..50).map(|_| Box::pin(held(1))).collect();
    for task in &mut tasks {
        assert!(poll(task.as_mut()).is_pending());
    }
    // Each task is woken in turn, and dropped before it is polled.
    let last = tasks.pop().unwrap();
    tasks.into_iter().for_each(drop);
    assert_eq!(held_memo().computing(), 1);
    assert_eq!(with_timeout(move || block_on(last)), 1);
    assert_eq!((held_memo().computing(), held_memo().stats().entries), (0, 1));
    // This time no task is left.
    let mut tasks: Vec<_> = (0..50).map(|_| Box::pin(held(2))).collect();
    for task in &mut tasks {
        assert!(poll(task.as_mut()).is_pending());
    }
    tasks.into_iter().rev().for_each(drop);
    assert_eq!((held_memo().computing(), held_memo().get(&held_key(2))), (0, None));
}

#[test]
fn a_task_that_is_woken_and_never_polled_does_not_block_others() {
    #[memoize]
    async fn held(n: u32) -> u32 {
        pause().await;
        n
    }
    let mut leader = Box::pin(held(1));
    let mut asleep = Box::pin(held(1));
    assert!(poll(leader.as_mut()).is_pending());
    assert!(poll(asleep.as_mut()).is_pending());
    drop(leader);
    // A new caller takes the lead that was passed to the sleeping task.
    assert_eq!(with_timeout(|| block_on(held(1))), 1);
    assert_eq!(poll(asleep.as_mut()), Poll::Ready(1));
    assert_eq!(held_memo().computing(), 0);
}

#[test]
fn threads_and_tasks_wait_for_the_same_computation() {
    static DOOR: Door = Door::closed();
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memoize]
    async fn slow(n: u32) -> u32 {
        RUNS.fetch_add(1, Relaxed);
        DOOR.pass().await;
        n
    }
    #[memoize]
    fn outer(n: u32) -> u32 {
        block_on(slow(n))
    }
    with_timeout(|| {
        let callers: Vec<_> = (0..20)
            .map(|at| thread::spawn(move || if at % 2 == 0 { outer(3) } else { block_on(slow(3)) }))
            .collect();
        wait_until("the leader computes", || RUNS.load(Relaxed) == 1);
        thread::sleep(Duration::from_millis(20));
        DOOR.open();
        callers.into_iter().for_each(|caller| assert_eq!(caller.join().unwrap(), 3));
    });
    assert_eq!(RUNS.load(Relaxed), 1);
}

#[test]
fn a_panic_reaches_its_caller_and_a_waiter_takes_over() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memoize]
    async fn first_fails(n: u32) -> u32 {
        let run = RUNS.fetch_add(1, Relaxed);
        pause().await;
        assert!(run > 0, "on purpose");
        n
    }
    let mut leader = Box::pin(first_fails(1));
    let mut waiter = Box::pin(first_fails(1));
    assert!(poll(leader.as_mut()).is_pending() && poll(waiter.as_mut()).is_pending());
    assert!(catch_unwind(AssertUnwindSafe(|| poll(leader.as_mut()))).is_err());
    // The future that panicked still exists, but it has passed the lead on.
    assert_eq!(with_timeout(move || block_on(waiter)), 1);
    let stats = first_fails_memo().stats();
    assert_eq!((stats.panics, stats.misses, stats.entries), (1, 2, 1));
    assert!(catch_unwind(AssertUnwindSafe(|| poll(leader.as_mut()))).is_err());
    drop(leader);
    assert_eq!((first_fails_memo().stats().misses, first_fails_memo().computing()), (2, 0));
}

#[test]
fn an_error_reaches_only_its_caller_and_each_waiter_takes_over_in_turn() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    static AT_ONCE: AtomicU32 = AtomicU32::new(0);
    #[memoize]
    async fn failing(n: u32) -> Result<u32, u32> {
        assert_eq!(AT_ONCE.fetch_add(1, Relaxed), 0, "one at a time");
        pause().await;
        AT_ONCE.fetch_sub(1, Relaxed);
        let run = RUNS.fetch_add(1, Relaxed);
        if run < 60 { Err(run) } else { Ok(n) }
    }
    let outcomes = with_timeout(|| {
        smol::block_on(async {
            let executor = smol::LocalExecutor::new();
            let tasks: Vec<_> = (0..100).map(|_| executor.spawn(failing(1))).collect();
            executor
                .run(async {
                    let mut outcomes = Vec::new();
                    for task in tasks {
                        outcomes.push(task.await);
                    }
                    outcomes
                })
                .await
        })
    });
    let (fine, failed): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    assert_eq!((fine.len(), failed.len()), (40, 60));
    assert_eq!((RUNS.load(Relaxed), failing_memo().computing()), (61, 0));
}

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

#[test]
fn a_task_that_calls_itself_with_its_own_key_computes() {
    #[memoize]
    async fn again(n: u32) -> u32 {
        DEPTH.set(DEPTH.get() + 1);
        pause().await;
        if DEPTH.get() < 4 { Box::pin(again(n)).await + 1 } else { 0 }
    }
    let begin = Instant::now();
    assert_eq!(with_timeout(|| block_on(again(1))), 3);
    assert!(begin.elapsed() < Duration::from_secs(8), "a time limit ended the wait");
    assert_eq!(again_memo().get(&again_key(1)), Some(3));
    assert_eq!((again_memo().stats().misses, again_memo().stats().uncached), (4, 3));
}

#[test]
fn a_sibling_in_the_same_task_waits() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memoize]
    async fn slow(n: u32) -> u32 {
        RUNS.fetch_add(1, Relaxed);
        pause().await;
        pause().await;
        n
    }
    #[memoize]
    async fn both(n: u32) -> (u32, u32) {
        smol::future::zip(slow(n), slow(n)).await
    }
    assert_eq!(with_timeout(|| block_on(both(4))), (4, 4));
    assert_eq!((RUNS.load(Relaxed), slow_memo().stats().coalesced), (1, 1));
}

type Task = Pin<Box<dyn Future<Output = u32> + Send>>;

/// Starts `size` calls in a ring on one task each, and lets `run` run the tasks. Each calls the next once all have
/// begun.
fn ring(key: u32, size: u32, run: fn(Vec<Task>)) {
    static BEGUN: AtomicU32 = AtomicU32::new(0);
    #[memoize]
    async fn link(key: u32, at: u32, size: u32, hops: u32) -> u32 {
        BEGUN.fetch_add(1, Relaxed);
        poll_fn(|cx| {
            cx.waker().wake_by_ref();
            if BEGUN.load(Relaxed) >= size { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        // A call that would close the cycle computes for itself and goes round again. This bound ends it.
        if CALLS.fetch_add(1, Relaxed) > 4 * size {
            return hops;
        }
        Box::pin(link(key, (at + 1) % size, size, hops)).await + 1
    }
    static CALLS: AtomicU32 = AtomicU32::new(0);
    BEGUN.store(0, Relaxed);
    CALLS.store(0, Relaxed);
    let begin = Instant::now();
    let tasks = (0..size).map(|at| {
        let task: Task = Box::pin(link(key, at, size, 0));
        task
    });
    let tasks: Vec<_> = tasks.collect();
    with_timeout(move || run(tasks));
    assert!(begin.elapsed() < Duration::from_secs(8), "a time limit ended the wait");
    assert_eq!(link_memo().computing(), 0);
    assert!((0..size).all(|at| link_memo().get(&link_key(key, at, size, 0)).is_some()));
}

#[test]
fn rings_of_tasks_finish() {
    for (key, size) in [(0, 2), (1, 3), (2, 8)] {
        // All tasks on one thread.
        ring(key, size, |tasks| {
            let executor = smol::LocalExecutor::new();
            let tasks: Vec<_> = tasks.into_iter().map(|task| executor.spawn(task)).collect();
            smol::block_on(executor.run(async {
                for task in tasks {
                    task.await;
                }
            }));
        });
        // Each task on its own thread.
        ring(key + 10, size, |tasks| {
            let threads = tasks.into_iter().map(|task| thread::spawn(|| block_on(task)));
            let threads: Vec<_> = threads.collect();
            threads.into_iter().for_each(|thread| _ = thread.join().unwrap());
        });
    }
}

#[test]
fn an_undetected_cycle_of_tasks_ends() {
    #[memoize(wait_limit = "50ms")]
    async fn joining(n: u32, inner: Inner) -> u32 {
        if inner.0 {
            return n;
        }
        // Another task of the same key waits for this one, and this one waits for it.
        another(n).await.unwrap() + 1
    }
    fn another(n: u32) -> tokio::task::JoinHandle<u32> {
        tokio::spawn(joining(n, Inner(true)))
    }
    #[derive(Clone, Copy)]
    struct Inner(bool);
    impl serde::Serialize for Inner {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_unit()
        }
    }
    let value = with_timeout(|| {
        tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap()
            .block_on(async { joining(1, Inner(false)).await })
    });
    assert_eq!(value, 2);
    assert_eq!(joining_memo().get(&joining_key(1, Inner(false))), Some(2));
    assert_eq!(joining_memo().stats().uncached, 1);
}

#[test]
fn one_waiting_task_computes_after_the_wait_limit() {
    static DOOR: Door = Door::closed();
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memoize(wait_limit = "50ms")]
    async fn stuck(n: u32) -> u32 {
        if RUNS.fetch_add(1, Relaxed) == 0 {
            DOOR.pass().await;
        }
        n
    }
    let mut leader = Box::pin(stuck(1));
    assert!(poll(leader.as_mut()).is_pending());
    with_timeout(|| {
        let threads: Vec<_> = (0..8).map(|_| thread::spawn(|| block_on(stuck(1)))).collect();
        threads.into_iter().for_each(|thread| assert_eq!(thread.join().unwrap(), 1));
    });
    assert_eq!(RUNS.load(Relaxed), 2, "one of eight waiters computed");
    DOOR.open();
    assert_eq!(poll(leader.as_mut()), Poll::Ready(1));
    assert_eq!(stuck_memo().computing(), 0);
}

#[test]
fn a_key_invalidated_while_computing_is_not_cached() {
    #[memoize]
    async fn slow(n: u32) -> u32 {
        pause().await;
        n
    }
    for clear in [false, true] {
        let (mut leader, mut waiter) = (Box::pin(slow(1)), Box::pin(slow(1)));
        assert!(poll(leader.as_mut()).is_pending() && poll(waiter.as_mut()).is_pending());
        if clear {
            slow_memo().clear();
        } else {
            slow_memo().invalidate(&slow_key(1));
        }
        assert_eq!(poll(leader.as_mut()), Poll::Ready(1));
        assert_eq!(poll(waiter.as_mut()), Poll::Ready(1));
        assert_eq!((slow_memo().len(), slow_memo().computing()), (0, 0));
        // If the leader of an invalidated flight is dropped, a waiter computes again, and its value is cached.
        let (mut leader, mut waiter) = (Box::pin(slow(1)), Box::pin(slow(1)));
        assert!(poll(leader.as_mut()).is_pending() && poll(waiter.as_mut()).is_pending());
        slow_memo().clear();
        drop(leader);
        assert_eq!(block_on(waiter), 1);
        assert_eq!(slow_memo().len(), 1);
        slow_memo().clear();
    }
}

#[test]
fn async_recursion_ten_thousand_deep_finishes() {
    #[memoize]
    async fn deep(n: u32) -> u32 {
        // Each wake-up polls all levels again, so only a few levels pause.
        if n.is_multiple_of(1000) {
            pause().await;
        }
        if n == 0 { 0 } else { Box::pin(deep(n - 1)).await + 1 }
    }
    let thread = thread::Builder::new().stack_size(512 << 20);
    let value = thread.spawn(|| block_on(deep(10_000))).unwrap().join().unwrap();
    assert_eq!((value, deep_memo().len(), deep_memo().computing()), (10_000, 10_001, 0));
}

#[test]
fn wakers_may_call_memoized_functions() {
    #[memoize]
    async fn slow(n: u32) -> u32 {
        pause().await;
        n
    }
    #[derive(Clone)]
    struct Calls;
    impl Wake for Calls {
        fn wake(self: Arc<Self>) {
            // This call has the same key and runs on the leader's thread, within the leader's poll.
            let mut again = Box::pin(slow(1));
            let _ = poll(again.as_mut());
        }
    }
    with_timeout(|| {
        let (mut leader, mut waiter) = (Box::pin(slow(1)), Box::pin(slow(1)));
        let waker = Waker::from(Arc::new(Calls));
        assert!(poll(leader.as_mut()).is_pending());
        assert!(waiter.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        assert_eq!(poll(leader.as_mut()), Poll::Ready(1));
        assert_eq!(poll(waiter.as_mut()), Poll::Ready(1));
    });
}

#[test]
fn tasks_dropped_at_random_leave_no_computation_behind() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memoize(max = 4)]
    async fn slow(n: u32) -> Result<u32, ()> {
        let run = RUNS.fetch_add(1, Relaxed);
        for _ in 0..n % 4 {
            pause().await;
        }
        if run.is_multiple_of(3) { Err(()) } else { Ok(n) }
    }
    with_timeout(|| {
        let start = Barrier::new(4);
        thread::scope(|scope| {
            for seed in 0..4u32 {
                let start = &start;
                scope.spawn(move || {
                    start.wait();
                    let mut random = seed + 1;
                    for _ in 0..2000 {
                        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                        let (key, polls) = ((random >> 8) % 6, (random >> 16) % 8);
                        let mut task = pin!(slow(key));
                        if polls == 0 {
                            let _ = block_on(task);
                            continue;
                        }
                        for _ in 0..polls {
                            if poll(task.as_mut()).is_ready() {
                                break;
                            }
                        }
                    }
                });
            }
        });
    });
    assert_eq!(slow_memo().computing(), 0);
}

#[cfg(target_os = "linux")]
#[test]
fn the_timer_thread_ends_when_no_task_waits() {
    fn timer_threads() -> usize {
        let threads = std::fs::read_dir("/proc/self/task").unwrap();
        let name = |thread: std::io::Result<std::fs::DirEntry>| {
            std::fs::read_to_string(thread.unwrap().path().join("comm")).unwrap_or_default()
        };
        threads.map(name).filter(|name| name.trim() == "memokit-timer").count()
    }
    fn step() {
        #[memoize]
        async fn held(n: u32) -> u32 {
            pause().await;
            n
        }
        assert_eq!(block_on(held(0)), 0);
        assert_eq!(timer_threads(), 0, "no task has waited");
        for key in 1..3 {
            let (mut leader, mut waiter) = (Box::pin(held(key)), Box::pin(held(key)));
            assert!(poll(leader.as_mut()).is_pending() && poll(waiter.as_mut()).is_pending());
            wait_until("the timer thread runs", || timer_threads() == 1);
            assert_eq!(block_on(leader), key);
            wait_until("the timer thread has ended", || timer_threads() == 0);
            assert_eq!(block_on(waiter), key);
        }
    }
    crate::support::restarts!(step);
}

/// A future that was polled once and is held, as beside a `select!` on a reference, holds nobody up once it was woken.
#[test]
fn a_leader_that_was_woken_and_is_not_polled_is_replaced() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memoize]
    async fn held(n: u32) -> u32 {
        RUNS.fetch_add(1, Relaxed);
        pause().await;
        n
    }
    let mut leader = Box::pin(held(1));
    assert!(poll(leader.as_mut()).is_pending());
    let begin = Instant::now();
    assert_eq!(with_timeout(|| block_on(held(1))), 1);
    assert!(begin.elapsed() < Duration::from_secs(5), "the wait limit is 10 s");
    assert_eq!((RUNS.load(Relaxed), held_memo().len(), held_memo().computing()), (2, 1, 0));
    // The value of the waiter is kept, and that of the first leader is not.
    assert_eq!(poll(leader.as_mut()), Poll::Ready(1));
    assert_eq!((held_memo().stats().entries, held_memo().stats().uncached), (1, 1));
}

/// The same beside a clock that a test has stopped.
#[test]
fn a_leader_is_replaced_while_the_clock_is_paused() {
    #[memoize]
    async fn held(n: u32) -> u32 {
        pause().await;
        n
    }
    let begin = Instant::now();
    with_timeout(|| {
        let _isolated = memokit::isolated();
        memokit::clock::pause();
        let mut leader = Box::pin(held(1));
        assert!(poll(leader.as_mut()).is_pending());
        assert_eq!(block_on(held(1)), 1);
    });
    assert!(begin.elapsed() < Duration::from_secs(5), "the wait limit is 10 s");
}

/// A leader that waits for something is not replaced, however long it waits.
#[test]
fn a_leader_that_was_not_woken_is_waited_for() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    static WAKER: std::sync::Mutex<Option<Waker>> = std::sync::Mutex::new(None);
    #[memoize]
    async fn held(n: u32) -> u32 {
        RUNS.fetch_add(1, Relaxed);
        let mut polled = false;
        poll_fn(|cx| {
            *WAKER.lock().unwrap() = Some(cx.waker().clone());
            if std::mem::replace(&mut polled, true) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        n
    }
    let leader = thread::spawn(|| block_on(held(1)));
    wait_until("the leader waits", || WAKER.lock().unwrap().is_some());
    let waiter = thread::spawn(|| block_on(held(1)));
    thread::sleep(Duration::from_millis(200));
    assert_eq!(RUNS.load(Relaxed), 1);
    WAKER.lock().unwrap().take().unwrap().wake();
    assert_eq!((leader.join().unwrap(), waiter.join().unwrap()), (1, 1));
    assert_eq!(RUNS.load(Relaxed), 1);
}

/// A leader that was replaced has nothing to pass on when it is dropped.
#[test]
fn a_replaced_leader_that_is_dropped_ends_no_computation() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    static DOOR: Door = Door::closed();
    #[memoize]
    async fn held(n: u32) -> u32 {
        if RUNS.fetch_add(1, Relaxed) == 0 {
            pause().await;
        } else {
            DOOR.pass().await;
        }
        n
    }
    let mut leader = Box::pin(held(1));
    assert!(poll(leader.as_mut()).is_pending());
    with_timeout(|| {
        let second = thread::spawn(|| block_on(held(1)));
        wait_until("a waiter leads", || RUNS.load(Relaxed) == 2);
        drop(leader);
        let third = thread::spawn(|| block_on(held(1)));
        thread::sleep(Duration::from_millis(20));
        DOOR.open();
        assert_eq!((second.join().unwrap(), third.join().unwrap()), (1, 1));
    });
    let stats = held_memo().stats();
    assert_eq!((RUNS.load(Relaxed), stats.entries, stats.uncached), (2, 1, 0));
}
