//! `refresh`: a call that computes now, and replaces what is held.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::sync::{Barrier, Mutex};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use memokit::{Source, bypass, memoize, outcome, outcome_async, refresh, refresh_async};

use crate::support::{wait_until, with_timeout};
use crate::tasks::{block_on, pause, poll};

/// Lets a computation wait until the test lets it go on.
struct Gate(AtomicU32);

impl Gate {
    const fn new() -> Self {
        Self(AtomicU32::new(0))
    }

    fn open(&self, up_to: u32) {
        self.0.store(up_to, Relaxed);
    }

    fn pass(&self, run: u32) {
        wait_until("the gate is open", || self.0.load(Relaxed) > run);
    }
}

#[test]
fn a_refresh_replaces_what_is_held() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memoize]
    fn tick(n: u32) -> (u32, u32) {
        (n, RUNS.fetch_add(1, Relaxed))
    }
    #[memoize]
    async fn tick_later(n: u32) -> (u32, u32) {
        pause().await;
        (n, RUNS.fetch_add(1, Relaxed))
    }
    assert_eq!((tick(1), refresh(|| tick(1)), tick(1)), ((1, 0), (1, 1), (1, 1)));
    assert_eq!((refresh(|| tick(2)), tick(2)), ((2, 2), (2, 2)), "nothing was held");
    let later = || tick_later(1);
    assert_eq!((block_on(later()), block_on(refresh_async(later()))), ((1, 3), (1, 4)));
    assert_eq!(block_on(later()), (1, 4));
    let found = outcome(|| refresh(|| tick(1)));
    assert_eq!((*found, found.source()), ((1, 5), Some(Source::Computed)));
    let found = block_on(outcome_async(refresh_async(later())));
    assert_eq!((*found, found.source()), ((1, 6), Some(Source::Computed)));
    let stats = tick_memo().stats();
    assert_eq!((stats.misses, stats.hits, stats.refreshed, stats.entries), (1, 2, 3, 2));
    assert_eq!(bypass(|| refresh(|| tick(1))), (1, 7));
    assert_eq!(tick(1), (1, 5));
}

#[test]
fn only_the_call_itself_is_refreshed() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memoize]
    fn inner(_n: u32) -> u32 {
        RUNS.fetch_add(1, Relaxed)
    }
    #[memoize]
    fn outer(n: u32) -> u32 {
        inner(n) + 100
    }
    #[memoize]
    async fn outer_later(n: u32) -> u32 {
        pause().await;
        inner(n) + 200
    }
    assert_eq!((outer(1), refresh(|| outer(1)), RUNS.load(Relaxed)), (100, 100, 1));
    assert_eq!(block_on(refresh_async(outer_later(1))), 200);
    assert_eq!(refresh(|| (inner(1), inner(1))), (1, 1), "the first of two");
    assert_eq!(inner(1), 1);
    assert_eq!((outer_memo().stats().refreshed, inner_memo().stats().refreshed), (1, 1));
    assert!(catch_unwind(|| refresh(panic_any)).is_err());
    assert_eq!(inner(1), 1, "a refresh that made no call is over");
    fn panic_any() {
        std::panic::resume_unwind(Box::new("on purpose"))
    }
}

#[test]
fn after_an_error_the_older_value_stays_and_the_caller_gets_the_error() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memoize(ttl = "1h", stale = "1h", cache_if = |result| *result != Ok(3))]
    fn tick(_n: u32) -> Result<u32, u32> {
        match RUNS.fetch_add(1, Relaxed) {
            1 => Err(1),
            2 => std::panic::resume_unwind(Box::new("on purpose")),
            run => Ok(run),
        }
    }
    #[memoize(ttl = "1h", stale = "1h")]
    async fn tick_later(n: u32) -> Result<u32, u32> {
        pause().await;
        tick_uncached(n)
    }
    let again = || refresh(|| tick(1));
    assert_eq!((tick(1), again(), tick(1)), (Ok(0), Err(1), Ok(0)));
    assert!(catch_unwind(again).is_err());
    assert_eq!((tick(1), again(), tick(1)), (Ok(0), Ok(3), Ok(0)));
    assert_eq!((again(), tick(1), tick_memo().computing()), (Ok(4), Ok(4), 0));
    let stats = tick_memo().stats();
    assert_eq!((stats.refreshed, stats.stale_if_error, stats.panics), (4, 0, 1));
    RUNS.store(0, Relaxed);
    assert_eq!(block_on(tick_later(1)), Ok(0));
    assert_eq!(block_on(refresh_async(tick_later(1))), Err(1));
    assert_eq!(block_on(tick_later(1)), Ok(0));
}

#[test]
fn a_computation_that_began_before_is_waited_for_and_replaced() {
    static DATA: AtomicU32 = AtomicU32::new(0);
    static RUNS: AtomicU32 = AtomicU32::new(0);
    static AT_ONCE: AtomicU32 = AtomicU32::new(0);
    static GATE: Gate = Gate::new();
    #[memoize]
    fn read(_n: u32) -> u32 {
        assert_eq!(AT_ONCE.fetch_add(1, Relaxed), 0, "one at a time");
        let data = DATA.load(Relaxed);
        GATE.pass(RUNS.fetch_add(1, Relaxed));
        AT_ONCE.fetch_sub(1, Relaxed);
        data
    }
    with_timeout(|| {
        let older = thread::spawn(|| read(1));
        wait_until("the older one has begun", || RUNS.load(Relaxed) == 1);
        DATA.store(7, Relaxed);
        let refreshes: Vec<_> = (0..4).map(|_| thread::spawn(|| refresh(|| read(1)))).collect();
        thread::sleep(Duration::from_millis(20));
        assert_eq!(RUNS.load(Relaxed), 1, "they wait");
        GATE.open(100);
        assert_eq!(older.join().unwrap(), 0);
        for refresh in refreshes {
            assert_eq!(refresh.join().unwrap(), 7);
        }
    });
    assert_eq!((read(1), read_memo().computing()), (7, 0));
    assert!(RUNS.load(Relaxed) <= 5);
}

#[test]
fn refreshes_that_are_asked_for_during_a_computation_share_the_next() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    static DOOR: crate::task_flights::Door = crate::task_flights::Door::closed();
    #[memoize]
    async fn read(_n: u32) -> u32 {
        let run = RUNS.fetch_add(1, Relaxed);
        DOOR.pass().await;
        pause().await;
        run
    }
    let mut older = Box::pin(read(1));
    assert!(poll(older.as_mut()).is_pending());
    let mut refreshes: Vec<_> = (0..10).map(|_| Box::pin(refresh_async(read(1)))).collect();
    for refresh in &mut refreshes {
        assert!(poll(refresh.as_mut()).is_pending());
    }
    DOOR.open();
    assert_eq!(block_on(older), 0);
    for refresh in &mut refreshes {
        assert!(poll(refresh.as_mut()).is_pending(), "one computes, the others have joined it");
    }
    let mut late = Box::pin(refresh_async(read(1)));
    assert!(poll(late.as_mut()).is_pending());
    for refresh in refreshes {
        assert_eq!(with_timeout_of(refresh), 1);
    }
    assert_eq!(with_timeout_of(late), 2, "it came after the second had begun");
    assert_eq!((RUNS.load(Relaxed), read_memo().computing()), (3, 0));
    fn with_timeout_of(future: impl Future<Output = u32> + Send + 'static) -> u32 {
        with_timeout(move || block_on(future))
    }
}

#[test]
fn a_refresh_that_waits_takes_the_lead_of_a_leader_that_fails() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memoize]
    async fn read(_n: u32) -> u32 {
        let run = RUNS.fetch_add(1, Relaxed);
        pause().await;
        run
    }
    let mut older = Box::pin(read(1));
    let mut newer = Box::pin(refresh_async(read(1)));
    assert!(poll(older.as_mut()).is_pending() && poll(newer.as_mut()).is_pending());
    drop(older);
    assert_eq!(with_timeout(move || block_on(newer)), 1);
    // And a call takes that of a refresh.
    let mut newer = Box::pin(refresh_async(read(2)));
    let mut call = Box::pin(read(2));
    assert!(poll(newer.as_mut()).is_pending() && poll(call.as_mut()).is_pending());
    drop(newer);
    assert_eq!(with_timeout(move || block_on(call)), 3);
    assert_eq!(read_memo().computing(), 0);
}

#[test]
fn a_leader_that_is_late_does_not_stop_a_refresh_nor_undo_it() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    static GATE: Gate = Gate::new();
    #[memoize(wait_limit = "20ms")]
    fn read(_n: u32) -> u32 {
        let run = RUNS.fetch_add(1, Relaxed);
        if run == 0 {
            GATE.pass(0);
        }
        run
    }
    with_timeout(|| {
        let late = thread::spawn(|| read(1));
        wait_until("it has begun", || RUNS.load(Relaxed) == 1);
        assert_eq!(refresh(|| read(1)), 1);
        GATE.open(1);
        assert_eq!(late.join().unwrap(), 0);
    });
    assert_eq!((read(1), read_memo().computing()), (1, 0));
}

#[test]
fn within_its_own_computation_a_refresh_computes() {
    thread_local!(static DEPTH: Cell<u32> = const { Cell::new(0) });
    #[memoize]
    fn again(n: u32) -> u32 {
        DEPTH.set(DEPTH.get() + 1);
        if DEPTH.get() < 3 { refresh(|| again(n)) + 1 } else { 0 }
    }
    assert_eq!(with_timeout(|| again(1)), 2);
    assert_eq!(again_memo().get(&again_key(1)), Some(2));
}

#[test]
fn methods_generics_threads_shared_instances_and_spawn_are_refreshed() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    struct Shop(u32);
    impl Shop {
        #[memoize(skip(self))]
        fn price(&self, amount: u32) -> u32 {
            self.0 * amount
        }
    }
    trait Named {
        fn name(&self) -> String;
    }
    impl Named for Shop {
        #[memoize(skip(self), companion = none)]
        fn name(&self) -> String {
            format!("shop {}", self.0)
        }
    }
    #[memoize]
    fn shown<T: ToString + serde::Serialize + 'static>(of: T) -> String {
        format!("{} {}", of.to_string(), RUNS.fetch_add(1, Relaxed))
    }
    #[memoize(key = path.as_ref().to_owned(), instances = "shared")]
    fn load(path: impl AsRef<str>) -> u32 {
        RUNS.fetch_add(1, Relaxed)
    }
    #[memoize(scope = "thread")]
    fn local(n: u32) -> Rc<u32> {
        Rc::new(n + RUNS.fetch_add(1, Relaxed))
    }
    #[memoize(spawn = tokio::spawn)]
    async fn spawned(n: u32) -> u32 {
        pause().await;
        n + RUNS.fetch_add(1, Relaxed)
    }
    assert_eq!((Shop(1).price(2), Shop(5).price(2)), (2, 2));
    assert_eq!((refresh(|| Shop(5).price(2)), Shop(1).price(2)), (10, 10));
    assert_eq!((Shop(1).name(), refresh(|| Shop(5).name())), ("shop 1".into(), "shop 5".into()));
    assert_eq!(Shop(1).name(), "shop 5");
    assert_eq!(
        (shown(1), refresh(|| shown(1)), shown(1)),
        ("1 0".into(), "1 1".into(), "1 1".into())
    );
    assert_eq!((load("a"), refresh(|| load(String::from("a"))), load("a")), (2, 3, 3));
    assert_eq!((*local(0), *refresh(|| local(0)), *local(0)), (4, 5, 5));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        assert_eq!(
            (spawned(0).await, refresh_async(spawned(0)).await, spawned(0).await),
            (6, 7, 7)
        );
        let mut gone = Box::pin(refresh_async(spawned(0)));
        assert_eq!(poll(gone.as_mut()), Poll::Pending);
        drop(gone);
        while spawned_memo().computing() > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(spawned(0).await, 8, "the refresh goes on without its caller");
    });
}

#[test]
fn a_refresh_replaces_what_is_on_disk() {
    static FOLDER: Mutex<Option<tempfile::TempDir>> = Mutex::new(None);
    static RUNS: AtomicU32 = AtomicU32::new(0);
    static FAILS: AtomicBool = AtomicBool::new(false);
    fn folder() -> std::path::PathBuf {
        FOLDER.lock().unwrap().get_or_insert_with(|| tempfile::tempdir().unwrap()).path().into()
    }
    // With room for one in memory, the other is on disk only.
    #[memoize(persist = folder(), max = 1, max_disk = "1MiB")]
    fn tick(_n: u32) -> Result<u32, ()> {
        if FAILS.load(Relaxed) { Err(()) } else { Ok(RUNS.fetch_add(1, Relaxed)) }
    }
    assert_eq!((tick(1), tick(2)), (Ok(0), Ok(1)));
    assert_eq!((refresh(|| tick(1)), tick(2), tick(1)), (Ok(2), Ok(1), Ok(2)));
    FAILS.store(true, Relaxed);
    assert_eq!(tick(2), Ok(1));
    assert_eq!((refresh(|| tick(1)), tick(1)), (Err(()), Ok(2)), "the older value stays on disk");
    let stats = tick_memo().stats();
    assert!(stats.disk_hits >= 3 && stats.persist_errors == 0, "{stats:?}");
}

#[test]
fn threads_that_refresh_at_once_leave_the_newest() {
    static DATA: AtomicU32 = AtomicU32::new(0);
    #[memoize]
    fn read(_n: u32) -> u32 {
        DATA.load(Relaxed)
    }
    let start = Barrier::new(4);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                start.wait();
                for _ in 0..500 {
                    let written = DATA.fetch_add(1, Relaxed) + 1;
                    let refreshed = refresh(|| read(1));
                    assert!(refreshed >= written, "{refreshed} was read before {written}");
                    assert!(read(1) >= written);
                }
            });
        }
    });
    assert_eq!((read(1), read_memo().computing()), (2000, 0));
    let caught = catch_unwind(AssertUnwindSafe(|| refresh(|| read(2))));
    assert_eq!(caught.ok(), Some(2000));
}
