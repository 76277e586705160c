//! `stale` and `refresh_ahead`: one caller recomputes while the others get the old value.

use std::panic::catch_unwind;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::sync::{LazyLock, Mutex, mpsc};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use memokit::{Explanation, clock, isolated, memoize};
use tempfile::TempDir;

use crate::support::{wait_until, with_timeout};
use crate::tasks::{block_on, pause, poll};

/// Longer than the tick of the clock and the times to live in these tests.
const BEYOND: Duration = Duration::from_millis(80);

#[test]
fn one_caller_recomputes_and_the_others_get_the_old_value() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    static GATE: Mutex<Option<mpsc::Receiver<()>>> = Mutex::new(None);
    #[memoize(ttl = "30ms", stale = "1h")]
    fn tick(_n: u32) -> u32 {
        let run = RUNS.fetch_add(1, Relaxed);
        if let Some(gate) = GATE.lock().unwrap().take() {
            let _ = gate.recv();
        }
        run
    }
    assert_eq!(tick(1), 0);
    sleep(BEYOND);
    let (open, gate) = mpsc::channel();
    *GATE.lock().unwrap() = Some(gate);
    let computing = thread::spawn(|| tick(1));
    wait_until("the leader computes", || RUNS.load(Relaxed) == 2);
    with_timeout(|| (0..50).for_each(|_| assert_eq!(tick(1), 0)));
    assert_eq!(tick_memo().get(&tick_key(1)), None, "the value is no longer fresh");
    drop(open);
    assert_eq!(computing.join().unwrap(), 1, "the leader gets the new value");
    let stats = tick_memo().stats();
    assert_eq!((stats.stale, stats.hits, stats.misses), (50, 50, 2));
    assert_eq!((RUNS.load(Relaxed), tick_memo().computing()), (2, 0));
}

#[test]
fn a_failure_reaches_only_its_caller_and_the_old_value_stays() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memoize(ttl = "30ms", stale = "1h", stale_if_error = false)]
    fn tick(n: u32) -> Result<u32, String> {
        let run = RUNS.fetch_add(1, Relaxed);
        if run > 0 {
            // Other callers get the old value in the meantime.
            assert_eq!(with_timeout(move || tick(n)), Ok(0));
            assert!(run > 1, "on purpose");
            return Err("on purpose".to_owned());
        }
        Ok(run)
    }
    assert_eq!(tick(1), Ok(0));
    sleep(BEYOND);
    assert!(catch_unwind(|| tick(1)).is_err());
    for _ in 0..3 {
        assert!(tick(1).is_err());
    }
    let stats = tick_memo().stats();
    assert_eq!((stats.stale, stats.misses, stats.uncached, stats.panics), (4, 5, 3, 1));
}

#[test]
fn while_the_source_is_down_callers_get_the_old_value_and_few_ask_the_source() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    static DOWN: AtomicBool = AtomicBool::new(false);
    fn ask() -> Result<u32, String> {
        let run = RUNS.fetch_add(1, Relaxed);
        if DOWN.load(Relaxed) { Err("down".to_owned()) } else { Ok(run) }
    }
    #[memoize(ttl = "30ms", stale = "1h")]
    fn price(_n: u32) -> Result<u32, String> {
        ask()
    }
    #[memoize(ttl = "30ms", stale = "1h", cache_if = |price| price.is_ok())]
    async fn price_later(_n: u32) -> Result<u32, String> {
        pause().await;
        ask()
    }
    #[memoize(ttl = "1h", refresh_ahead = 0.0)]
    fn refreshed(_n: u32) -> Result<u32, String> {
        ask()
    }
    let calls: [fn() -> Result<u32, String>; 3] =
        [|| price(1), || block_on(price_later(1)), || refreshed(1)];
    for call in calls {
        RUNS.store(0, Relaxed);
        DOWN.store(false, Relaxed);
        assert_eq!(call(), Ok(0));
        sleep(BEYOND);
        DOWN.store(true, Relaxed);
        let began = Instant::now();
        for _ in 0..1000 {
            assert_eq!(call(), Ok(0));
        }
        let attempts = RUNS.load(Relaxed) - 1;
        let most = 2 + began.elapsed().as_millis() / 100;
        assert!(attempts >= 1 && u128::from(attempts) <= most, "{attempts} attempts");
        DOWN.store(false, Relaxed);
        wait_until("an attempt succeeds", || call().unwrap() > 0);
    }
    let stats = price_memo().stats();
    assert!(stats.stale_if_error >= 1 && stats.stale_if_error == stats.uncached);
    assert_eq!(stats.misses, stats.uncached + 2);
    assert!(price_later_memo().stats().stale_if_error >= 1);
    assert!(refreshed_memo().stats().stale_if_error >= 1);
}

#[test]
fn a_share_of_the_longest_time_to_live_is_a_time() {
    #[memoize(ttl = Duration::MAX, refresh_ahead = 1e-300)]
    fn lasting(n: u32) -> u32 {
        n
    }
    assert_eq!((lasting(1), lasting(1)), (1, 1));
}

#[test]
fn an_error_is_returned_when_the_old_value_may_not_be_served() {
    static DOWN: AtomicBool = AtomicBool::new(false);
    fn ask(n: u32) -> Result<u32, String> {
        if DOWN.load(Relaxed) { Err("down".to_owned()) } else { Ok(n) }
    }
    #[memoize(ttl = "30ms", stale = "30ms")]
    fn brief(n: u32) -> Result<u32, String> {
        ask(n)
    }
    #[memoize(ttl = "30ms", stale = "1h", stale_if_error = false)]
    fn strict(n: u32) -> Result<u32, String> {
        ask(n)
    }
    #[memoize(ttl = "30ms", stale = "1h")]
    fn removed(n: u32) -> Result<u32, String> {
        ask(n)
    }
    assert_eq!((brief(1), strict(1), removed(1)), (Ok(1), Ok(1), Ok(1)));
    sleep(BEYOND);
    DOWN.store(true, Relaxed);
    assert!(removed_memo().invalidate(&removed_key(1)) || removed_memo().stats().entries == 0);
    assert!(brief(1).is_err() && strict(1).is_err() && removed(1).is_err());
    assert!(brief(1).is_err() && strict(1).is_err() && removed(1).is_err());
    assert_eq!(strict_memo().stats().stale_if_error, 0);
}

#[test]
fn a_stale_value_is_not_served_after_its_time() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memoize(ttl = "20ms", stale = "20ms")]
    fn tick(n: u32) -> u32 {
        let run = RUNS.fetch_add(1, Relaxed);
        if run == 1 {
            // The stale time ends here. Other callers wait, as on any miss.
            sleep(Duration::from_millis(120));
        }
        n + run
    }
    assert_eq!(tick(10), 10);
    sleep(Duration::from_millis(120));
    let computing = thread::spawn(|| tick(10));
    wait_until("the leader computes", || RUNS.load(Relaxed) == 2);
    let served = with_timeout(|| tick(10));
    assert_eq!((served, computing.join().unwrap()), (11, 11));
    assert_eq!(tick_memo().stats().stale, 0);
}

#[test]
fn a_stale_entry_keeps_its_place_until_its_time_ends() {
    #[memoize(ttl = "20ms", stale = "1h", max = 1000)]
    fn held(n: u32) -> u32 {
        n
    }
    #[memoize(ttl = "20ms", stale = "20ms", max = 1000)]
    fn gone(n: u32) -> u32 {
        n
    }
    (0..200).for_each(|n| _ = held(n) + gone(n));
    sleep(BEYOND);
    assert_eq!((held_memo().len(), gone_memo().len()), (0, 0));
    (200..800).for_each(|n| _ = held(n) + gone(n));
    assert_eq!(held_memo().stats().expired, 0);
    assert!(gone_memo().stats().expired > 0);
}

/// That somebody is gone is an answer, and that the source is down is none.
#[test]
fn an_error_that_is_kept_replaces_the_older_value_and_another_gives_way_to_it() {
    static ANSWER: Mutex<Result<u32, &str>> = Mutex::new(Ok(7));
    #[memoize(ttl = "1m", stale = "1h", cache_err = "10s", cache_if = |found| *found != Err("down"))]
    fn user(_id: u32) -> Result<u32, &'static str> {
        *ANSWER.lock().unwrap()
    }
    let minutes = |count: u64| clock::advance(Duration::from_secs(60 * count));
    let _isolated = isolated();
    clock::pause();
    assert_eq!(user(1), Ok(7));
    minutes(2);
    *ANSWER.lock().unwrap() = Err("down");
    assert_eq!((user(1), user(2)), (Ok(7), Err("down")));
    assert_eq!(user_memo().stats().stale_if_error, 1);
    minutes(10);
    *ANSWER.lock().unwrap() = Err("gone");
    assert_eq!(user(1), Err("gone"));
    *ANSWER.lock().unwrap() = Ok(8);
    assert_eq!(user(1), Err("gone"));
    minutes(1);
    assert_eq!(user(1), Ok(8));
}

#[test]
fn errors_are_neither_served_stale_nor_refreshed_ahead() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memoize(ttl = "1h", stale = "1h", cache_err = "20ms", refresh_ahead = 0.1)]
    fn failing(n: u32) -> Result<u32, u32> {
        let run = RUNS.fetch_add(1, Relaxed);
        if run > 0 {
            return Ok(with_timeout(move || failing_memo().get(&failing_key(n))).map_or(0, |_| 1));
        }
        Err(run)
    }
    let begin = Instant::now();
    assert_eq!(failing(1), Err(0));
    let again = failing(1);
    assert!(again == Err(0) || begin.elapsed() > Duration::from_millis(15), "{again:?}");
    sleep(BEYOND);
    assert_eq!(failing(1), Ok(0));
}

#[test]
fn refresh_ahead_recomputes_from_its_share_of_the_ttl_on() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    static GATE: Mutex<Option<mpsc::Receiver<()>>> = Mutex::new(None);
    #[memoize(ttl = "1h", refresh_ahead = 0.00001)]
    fn tick(_n: u32) -> u32 {
        let run = RUNS.fetch_add(1, Relaxed);
        if let Some(gate) = GATE.lock().unwrap().take() {
            let _ = gate.recv();
        }
        run
    }
    // A hundred-thousandth of an hour is 36 ms.
    assert_eq!(tick(1), 0);
    sleep(BEYOND);
    assert_eq!(tick_memo().get(&tick_key(1)), Some(0));
    let (open, gate) = mpsc::channel();
    *GATE.lock().unwrap() = Some(gate);
    let computing = thread::spawn(|| tick(1));
    wait_until("the leader computes", || RUNS.load(Relaxed) == 2);
    with_timeout(|| (0..50).for_each(|_| assert_eq!(tick(1), 0)));
    drop(open);
    assert_eq!(computing.join().unwrap(), 1);
    let stats = tick_memo().stats();
    assert_eq!((stats.stale, stats.hits, stats.misses), (0, 50, 2));
}

/// Whether that is shorter or longer than `ttl`, and if there is no `ttl`.
#[test]
fn refresh_ahead_is_a_share_of_the_time_to_live_of_each_value() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    fn run(seconds: u64) -> u64 {
        RUNS.fetch_add(1, Relaxed);
        seconds
    }
    #[memoize(ttl = "5m", ttl_with = |s: &u64| Some(Duration::from_secs(*s)), refresh_ahead = 0.8)]
    fn usual(seconds: u64) -> u64 {
        run(seconds)
    }
    #[memoize(ttl_with = |s: &u64| Some(Duration::from_secs(*s)), refresh_ahead = 0.8)]
    fn own(seconds: u64) -> u64 {
        run(seconds)
    }
    let _isolated = isolated();
    clock::pause();
    for call in [usual, own] {
        for seconds in [10, 60, 61, 200, 300, 3600] {
            let share = |percent: u64| Duration::from_millis(seconds * 10 * percent);
            let runs = || {
                let before = RUNS.load(Relaxed);
                call(seconds);
                RUNS.load(Relaxed) - before
            };
            assert_eq!((runs(), runs()), (1, 0), "{seconds} s");
            clock::advance(share(78));
            assert_eq!(runs(), 0, "{seconds} s");
            clock::advance(share(4));
            assert_eq!((runs(), runs()), (1, 0), "{seconds} s");
        }
    }
}

#[test]
fn refresh_ahead_does_nothing_before_its_share_of_the_ttl() {
    #[memoize(ttl = "1h", refresh_ahead = 0.8, stale = "1h")]
    fn held(n: u32) -> u32 {
        n
    }
    (0..100).for_each(|_| _ = held(1));
    assert_eq!((held_memo().stats().hits, held_memo().stats().misses), (99, 1));
    held_memo().set_ttl(Some(Duration::from_millis(20)));
    held(2);
    held_memo().set_ttl(None);
    sleep(BEYOND);
    held(2);
    (0..100).for_each(|_| _ = held(2));
    assert_eq!((held_memo().stats().hits, held_memo().stats().misses), (199, 3));
}

#[test]
fn a_task_recomputes_without_a_background_task() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memoize(ttl = "30ms", stale = "1h")]
    async fn tick(_n: u32) -> u32 {
        let run = RUNS.fetch_add(1, Relaxed);
        pause().await;
        run
    }
    assert_eq!(block_on(tick(1)), 0);
    sleep(BEYOND);
    let mut computing = Box::pin(tick(1));
    assert!(poll(computing.as_mut()).is_pending());
    (0..10).for_each(|_| assert_eq!(with_timeout(|| block_on(tick(1))), 0));
    // After the leader is dropped, the next caller computes.
    drop(computing);
    let begin = Instant::now();
    assert_eq!(block_on(tick(1)), 2);
    let again = block_on(tick(1));
    assert!(again == 2 || begin.elapsed() > Duration::from_millis(25), "{again}");
    assert_eq!((tick_memo().stats().stale, tick_memo().computing()), (10, 0));
}

#[test]
fn a_key_invalidated_during_a_refresh_keeps_neither_value() {
    #[memoize(ttl = "30ms", stale = "1h")]
    async fn tick(n: u32) -> u32 {
        pause().await;
        n
    }
    assert_eq!(block_on(tick(1)), 1);
    sleep(BEYOND);
    let mut computing = Box::pin(tick(1));
    assert!(poll(computing.as_mut()).is_pending());
    assert_eq!(block_on(tick(1)), 1);
    tick_memo().invalidate(&tick_key(1));
    assert_eq!(block_on(computing), 1);
    assert_eq!((tick_memo().len(), tick_memo().stats().misses), (0, 2));
    assert_eq!(block_on(tick(1)), 1);
    assert_eq!(tick_memo().stats().misses, 3);
}

#[test]
fn an_entry_that_expires_before_its_refresh_is_not_recomputed() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memoize(ttl = "1h", ttl_with = |_| Some(Duration::from_secs(60)), refresh_ahead = 0.8)]
    fn short(n: u32) -> u32 {
        RUNS.fetch_add(1, Relaxed);
        n
    }
    (0..10).for_each(|_| _ = short(1));
    assert_eq!(RUNS.load(Relaxed), 1);
}

static ROOT: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().unwrap());

#[test]
fn what_memory_has_evicted_is_served_from_disk_while_the_source_is_down() {
    static DOWN: AtomicBool = AtomicBool::new(false);
    fn ask(n: u32) -> Result<u32, String> {
        if DOWN.load(Relaxed) { Err("down".to_owned()) } else { Ok(n) }
    }
    #[memoize(ttl = "30ms", stale = "1h", max = 2, shards = 1,
        persist = ROOT.path(), max_disk = "1MiB")]
    fn price(n: u32) -> Result<u32, String> {
        ask(n)
    }
    #[memoize(ttl = "30ms", stale = "1h", cache_err = "30ms", max = 2, shards = 1,
        persist = ROOT.path(), max_disk = "1MiB")]
    fn answer(n: u32) -> Result<u32, String> {
        ask(n)
    }
    (0..5).for_each(|n| assert_eq!(price(n), Ok(n)));
    DOWN.store(true, Relaxed);
    (0..5).for_each(|n| assert!(answer(n).is_err()));
    sleep(BEYOND);
    DOWN.store(false, Relaxed);
    (0..5).for_each(|n| assert_eq!(answer(n), Ok(n), "an error is not served stale"));
    DOWN.store(true, Relaxed);
    for n in 0..5 {
        let explained = price_memo().explain(&price_key(n));
        assert!(matches!(explained, Explanation::Over { stale_for: Some(_), .. }), "{explained}");
        assert_eq!(price(n), Ok(n));
    }
    let stats = price_memo().stats();
    assert_eq!((stats.stale_if_error, stats.entries, stats.misses), (5, 2, 10));
}

#[test]
fn what_is_on_disk_alone_is_served_at_once_while_a_thread_computes() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memoize(ttl = "30ms", stale = "1h", spawn = thread::spawn, max = 2, shards = 1,
        persist = ROOT.path(), max_disk = "1MiB")]
    fn tick(_n: u32) -> u32 {
        RUNS.fetch_add(1, Relaxed)
    }
    (0..5).for_each(|n| assert_eq!(tick(n), n));
    sleep(BEYOND);
    assert_eq!(tick(0), 0, "the older value");
    wait_until("the thread has computed", || tick(0) == 5);
    assert!(tick_memo().stats().refreshed >= 1);
}

#[test]
fn retain_judges_what_would_be_served_stale() {
    static DOWN: AtomicBool = AtomicBool::new(false);
    #[memoize(ttl = "30ms", stale = "1h")]
    fn price(n: u32) -> Result<u32, String> {
        if DOWN.load(Relaxed) { Err("down".to_owned()) } else { Ok(n) }
    }
    (0..2).for_each(|n| assert_eq!(price(n), Ok(n)));
    sleep(BEYOND);
    DOWN.store(true, Relaxed);
    price_memo().retain_ok(|_, price| *price == 1);
    assert_eq!((price(0), price(1)), (Err("down".to_owned()), Ok(1)));
}
