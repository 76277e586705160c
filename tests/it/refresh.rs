//! `spawn`: a call that finds an older value returns it, and the next value is computed behind the call.
//!
//! `refresh_ahead = 0.0` makes a value due as soon as it is cached, and a time to live of zero makes it stale.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use memokit::{Source, memoize, outcome, outcome_async};

use crate::support::{wait_until, with_timeout};
use crate::tasks::{block_on, pause};

type Job = Box<dyn FnOnce() + Send>;
type Task = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

/// Spawned jobs that wait until the test runs or drops them.
static JOBS: [Queue<Job>; 8] = [const { Queue(Mutex::new(Vec::new())) }; 8];
static TASKS: [Queue<Task>; 4] = [const { Queue(Mutex::new(Vec::new())) }; 4];

struct Queue<T>(Mutex<Vec<T>>);

impl<T> Queue<T> {
    fn push(&self, job: T) {
        self.0.lock().unwrap().push(job);
    }

    fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    #[track_caller]
    fn only(&self) -> T {
        let mut jobs = std::mem::take(&mut *self.0.lock().unwrap());
        assert_eq!(jobs.len(), 1, "one job is spawned");
        jobs.remove(0)
    }
}

fn at_once(job: impl FnOnce()) {
    job();
}

/// Keeps a refresh for the test, and runs a task for which a caller waits.
fn later(queue: &Queue<Task>, awaited: bool, task: impl Future<Output = ()> + Send + 'static) {
    if awaited {
        block_on(task);
    } else {
        queue.push(Box::pin(task));
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the argument `ttl_with` takes such a function")]
fn ended<T>(_: &T) -> Option<Duration> {
    Some(Duration::ZERO)
}

#[test]
fn a_stale_value_is_returned_and_one_refresh_runs_behind_the_callers() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memoize(ttl = "1h", ttl_with = ended, stale = "1h", spawn = |job| JOBS[0].push(Box::new(job)))]
    fn tick(name: String) -> (String, u32) {
        (name, RUNS.fetch_add(1, Relaxed))
    }
    let call = || tick("a".to_owned());
    let first = outcome(call);
    assert_eq!((first.1, first.source()), (0, Some(Source::Computed)), "there is no older value");
    for _ in 0..3 {
        let found = outcome(call);
        assert_eq!((found.1, found.source()), (0, Some(Source::Stale)));
    }
    assert_eq!((RUNS.load(Relaxed), JOBS[0].len(), tick_memo().computing()), (1, 1, 1));
    JOBS[0].only()();
    assert_eq!((call().1, JOBS[0].len(), tick_memo().computing()), (1, 1, 1));
    let stats = tick_memo().stats();
    assert_eq!((stats.hits, stats.misses, stats.stale, stats.refreshed), (4, 1, 4, 1));
    assert_eq!((stats.hit_ratio(), stats.unfinished, stats.uncached), (0.8, 0, 0));
}

#[test]
fn a_value_that_is_due_is_a_hit_and_a_thread_refreshes_it() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memoize(ttl = "1h", refresh_ahead = 0.0, spawn = thread::spawn, cache_if = |run| *run < 2)]
    fn tick(_n: u32) -> u32 {
        RUNS.fetch_add(1, Relaxed)
    }
    assert_eq!(tick(1), 0);
    let found = outcome(|| tick(1));
    assert_eq!((*found, found.source()), (0, Some(Source::Hit)));
    wait_until("the value is new", || tick_memo().get(&tick_key(1)) == Some(1));
    assert_eq!(tick(1), 1);
    wait_until("the rejected value is counted", || tick_memo().stats().uncached == 1);
    assert_eq!(tick_memo().get(&tick_key(1)), Some(1), "`cache_if` rejects the next one");
}

#[test]
fn a_task_refreshes_behind_a_call_of_an_async_fn() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memoize(ttl = "1h", refresh_ahead = 0.0, spawn = tokio::spawn)]
    async fn tick(name: String) -> Result<u32, String> {
        tokio::task::yield_now().await;
        let _ = name;
        Ok(RUNS.fetch_add(1, Relaxed))
    }
    let call = || tick("a".to_owned());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        assert_eq!(outcome_async(call()).await.source(), Some(Source::Computed));
        let found = outcome_async(call()).await;
        assert_eq!((&*found, found.source()), (&Ok(0), Some(Source::Hit)));
        while tick_memo().computing() > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(RUNS.load(Relaxed), 2);
        assert_eq!(tick_memo().get_ok(&tick_key("a".to_owned())), Some(1));
        // A runtime that shuts down drops its tasks.
        assert_eq!(call().await, Ok(1));
        assert_eq!(tick_memo().computing(), 1);
    });
    drop(runtime);
    assert_eq!((tick_memo().computing(), RUNS.load(Relaxed)), (0, 2));
    let stats = tick_memo().stats();
    assert_eq!((stats.misses, stats.hits, stats.refreshed, stats.unfinished), (1, 2, 2, 1));
}

#[test]
fn after_a_refresh_without_a_value_the_older_one_stays_and_the_next_attempt_waits() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memoize(
        ttl = "1h", ttl_with = ended, stale = "1000h", spawn = |job| JOBS[1].push(Box::new(job)),
        cache_if = |result| *result != Ok(9)
    )]
    fn tick(_n: u32) -> Result<u32, String> {
        match RUNS.fetch_add(1, Relaxed) {
            1 => Err("on purpose".to_owned()),
            2 => std::panic::resume_unwind(Box::new("on purpose")),
            3 => Ok(9),
            run => Ok(run),
        }
    }
    let ends: [fn(Job); 4] = [
        |job| job(),
        |job| assert!(catch_unwind(AssertUnwindSafe(job)).is_err()),
        |job| job(),
        |job| drop(job),
    ];
    assert_eq!(tick(1), Ok(0));
    for end in ends {
        wait_until("an attempt is due", || tick(1) == Ok(0) && JOBS[1].len() == 1);
        end(JOBS[1].only());
        assert_eq!(tick_memo().computing(), 0);
    }
    wait_until("an attempt succeeds", || {
        let jobs = std::mem::take(&mut *JOBS[1].0.lock().unwrap());
        jobs.into_iter().for_each(|job| job());
        tick(1) == Ok(4)
    });
    let stats = tick_memo().stats();
    assert_eq!((stats.misses, stats.refreshed, stats.uncached), (1, 5, 2));
    assert_eq!((stats.unfinished, stats.panics, stats.stale_if_error), (2, 1, 0));
}

#[test]
fn attempts_that_fail_are_few() {
    static DOWN: AtomicBool = AtomicBool::new(false);
    #[memoize(ttl = "1h", ttl_with = ended, stale = "1000h", spawn = at_once)]
    fn failing(n: u32) -> Result<u32, ()> {
        if DOWN.load(Relaxed) { Err(()) } else { Ok(n) }
    }
    #[memoize(ttl = "1h", ttl_with = ended, stale = "1000h", spawn = caught)]
    fn panicking(n: u32) -> u32 {
        if DOWN.load(Relaxed) {
            std::panic::resume_unwind(Box::new("on purpose"));
        }
        n
    }
    #[memoize(ttl = "1h", ttl_with = ended, stale = "1000h", spawn = drop, cache_if = |_| true)]
    async fn dropped(n: u32) -> u32 {
        n
    }
    fn caught(job: impl FnOnce()) {
        assert!(catch_unwind(AssertUnwindSafe(job)).is_err());
    }
    let calls: [fn() -> u32; 3] =
        [|| failing(1).unwrap(), || panicking(1), || block_on(dropped(1))];
    assert!(calls.iter().all(|call| call() == 1));
    DOWN.store(true, Relaxed);
    let began = Instant::now();
    for _ in 0..1000 {
        assert!(calls.iter().all(|call| call() == 1));
    }
    let most = 2 + began.elapsed().as_millis() / 100;
    for memo in [failing_memo().stats(), panicking_memo().stats(), dropped_memo().stats()] {
        let attempts = memo.refreshed;
        assert!(attempts >= 1 && u128::from(attempts) <= most, "{}: {attempts}", memo.name);
    }
}

#[test]
fn a_panic_of_the_spawner_reaches_its_caller_and_gives_up_the_claim() {
    fn refuse<T>(_: T) {
        std::panic::resume_unwind(Box::new("no thread"));
    }
    #[memoize(ttl = "1h", refresh_ahead = 0.0, spawn = refuse)]
    fn tick(n: u32) -> u32 {
        n
    }
    #[memoize(ttl = "1h", refresh_ahead = 0.0, spawn = refuse)]
    async fn tick_later(n: u32) -> u32 {
        pause().await;
        n
    }
    assert_eq!((tick(1), block_on(tick_later(1))), (1, 1));
    assert!(catch_unwind(|| tick(1)).is_err() && catch_unwind(|| block_on(tick_later(1))).is_err());
    assert_eq!((tick_memo().computing(), tick_later_memo().computing()), (0, 0));
    assert_eq!((tick_memo().len(), tick_later_memo().len()), (1, 1));
}

#[test]
fn a_removal_during_a_refresh_keeps_its_value_out() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memoize(ttl = "1h", refresh_ahead = 0.0, spawn = |job| JOBS[2].push(Box::new(job)))]
    fn tick(_n: u32) -> u32 {
        RUNS.fetch_add(1, Relaxed)
    }
    #[memoize(
        ttl = "1h", refresh_ahead = 0.0,
        spawn = |task| later(&TASKS[0], tick_later_memo().is_empty(), task)
    )]
    async fn tick_later(_n: u32) -> u32 {
        pause().await;
        RUNS.fetch_add(1, Relaxed)
    }
    let removals: [fn(); 3] = [
        || {
            assert!(tick_memo().invalidate(&tick_key(1)));
            assert!(tick_later_memo().invalidate(&tick_later_key(1)));
        },
        || _ = (tick_memo().clear(), tick_later_memo().clear()),
        || _ = (tick_memo().retain(|_, _| false), tick_later_memo().retain(|_, _| false)),
    ];
    for remove in removals {
        let first = (tick(1), block_on(tick_later(1)));
        assert_eq!((tick(1), block_on(tick_later(1))), first);
        remove();
        JOBS[2].only()();
        block_on(TASKS[0].only());
        assert_eq!((tick_memo().len(), tick_later_memo().len()), (0, 0));
    }
    let stats = tick_memo().stats();
    assert_eq!((stats.refreshed, stats.uncached, tick_memo().computing()), (3, 3, 0));
}

#[test]
fn callers_that_find_no_older_value_wait_for_the_refresh() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memoize(max = 1, ttl = "1h", refresh_ahead = 0.0, spawn = |job| JOBS[3].push(Box::new(job)))]
    fn tick(_n: u32) -> u32 {
        RUNS.fetch_add(1, Relaxed)
    }
    assert_eq!((tick(1), tick(1)), (0, 0));
    assert_eq!(tick(2), 1, "this evicts the older value");
    let waiting = thread::spawn(|| tick(1));
    JOBS[3].only()();
    assert_eq!(waiting.join().unwrap(), 2);
}

#[test]
fn a_refresh_that_is_dropped_passes_the_lead_to_a_waiter() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memoize(
        max = 1, ttl = "1h", refresh_ahead = 0.0,
        spawn = |task| later(&TASKS[1], RUNS.load(Relaxed) != 1 || TASKS[1].len() == 1, task)
    )]
    async fn tick(_n: u32) -> u32 {
        pause().await;
        RUNS.fetch_add(1, Relaxed)
    }
    assert_eq!((block_on(tick(1)), block_on(tick(1))), (0, 0));
    assert_eq!(block_on(tick(2)), 1, "this evicts the older value");
    let value = with_timeout(|| {
        let mut waiting = Box::pin(tick(1));
        assert!(crate::tasks::poll(waiting.as_mut()).is_pending());
        drop(TASKS[1].only());
        block_on(waiting)
    });
    assert_eq!((value, tick_memo().computing()), (2, 0));
}

#[test]
fn a_refresh_is_not_nested_in_the_computation_that_began_it() {
    // `outer` computes, and its call of `inner` begins a refresh of `inner`, which calls `outer`. Nested, that would be
    // a call from within its own computation, which is not cached. On another stack it waits for `outer`.
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memoize]
    fn outer(n: u32) -> u32 {
        if n == 0 { 0 } else { inner(1) + 10 }
    }
    #[memoize(ttl = "1h", refresh_ahead = 0.0, spawn = thread::spawn)]
    fn inner(_n: u32) -> u32 {
        let run = RUNS.fetch_add(1, Relaxed);
        if run == 1 { outer(1) } else { run }
    }
    assert_eq!(inner(1), 0);
    assert_eq!(outer(1), 10);
    wait_until("the refresh ends", || inner_memo().get(&inner_key(1)) == Some(10));
    assert_eq!((outer_memo().stats().misses, outer_memo().stats().uncached), (1, 0));
}

#[test]
fn a_refresh_that_the_spawner_runs_at_once_is_not_the_callers() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memoize]
    fn helper(n: u32) -> u32 {
        n
    }
    #[memoize(ttl = "1h", ttl_with = ended, stale = "1h", spawn = at_once)]
    fn tick(_n: u32) -> u32 {
        helper(RUNS.fetch_add(1, Relaxed))
    }
    assert_eq!(tick(1), 0);
    let found = outcome(|| tick(1));
    assert_eq!((*found, found.source()), (0, Some(Source::Stale)));
    assert_eq!(tick(1), 1);
}

#[test]
fn methods_patterns_generics_and_bodies_with_statics_refresh() {
    struct Shop(u32);
    impl Shop {
        #[memoize(skip(self), ttl = "1h", refresh_ahead = 0.0, spawn = |job| JOBS[4].push(Box::new(job)))]
        fn price(self: Arc<Self>, (amount, _): (u32, u8), mut more: u32) -> u32 {
            more += 1;
            self.0 * amount + more
        }

        #[memoize(
            skip(self), ttl = "1h", refresh_ahead = 0.0,
            spawn = |task| later(&TASKS[2], Self::later_memo().is_empty(), task)
        )]
        async fn later(self: Arc<Self>, amount: u32) -> u32 {
            pause().await;
            self.0 * amount
        }
    }
    #[memoize(ttl = "1h", refresh_ahead = 0.0, key = text.clone(), spawn = |job| JOBS[5].push(Box::new(job)))]
    fn counted<T: ToString + Send + 'static>(text: String, of: T) -> String {
        static RUNS: AtomicU32 = AtomicU32::new(0);
        format!("{text} {} {}", of.to_string(), RUNS.fetch_add(1, Relaxed))
    }
    let price = |price| Arc::new(Shop(price)).price((2, 0), 0);
    assert_eq!((price(1), price(5)), (3, 3));
    JOBS[4].only()();
    assert_eq!(price(0), 11, "the refresh has the arguments of its call");
    let later = |price| block_on(Arc::new(Shop(price)).later(2));
    assert_eq!((later(1), later(5)), (2, 2));
    block_on(TASKS[2].only());
    assert_eq!(later(0), 10);
    assert_eq!((counted("a".into(), 1), counted("a".into(), 2)), ("a 1 0".into(), "a 1 0".into()));
    JOBS[5].only()();
    assert_eq!(counted("a".into(), 3), "a 2 1");
}

#[test]
fn a_refreshed_value_is_stored_also_under_verify() {
    static FOLDER: Mutex<Option<tempfile::TempDir>> = Mutex::new(None);
    static RUNS: AtomicU32 = AtomicU32::new(0);
    fn folder() -> std::path::PathBuf {
        FOLDER.lock().unwrap().get_or_insert_with(|| tempfile::tempdir().unwrap()).path().into()
    }
    #[memoize(
        ttl = "1h", refresh_ahead = 0.0, persist = folder(), verify = 0.0,
        spawn = |job| JOBS[6].push(Box::new(job))
    )]
    fn tick(_n: u32) -> u32 {
        RUNS.fetch_add(1, Relaxed)
    }
    assert_eq!((tick(1), tick(1)), (0, 0));
    tick_memo().flush().unwrap();
    let before = tick_memo().stats().log_bytes;
    JOBS[6].only()();
    tick_memo().flush().unwrap();
    assert!(tick_memo().stats().log_bytes > before);
    assert_eq!((tick(1), tick_memo().stats().persist_errors), (1, 0));
}
