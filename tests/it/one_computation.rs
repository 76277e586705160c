//! Single flight between threads: of the callers that miss on one key at once, one computes, the others wait, and every
//! wait ends.

use std::cell::Cell;
use std::panic::{catch_unwind, panic_any};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Barrier, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use memokit::memoize;

use crate::support::{wait_until, with_timeout};

/// Long enough for other callers to arrive. No test depends on their arrival.
const A_WHILE: Duration = Duration::from_millis(30);

#[test]
fn a_thousand_callers_compute_once_and_all_get_the_value() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memoize]
    fn slow(n: u32) -> String {
        RUNS.fetch_add(1, Relaxed);
        thread::sleep(A_WHILE);
        n.to_string()
    }
    with_timeout(|| {
        let start = Barrier::new(1000);
        thread::scope(|scope| {
            let call = || {
                start.wait();
                slow(7)
            };
            let threads: Vec<_> = (0..1000).map(|_| scope.spawn(call)).collect();
            threads.into_iter().for_each(|thread| assert_eq!(thread.join().unwrap(), "7"));
        });
    });
    assert_eq!(RUNS.load(Relaxed), 1);
    let stats = slow_memo().stats();
    assert_eq!((stats.hits, stats.misses), (999, 1));
    assert!(stats.coalesced <= 999);
}

#[test]
fn callers_of_other_keys_do_not_wait() {
    static GATE: Mutex<()> = Mutex::new(());
    static INSIDE: AtomicU32 = AtomicU32::new(0);
    #[memoize(max = 10)]
    fn gated(n: u32) -> u32 {
        if n == 0 {
            INSIDE.fetch_add(1, Relaxed);
            drop(GATE.lock().unwrap());
        }
        n
    }
    let closed = GATE.lock().unwrap();
    let waiting = thread::spawn(|| gated(0));
    wait_until("the leader is inside the function", || INSIDE.load(Relaxed) == 1);
    with_timeout(|| assert_eq!((gated(1), gated(1), gated(2)), (1, 1, 2)));
    assert_eq!(with_timeout(|| gated_memo().len()), 2);
    drop(closed);
    assert_eq!(waiting.join().unwrap(), 0);
}

#[test]
fn an_error_reaches_only_its_own_caller() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memoize]
    fn failing(n: u32) -> Result<u32, String> {
        RUNS.fetch_add(1, Relaxed);
        thread::sleep(Duration::from_millis(3));
        Err(n.to_string())
    }
    with_timeout(|| {
        thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| failing(1))).collect();
            threads.into_iter().for_each(|thread| assert!(thread.join().unwrap().is_err()));
        });
    });
    assert_eq!(RUNS.load(Relaxed), 8);
    assert!(failing_memo().is_empty());
}

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

#[test]
fn a_function_that_calls_itself_with_its_own_key_computes() {
    #[memoize]
    fn again(n: u32) -> u32 {
        DEPTH.set(DEPTH.get() + 1);
        if DEPTH.get() < 4 { again(n) + 1 } else { 0 }
    }
    let begin = Instant::now();
    assert_eq!(with_timeout(|| again(1)), 3);
    assert!(begin.elapsed() < Duration::from_secs(8), "a time limit ended the wait");
    assert_eq!(again_memo().get(&again_key(1)), Some(3));
    assert_eq!((again_memo().stats().misses, again_memo().stats().uncached), (4, 3));
}

static MEETING: Barrier = Barrier::new(2);

/// Makes each of two threads wait for the other at its first call.
fn meet() {
    DEPTH.set(DEPTH.get() + 1);
    if DEPTH.get() == 1 {
        MEETING.wait();
    }
}

#[memoize]
fn ping(n: u32) -> u32 {
    meet();
    if DEPTH.get() < 5 { pong(n) + 1 } else { 0 }
}

#[memoize]
fn pong(n: u32) -> u32 {
    meet();
    if DEPTH.get() < 5 { ping(n) + 1 } else { 0 }
}

#[test]
fn two_threads_that_wait_for_each_other_finish() {
    let begin = Instant::now();
    with_timeout(|| {
        let (a, b) = (thread::spawn(|| ping(1)), thread::spawn(|| pong(1)));
        (a.join().unwrap(), b.join().unwrap())
    });
    assert!(begin.elapsed() < Duration::from_secs(8), "a time limit ended the wait");
    assert_eq!((ping_memo().len(), pong_memo().len()), (1, 1));
}

#[test]
fn an_undetected_cycle_ends() {
    #[memoize]
    fn joining(n: u32) -> u32 {
        if n == 0 || thread::current().name() == Some("inner") {
            return n;
        }
        let inner = thread::Builder::new().name("inner".to_owned());
        inner.spawn(move || joining(n)).unwrap().join().unwrap() + 1
    }
    // Once a mean is known, a call waits one second for another.
    joining(0);
    assert_eq!(with_timeout(|| joining(1)), 2);
    assert_eq!(joining_memo().get(&joining_key(1)), Some(2));
}

#[test]
fn one_waiter_computes_after_the_wait_limit() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memoize]
    fn slow(n: u32) -> u32 {
        if n > 0 {
            RUNS.fetch_add(1, Relaxed);
            thread::sleep(Duration::from_millis(1600));
        }
        n
    }
    // Once a mean is known, a call waits one second for another.
    slow(0);
    with_timeout(|| {
        thread::scope(|scope| {
            (0..8).for_each(|_| _ = scope.spawn(|| assert_eq!(slow(1), 1)));
        });
    });
    // The leader computes, after one second one waiter, and on a machine that stalls perhaps one more.
    assert!(RUNS.load(Relaxed) <= 3, "{} callers computed", RUNS.load(Relaxed));
    assert_eq!(slow_memo().get(&slow_key(1)), Some(1));
}

/// A key that is much slower than the others is computed by a few callers, and not by one more for each wait limit.
#[test]
fn few_waiters_compute_a_key_that_takes_many_wait_limits() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memoize(wait_limit = "50ms")]
    fn slow(n: u32) -> u32 {
        RUNS.fetch_add(1, Relaxed);
        thread::sleep(Duration::from_millis(1500));
        n
    }
    with_timeout(|| {
        thread::scope(|scope| {
            (0..32).for_each(|_| _ = scope.spawn(|| assert_eq!(slow(1), 1)));
        });
    });
    // The leader, and waiters after 50, 250 and 1050 ms.
    assert!((2..=4).contains(&RUNS.load(Relaxed)), "{} callers computed", RUNS.load(Relaxed));
}

/// A leader that begins other computations runs, however long it takes.
#[test]
fn nobody_relieves_a_leader_that_is_seen_to_run() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memoize]
    fn part(n: u32) -> u32 {
        n
    }
    #[memoize(wait_limit = "500ms")]
    fn whole(n: u32) -> u32 {
        RUNS.fetch_add(1, Relaxed);
        let begin = Instant::now();
        (0..).take_while(|_| begin.elapsed() < Duration::from_millis(1800)).for_each(|at| {
            part(at);
            thread::sleep(Duration::from_millis(1));
        });
        n
    }
    with_timeout(|| {
        thread::scope(|scope| {
            (0..8).for_each(|_| _ = scope.spawn(|| assert_eq!(whole(1), 1)));
        });
    });
    assert_eq!(RUNS.load(Relaxed), 1);
}

/// A leader that waits has a limit of its own.
#[test]
fn nobody_relieves_a_leader_that_waits() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    static INSIDE: AtomicU32 = AtomicU32::new(0);
    static GATE: Mutex<()> = Mutex::new(());
    #[memoize(wait_limit = "1h")]
    fn gated(n: u32) -> u32 {
        INSIDE.fetch_add(1, Relaxed);
        drop(GATE.lock().unwrap());
        n
    }
    #[memoize(wait_limit = "200ms")]
    fn waiting(n: u32) -> u32 {
        RUNS.fetch_add(1, Relaxed);
        gated(n)
    }
    let closed = GATE.lock().unwrap();
    let gate = thread::spawn(|| gated(1));
    wait_until("the gate is closed", || INSIDE.load(Relaxed) == 1);
    let callers: Vec<_> = (0..4).map(|_| thread::spawn(|| waiting(1))).collect();
    thread::sleep(Duration::from_millis(700));
    drop(closed);
    callers.into_iter().chain([gate]).for_each(|caller| assert_eq!(caller.join().unwrap(), 1));
    assert_eq!(RUNS.load(Relaxed), 1);
}

#[test]
fn with_a_wait_limit_of_zero_each_caller_computes() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memoize(wait_limit = "0s")]
    fn each(n: u32) -> u32 {
        RUNS.fetch_add(1, Relaxed);
        wait_until("all callers compute", || RUNS.load(Relaxed) >= 4);
        n
    }
    with_timeout(|| {
        thread::scope(|scope| {
            (0..4).for_each(|_| _ = scope.spawn(|| assert_eq!(each(1), 1)));
        });
    });
    assert_eq!(each_memo().get(&each_key(1)), Some(1));
}

#[test]
fn a_panic_reaches_only_its_caller_and_a_waiter_computes() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memoize]
    fn first_fails(n: u32) -> u32 {
        if RUNS.fetch_add(1, Relaxed) == 0 {
            thread::sleep(A_WHILE);
            panic_any("on purpose");
        }
        n
    }
    let outcomes = with_timeout(|| {
        let call = || thread::spawn(|| catch_unwind(|| first_fails(1)));
        let threads: Vec<_> = (0..16).map(|_| call()).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    let (fine, panicked): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    assert!(fine.into_iter().all(|value| value.unwrap() == 1));
    let payload = panicked.into_iter().next().unwrap().unwrap_err();
    assert_eq!(payload.downcast_ref(), Some(&"on purpose"));
    let stats = first_fails_memo().stats();
    assert_eq!((stats.panics, stats.misses, stats.hits, stats.entries), (1, 2, 14, 1));
}

#[test]
fn a_panic_caches_nothing() {
    #[memoize]
    fn fails(n: u32) -> u32 {
        assert!(n > 1, "on purpose");
        n
    }
    for _ in 0..3 {
        assert!(catch_unwind(|| fails(1)).is_err());
    }
    assert_eq!(fails(2), 2);
    assert_eq!(fails_memo().get(&fails_key(1)), None);
    let stats = fails_memo().stats();
    assert_eq!((stats.panics, stats.misses, stats.entries), (3, 4, 1));
}

/// Holds a computation open, runs `$during` and then `$after` in the meantime, and returns the value of `$after` and
/// the cached value.
macro_rules! held_open {
    ($during:expr, $after:expr) => {{
        static RUNS: AtomicU32 = AtomicU32::new(0);
        static OPEN: Mutex<Option<mpsc::Receiver<()>>> = Mutex::new(None);
        #[memoize]
        fn slow(n: u32) -> u32 {
            let open = OPEN.lock().unwrap().take();
            let run = RUNS.fetch_add(1, Relaxed);
            if let Some(open) = open {
                let _ = open.recv();
            }
            n + run
        }
        let (sender, receiver) = mpsc::channel();
        *OPEN.lock().unwrap() = Some(receiver);
        let computing = thread::spawn(|| slow(10));
        wait_until("the leader computes", || RUNS.load(Relaxed) == 1);
        let during: fn(memokit::Memo<u32>, memokit::Key) = $during;
        with_timeout(move || during(slow_memo(), slow_key(10)));
        let second: Option<u32> = ($after)(|| with_timeout(|| slow(10)));
        drop(sender);
        assert_eq!(with_timeout(|| computing.join().unwrap()), 10, "the leader returns its value");
        (second, slow_memo().get(&slow_key(10)))
    }};
}

#[test]
fn a_key_invalidated_while_computing_is_not_cached() {
    let invalidate = |memo: memokit::Memo<u32>, key| _ = memo.invalidate(&key);
    assert_eq!(held_open!(invalidate, |_| None), (None, None));
    // A call after the invalidation computes again, and its value is cached.
    assert_eq!(held_open!(invalidate, |call: fn() -> u32| Some(call())), (Some(11), Some(11)));
}

#[test]
fn a_key_cleared_while_computing_is_not_cached() {
    assert_eq!(held_open!(|memo, _| memo.clear(), |_| None), (None, None));
    let after = |call: fn() -> u32| Some(call());
    assert_eq!(held_open!(|memo, _| memo.clear(), after), (Some(11), Some(11)));
}

#[test]
fn a_value_inserted_while_computing_stays() {
    let insert = |memo: memokit::Memo<u32>, key| assert!(memo.insert(&key, 77));
    assert_eq!(held_open!(insert, |call: fn() -> u32| Some(call())), (Some(77), Some(77)));
}

#[memoize]
fn link(at: usize, size: usize) -> usize {
    meet_in(size);
    if DEPTH.get() < 5 { link((at + 1) % size, size) + 1 } else { 0 }
}

static MEETINGS: [Barrier; 3] = [Barrier::new(2), Barrier::new(3), Barrier::new(8)];

fn meet_in(size: usize) {
    DEPTH.set(DEPTH.get() + 1);
    if DEPTH.get() == 1 {
        MEETINGS[size / 3].wait();
    }
}

#[test]
fn rings_of_threads_finish() {
    let begin = Instant::now();
    for size in [2, 3, 8] {
        with_timeout(move || {
            let threads: Vec<_> =
                (0..size).map(|at| thread::spawn(move || link(at, size))).collect();
            threads.into_iter().for_each(|thread| _ = thread.join().unwrap());
        });
    }
    assert!(begin.elapsed() < Duration::from_secs(8), "a time limit ended the wait");
    assert_eq!((link_memo().len(), link_memo().computing()), (13, 0));
}

#[test]
fn recursion_ten_thousand_deep_finishes() {
    #[memoize]
    fn deep(n: u32) -> u32 {
        if n == 0 { 0 } else { deep(n - 1) + 1 }
    }
    let thread = thread::Builder::new().stack_size(512 << 20);
    assert_eq!(thread.spawn(|| deep(10_000)).unwrap().join().unwrap(), 10_000);
    assert_eq!((deep_memo().stats().misses, deep_memo().computing()), (10_001, 0));
}

#[test]
fn jobs_stolen_by_a_pool_finish() {
    // A thread that waits in `join` runs other jobs. Such a job may call the key that this thread computes.
    #[memoize]
    fn tree(depth: u32, leaf: u32) -> u32 {
        if depth == 0 {
            return leaf % 2;
        }
        let (left, right) =
            rayon::join(|| tree(depth - 1, leaf), || tree(depth - 1, leaf / 2 + depth));
        left + right
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(4).build().unwrap();
    with_timeout(move || {
        pool.install(|| {
            use rayon::prelude::*;
            (0..64u32).into_par_iter().for_each(|leaf| _ = tree(7, leaf % 8));
        });
    });
    assert_eq!(tree_memo().computing(), 0);
}

#[test]
fn a_cycle_through_a_channel_ends_at_the_wait_limit() {
    #[memoize(wait_limit = "50ms")]
    fn asking(n: u32) -> u32 {
        if thread::current().name() == Some("asked") {
            return n;
        }
        let (sender, receiver) = mpsc::channel();
        let asked = thread::Builder::new().name("asked".to_owned());
        asked.spawn(move || sender.send(asking(n))).unwrap();
        receiver.recv().unwrap() + 1
    }
    assert_eq!(with_timeout(|| asking(1)), 2);
    assert_eq!(asking_memo().stats().uncached, 1);
}

/// A value that is slow to clone, except on the thread that computes it. It counts how many clones run at once.
struct Slow;

static CLONING: AtomicU32 = AtomicU32::new(0);
static AT_MOST: AtomicU32 = AtomicU32::new(0);

thread_local! {
    static COMPUTES: Cell<bool> = const { Cell::new(false) };
}

impl Clone for Slow {
    fn clone(&self) -> Self {
        if COMPUTES.get() {
            return Self;
        }
        AT_MOST.fetch_max(CLONING.fetch_add(1, Relaxed) + 1, Relaxed);
        // Waits until another thread clones too. If clones never overlap, this times out.
        let begin = Instant::now();
        while AT_MOST.load(Relaxed) < 2 && begin.elapsed() < Duration::from_secs(5) {
            thread::yield_now();
        }
        CLONING.fetch_sub(1, Relaxed);
        Self
    }
}

#[test]
fn waiters_clone_the_value_in_parallel() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memoize]
    fn slow(_n: u32) -> Slow {
        COMPUTES.set(true);
        RUNS.fetch_add(1, Relaxed);
        thread::sleep(A_WHILE);
        Slow
    }
    with_timeout(|| {
        let leader = thread::spawn(|| slow(1));
        wait_until("the leader computes", || RUNS.load(Relaxed) == 1);
        let waiters: Vec<_> = (0..4).map(|_| thread::spawn(|| slow(1))).collect();
        let Slow = leader.join().unwrap();
        waiters.into_iter().for_each(|waiter| _ = waiter.join().unwrap());
    });
    assert!(AT_MOST.load(Relaxed) >= 2, "the clones ran one after the other");
}

#[test]
fn callers_that_get_errors_compute_one_at_a_time() {
    static AT_ONCE: AtomicU32 = AtomicU32::new(0);
    #[memoize]
    fn failing(n: u32) -> Result<u32, String> {
        assert_eq!(AT_ONCE.fetch_add(1, Relaxed), 0, "one at a time");
        thread::sleep(Duration::from_millis(1));
        AT_ONCE.fetch_sub(1, Relaxed);
        Err(n.to_string())
    }
    with_timeout(|| {
        let start = Barrier::new(100);
        thread::scope(|scope| {
            let call = || {
                start.wait();
                assert!(failing(1).is_err());
            };
            (0..100).for_each(|_| _ = scope.spawn(call));
        });
    });
    assert_eq!((failing_memo().stats().misses, failing_memo().computing()), (100, 0));
}

/// A pool causes this when it runs a job that calls the same key on the thread that computes it.
#[test]
fn a_cycle_within_a_cycle_ends() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memoize(wait_limit = "50ms")]
    fn stolen(n: u32) -> u32 {
        let run = RUNS.fetch_add(1, Relaxed);
        if run < 3 { thread::spawn(move || stolen(n)).join().unwrap() } else { n }
    }
    assert_eq!(with_timeout(|| stolen(7)), 7);
    assert_eq!(stolen_memo().computing(), 0);
}

#[test]
fn a_value_computed_by_a_waiter_is_not_given_to_later_callers() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    static GATE: Mutex<()> = Mutex::new(());
    #[memoize(ttl = "20ms", wait_limit = "50ms")]
    fn stuck(n: u32) -> u32 {
        let run = RUNS.fetch_add(1, Relaxed);
        if run == 0 {
            drop(GATE.lock().unwrap());
        }
        n + run
    }
    with_timeout(|| {
        let closed = GATE.lock().unwrap();
        let leader = thread::spawn(|| stuck(0));
        wait_until("the leader computes", || RUNS.load(Relaxed) == 1);
        assert_eq!((stuck(0), stuck(0)), (1, 2));
        drop(closed);
        assert_eq!(leader.join().unwrap(), 0);
    });
}

#[test]
fn an_insertion_whose_weighing_calls_the_function_does_not_wait_for_itself() {
    #[memoize(max_bytes = 1000, weigh = |n| usize::try_from(weighed(*n).min(9)).unwrap(), wait_limit = "1h")]
    fn weighed(n: u32) -> u32 {
        n
    }
    assert!(with_timeout(|| weighed_memo().insert(&weighed_key(7), 7)));
    assert_eq!(weighed_memo().get(&weighed_key(7)), Some(7));
}
