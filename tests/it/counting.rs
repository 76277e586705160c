//! `stats()` against what the callers themselves have seen, and against what the bodies have done.

use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread::{self, sleep};
use std::time::Duration;

use memokit::{Source, Stats, memoize, outcome, outcome_async};

use crate::support::{folder, restarts, wait_until};
use crate::tasks::{block_on, pause};

/// What the callers of one function have seen.
#[derive(Default)]
struct Seen {
    hits: AtomicU64,
    stale: AtomicU64,
    coalesced: AtomicU64,
    computed: AtomicU64,
}

impl Seen {
    fn note(&self, source: Option<Source>) {
        let counter = match source {
            Some(Source::Hit) => &self.hits,
            Some(Source::Stale) => &self.stale,
            Some(Source::Coalesced) => &self.coalesced,
            Some(Source::Computed) => &self.computed,
            other => panic!("{other:?}"),
        };
        counter.fetch_add(1, Relaxed);
    }

    fn assert_counted(&self, stats: &Stats) {
        let [hits, stale, coalesced, computed] =
            [&self.hits, &self.stale, &self.coalesced, &self.computed].map(|n| n.load(Relaxed));
        assert_eq!((stats.hits, stats.misses), (hits + stale + coalesced, computed));
        assert_eq!((stats.stale, stats.coalesced), (stale, coalesced));
        assert_eq!(stats.wait_latency.count(), coalesced);
    }
}

/// Calls `call` from many threads at once, with keys of which some are asked for far more often. The keys of a thread
/// are the same in each run.
fn crowd(calls: u64, call: impl Fn(u32) + Sync) {
    const THREADS: usize = 6;
    let (barrier, call) = (Barrier::new(THREADS), &call);
    thread::scope(|scope| {
        for seed in 1..=THREADS as u64 {
            let barrier = &barrier;
            scope.spawn(move || {
                let mut random = seed;
                barrier.wait();
                for _ in 0..calls {
                    random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    let (wide, narrow) = (random >> 33, (random >> 20) % 8);
                    let key = if wide % 3 == 0 { wide % 300 } else { narrow };
                    call(u32::try_from(key).unwrap());
                }
            });
        }
    });
}

#[test]
fn hits_misses_and_evictions_of_threads_are_exact() {
    static RUNS: AtomicU64 = AtomicU64::new(0);
    #[memoize(max = 60)]
    fn bounded(n: u32) -> u32 {
        RUNS.fetch_add(1, Relaxed);
        if n == 0 {
            thread::yield_now();
        }
        n
    }
    let seen = Seen::default();
    crowd(3000, |n| seen.note(outcome(|| bounded(n)).source()));
    let stats = bounded_memo().stats();
    seen.assert_counted(&stats);
    assert_eq!(stats.misses, RUNS.load(Relaxed));
    // No key is computed while it is in the cache.
    assert_eq!(stats.misses, stats.entries + stats.evicted, "{stats:?}");
    assert_eq!((stats.entries, stats.expired, stats.invalidated), (60, 0, 0));
}

#[test]
fn expiries_and_invalidations_of_threads_are_exact() {
    #[memoize(max = 100, ttl = "5ms")]
    fn short(n: u32) -> u32 {
        n
    }
    let seen = Seen::default();
    let removed = AtomicU64::new(0);
    crowd(3000, |n| {
        seen.note(outcome(|| short(n)).source());
        if n.is_multiple_of(7) {
            removed.fetch_add(u64::from(short_memo().invalidate(&short_key(n))), Relaxed);
        }
        if n == 299 {
            sleep(Duration::from_millis(6));
        }
    });
    wait_until("everything expires", || short_memo().stats().entries == 0);
    let stats = short_memo().stats();
    seen.assert_counted(&stats);
    assert_eq!(stats.invalidated, removed.load(Relaxed));
    // A value whose key was invalidated during its computation is counted as uncached.
    let kept = stats.misses - stats.uncached;
    assert_eq!(kept, stats.evicted + stats.expired + stats.invalidated, "{stats:?}");
    assert!(stats.expired > 0 && stats.invalidated > 0, "{stats:?}");
}

#[test]
fn an_entry_that_is_over_and_then_invalidated_counts_as_expired() {
    #[memoize(ttl = "1ms", stale = "1h")]
    fn brief(n: u32) -> u32 {
        n
    }
    brief(1);
    wait_until("the entry is over", || brief_memo().is_empty());
    assert!(!brief_memo().invalidate(&brief_key(1)));
    let stats = brief_memo().stats();
    assert_eq!((stats.entries, stats.expired, stats.invalidated), (0, 1, 0));
}

#[test]
fn stale_hits_and_entries_that_are_over_are_counted() {
    #[memoize(ttl = "1ms", stale = "1h")]
    fn brief(n: u32) -> u32 {
        n
    }
    #[memoize]
    fn lasting(n: u32) -> u32 {
        n
    }
    (0..10).for_each(|n| _ = brief(n) + lasting(n));
    wait_until("the entries are over", || brief_memo().is_empty());
    let stats = brief_memo().stats();
    assert_eq!((stats.entries, stats.over, stats.expired), (10, 10, 0));
    assert_eq!(lasting_memo().stats().over, 0);
    assert!(memokit::report().to_string().lines().next().unwrap().contains(" over"));
}

#[test]
fn among_many_entries_those_that_are_over_are_estimated() {
    #[memoize(ttl_with = |n| Some(Duration::from_millis(if n % 4 == 0 { 1 } else { 3_600_000 })), stale = "1h")]
    fn mixed(n: u32) -> u32 {
        n
    }
    (0..40_000).for_each(|n| _ = mixed(n));
    wait_until("a quarter is over", || mixed_memo().len() == 30_000);
    let stats = mixed_memo().stats();
    assert_eq!(stats.entries, 40_000);
    // Four times the standard deviation of a sample of 4096.
    assert!(stats.over.abs_diff(10_000) < 40_000 * 27 / 1000, "{}", stats.over);
}

#[test]
fn coalesced_calls_have_the_time_that_they_waited() {
    const WAIT: Duration = Duration::from_millis(30);
    static OPEN: AtomicU64 = AtomicU64::new(0);
    #[memoize]
    fn gated(n: u32) -> u32 {
        wait_until("the gate opens", || OPEN.load(Relaxed) > 0);
        sleep(WAIT);
        n
    }
    let seen = Seen::default();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                OPEN.fetch_add(1, Relaxed);
                seen.note(outcome(|| gated(1)).source());
            });
        }
    });
    let stats = gated_memo().stats();
    seen.assert_counted(&stats);
    assert_eq!(stats.hits + stats.misses, 4);
    let longest = stats.compute_latency.max().unwrap();
    assert!(longest >= WAIT && stats.compute_latency.count() == 1);
    assert!(stats.wait_latency.max().is_none_or(|wait| wait < longest + 1000 * WAIT));
}

#[test]
fn tasks_that_wait_have_their_time_too() {
    #[memoize]
    async fn slow(n: u32) -> u32 {
        pause().await;
        sleep(Duration::from_millis(10));
        pause().await;
        n
    }
    let seen = Seen::default();
    let both = async {
        let mut waiters = std::pin::pin!(outcome_async(slow(1)));
        let mut other = std::pin::pin!(outcome_async(slow(1)));
        let (mut first, mut second) = (None, None);
        std::future::poll_fn(|cx| {
            if first.is_none() {
                first = ready(waiters.as_mut().poll(cx));
            }
            if second.is_none() {
                second = ready(other.as_mut().poll(cx));
            }
            match first.is_some() && second.is_some() {
                true => std::task::Poll::Ready(()),
                false => std::task::Poll::Pending,
            }
        })
        .await;
        [first, second]
    };
    for found in block_on(both).into_iter().flatten() {
        seen.note(found.source());
    }
    let stats = slow_memo().stats();
    seen.assert_counted(&stats);
    assert_eq!((stats.coalesced, stats.misses), (1, 1));
    assert!(stats.wait_latency.max().unwrap() >= Duration::from_millis(9), "{stats:?}");
}

fn ready<T>(polled: std::task::Poll<T>) -> Option<T> {
    match polled {
        std::task::Poll::Ready(value) => Some(value),
        std::task::Poll::Pending => None,
    }
}

#[test]
fn the_time_of_each_long_computation_is_recorded() {
    #[memoize]
    fn slow(n: u64) -> u64 {
        sleep(Duration::from_millis(n));
        n
    }
    [1, 2, 20, 1, 1].into_iter().for_each(|n| _ = slow(n));
    let latency = slow_memo().stats().compute_latency;
    assert_eq!(latency.count(), 3);
    assert!(latency.max().unwrap() >= Duration::from_millis(20));
    assert!(latency.p50().unwrap() >= Duration::from_micros(1760), "{latency:?}");
    assert!(latency.mean().unwrap() * 3 <= latency.sum());
}

#[test]
fn of_many_short_computations_some_are_measured() {
    #[memoize(max = 10)]
    fn short(n: u32) -> u32 {
        n
    }
    (0..20_000).for_each(|n| _ = short(n));
    let stats = short_memo().stats();
    let measured = stats.compute_latency.count();
    assert!((300..=20_000).contains(&measured), "{measured}");
}

#[test]
fn a_cache_that_only_hits_has_no_latency() {
    #[memoize]
    fn held(n: u32) -> u32 {
        n
    }
    held_memo().insert(&held_key(1), 1);
    (0..100).for_each(|_| _ = held(1));
    let stats = held_memo().stats();
    assert_eq!(stats.hits, 100);
    for latency in
        [stats.compute_latency, stats.disk_latency, stats.remote_latency, stats.wait_latency]
    {
        assert_eq!((latency.is_empty(), latency.p99()), (true, None));
    }
}

#[test]
fn since_gives_the_difference_of_counters_and_the_present_gauges() {
    #[memoize(max = 3)]
    fn held(n: u32) -> u32 {
        sleep(Duration::from_millis(2));
        n
    }
    (0..3).for_each(|n| _ = held(n));
    let earlier = held_memo().stats();
    [0, 1, 2, 3, 3].into_iter().for_each(|n| _ = held(n));
    let since = held_memo().stats_since(&earlier);
    assert_eq!((since.hits, since.misses, since.evicted, since.entries), (4, 1, 1, 3));
    assert_eq!(since.compute_latency.count(), 1);
    assert_eq!(since.name, earlier.name);
    assert!(since.is_bounded && since.bytes == earlier.bytes);
    let all = held_memo().stats();
    assert_eq!(since.compute_time, all.compute_time - earlier.compute_time);
    assert_eq!(since.time_saved, all.time_saved);
    let nothing = held_memo().stats_since(&all);
    assert_eq!((nothing.hits, nothing.misses, nothing.entries), (0, 0, 3));
    assert!(nothing.compute_latency.is_empty() && nothing.time_saved.is_zero());
}

#[test]
fn a_hit_on_disk_is_told_from_one_in_memory() {
    #[memoize(persist = folder(), durability = "os")]
    fn stored(n: u32) -> u32 {
        n
    }
    restarts!(|| assert_eq!(outcome(|| stored(1)).source(), Some(Source::Computed)), || {
        let found = outcome(|| stored(1));
        assert_eq!((found.source(), found.was_cached()), (Some(Source::Disk), true));
        assert_eq!(outcome(|| stored(1)).source(), Some(Source::Hit));
        let stats = stored_memo().stats();
        assert_eq!((stats.hits, stats.disk_hits, stats.disk_latency.count()), (2, 1, 1));
        let headings = memokit::report().to_string();
        assert!(headings.lines().next().unwrap().contains("disk hits"), "{headings}");
    },);
}
