//! What `stats()` counts, and how `report()` prints it.

use std::panic::catch_unwind;
use std::thread::{self, sleep};
use std::time::Duration;

use memokit::{Stats, memoize};

use crate::tasks::{block_on, pause, poll};

/// Returns the counters of calls in a fixed order.
fn counts(stats: &Stats) -> [u64; 10] {
    let Stats { hits, misses, entries, evicted, invalidated, .. } = *stats;
    let Stats { uncached, unkeyable, panics, stale, mismatches, .. } = *stats;
    [hits, misses, entries, evicted, invalidated, uncached, unkeyable, panics, stale, mismatches]
}

#[test]
fn each_call_is_counted_once() {
    #[memoize(max = 3)]
    fn answer(n: u32) -> Result<u32, u32> {
        assert!(n != 13, "on purpose");
        if n == 0 { Err(n) } else { Ok(n) }
    }
    let stats = || counts(&answer_memo().stats());
    assert_eq!(stats(), [0; 10]);
    (1..6).for_each(|n| _ = answer(n));
    assert_eq!(stats(), [0, 5, 3, 2, 0, 0, 0, 0, 0, 0]);
    (3..6).for_each(|n| _ = answer(n));
    assert_eq!(stats(), [3, 5, 3, 2, 0, 0, 0, 0, 0, 0]);
    (0..2).for_each(|_| _ = answer(0));
    assert_eq!(stats(), [3, 7, 3, 2, 0, 2, 0, 0, 0, 0]);
    assert!(catch_unwind(|| answer(13)).is_err());
    assert_eq!(stats(), [3, 8, 3, 2, 0, 2, 0, 1, 0, 0]);
    answer_memo().invalidate(&answer_key(3));
    answer_memo().invalidate(&answer_key(3));
    answer_memo().clear();
    assert_eq!(stats(), [3, 8, 0, 2, 3, 2, 0, 1, 0, 0]);
}

struct OnDrop(fn());

impl Drop for OnDrop {
    fn drop(&mut self) {
        (self.0)();
    }
}

#[test]
fn a_call_during_another_panic_is_not_counted_as_a_panic() {
    #[memoize]
    fn held(n: u32) -> u32 {
        n
    }
    let outcome = catch_unwind(|| {
        let _calls = OnDrop(|| assert_eq!((held(1), held(1)), (1, 1)));
        panic!("on purpose");
    });
    assert!(outcome.is_err());
    assert_eq!(counts(&held_memo().stats()), [1, 1, 1, 0, 0, 0, 0, 0, 0, 0]);
}

#[test]
fn calls_without_a_key_are_counted_once() {
    #[memoize]
    fn held(depth: &[Deep]) -> usize {
        depth.len()
    }
    let deep = (0..400).fold(Deep(vec![]), |inner, _| Deep(vec![inner]));
    let deep = [deep];
    assert_eq!((held(&deep), held(&deep)), (1, 1));
    let stats = held_memo().stats();
    assert_eq!((stats.misses, stats.unkeyable, stats.entries), (2, 2, 0));
}

#[derive(serde::Serialize)]
struct Deep(Vec<Deep>);

#[test]
fn hits_of_many_threads_add_up() {
    #[memoize(max = 10)]
    fn held(n: u32) -> u32 {
        n
    }
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..2000).for_each(|n| _ = held(n % 10)));
        }
    });
    let stats = held_memo().stats();
    assert_eq!((stats.hits, stats.misses), (7990, 10));
    assert!((stats.hit_ratio() - 7990.0 / 8000.0).abs() < 1e-9);
}

#[test]
fn times_measure_the_computation() {
    #[memoize]
    fn slow(n: u32) -> u32 {
        thread::sleep(Duration::from_millis(20));
        n
    }
    let before = slow_memo().stats();
    assert_eq!((before.hit_ratio(), before.mean_compute()), (0.0, Duration::ZERO));
    assert_eq!((before.compute_time, before.time_saved), (Duration::ZERO, Duration::ZERO));
    [1, 2, 1, 1, 1].into_iter().for_each(|n| _ = slow(n));
    let stats = slow_memo().stats();
    assert!(stats.compute_time >= Duration::from_millis(40), "{stats:?}");
    assert!(stats.mean_compute() >= Duration::from_millis(20), "{stats:?}");
    assert!(stats.mean_compute() * 2 <= stats.compute_time + Duration::from_nanos(2), "{stats:?}");
    let saved = stats.mean_compute() * 3;
    assert!(stats.time_saved.abs_diff(saved) < Duration::from_micros(1), "{stats:?}");
    assert!((stats.hit_ratio() - 0.6).abs() < 1e-9);
}

#[test]
fn bytes_grow_with_keys() {
    #[memoize]
    fn len(text: &str) -> usize {
        text.len()
    }
    len("a");
    let short = len_memo().stats().bytes;
    len(&"a".repeat(5000));
    let both = len_memo().stats().bytes;
    assert!(short > 0 && both >= short + 5000, "{short} {both}");
    len_memo().clear();
    assert_eq!(len_memo().stats().bytes, 0);
}

#[memoize(name = "statistics: a rather long name, with a µ in it")]
fn listed(n: u32) -> u32 {
    n
}

#[memoize(name = "statistics: untouched")]
fn untouched(n: u32) -> u32 {
    n
}

#[test]
fn the_report_lists_the_caches_that_were_used() {
    [1, 2, 1].into_iter().for_each(|n| _ = listed(n));
    let report = memokit::report();
    let named =
        |name: &str| report.caches().iter().filter(|stats| stats.name.contains(name)).count();
    assert_eq!((named("a rather long name"), named("statistics: untouched")), (1, 0));
    let names: Vec<&str> = report.caches().iter().map(|stats| stats.name.as_str()).collect();
    assert!(names.is_sorted(), "{names:?}");
    // A call of a companion counts as a use of the cache.
    assert!(untouched_memo().is_empty());
    let report = memokit::report();
    assert!(report.caches().iter().any(|stats| stats.name == "statistics: untouched"));
    assert_eq!(untouched_uncached(1), 1);
}

#[test]
fn the_report_is_an_aligned_table() {
    #[memoize(name = "statistics: table")]
    fn table(n: u32) -> u32 {
        n
    }
    #[memoize(name = "statistics: idle")]
    fn idle(n: u32) -> u32 {
        n
    }
    (0..12).for_each(|n| _ = table(n % 4));
    assert!(idle_memo().is_empty());
    let text = memokit::report().to_string();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("cache "), "{text}");
    let width = lines[0].chars().count();
    // Advice stands in a line below its cache.
    let mut rows = lines.iter().filter(|line| !line.starts_with(' '));
    assert!(rows.all(|line| line.chars().count() == width), "{text}");
    let cells = |name: &str| -> Vec<String> {
        let line = lines.iter().find(|line| line.contains(name)).unwrap();
        line[name.len()..].split_whitespace().map(str::to_owned).collect()
    };
    let headings: Vec<&str> = lines[0].split_whitespace().collect();
    assert_eq!(headings[..7], ["cache", "hits", "misses", "ratio", "entries", "bytes", "evicted"]);
    let cells = |name| cells(name)[..8].join(" ");
    let bytes = table_memo().stats().bytes;
    assert_eq!(cells("statistics: table"), format!("8 4 66.7 % 4 {bytes} B 0"));
    assert_eq!(cells("statistics: idle"), "0 0 0.0 % 0 0 B 0");
}

#[test]
fn stats_print_as_one_row() {
    #[memoize(name = "statistics: row")]
    fn row(n: u32) -> u32 {
        n
    }
    (row(1), row(1)).0.to_string();
    let text = row_memo().stats().to_string();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2);
    assert!(lines[1].starts_with("statistics: row") && lines[1].contains("50.0 %"), "{text}");
}

#[test]
fn stats_and_report_serialize() {
    #[memoize(name = "statistics: json", max = 1)]
    fn json(n: u32) -> u32 {
        n
    }
    [1, 1, 2].into_iter().for_each(|n| _ = json(n));
    let stats = serde_json::to_value(json_memo().stats()).unwrap();
    assert_eq!(stats["name"], "statistics: json");
    assert_eq!(
        (&stats["hits"], &stats["misses"], &stats["evicted"]),
        (&1.into(), &2.into(), &1.into())
    );
    assert_eq!((&stats["last_error"], &stats["discarded"]), (&().into(), &serde_json::json!([])));
    for field in [
        "entries",
        "bytes",
        "expired",
        "invalidated",
        "coalesced",
        "stale",
        "uncached",
        "unkeyable",
        "panics",
        "listener_panics",
        "mismatches",
        "compute_time",
        "recovered_compute_time",
        "time_saved",
        "recovered",
        "persist_errors",
        "log_bytes",
        "last_snapshot",
    ] {
        assert!(stats.get(field).is_some(), "{field}");
    }
    let report = serde_json::to_value(memokit::report()).unwrap();
    let rows = report.as_array().unwrap();
    assert!(rows.iter().any(|row| row["name"] == "statistics: json" && row["hits"] == 1));
}

/// A future that is held for long and dropped, and a panic, say nothing about how long a computation takes.
#[test]
fn computations_that_do_not_return_have_no_time() {
    #[memoize]
    async fn held(n: u32) -> u32 {
        if n == 0 {
            std::future::pending::<()>().await;
        }
        assert!(n < 9, "on purpose");
        n
    }
    {
        let mut dropped = std::pin::pin!(held(0));
        assert!(poll(dropped.as_mut()).is_pending());
        sleep(Duration::from_millis(300));
    }
    assert_eq!(block_on(held(1)), 1);
    assert!(catch_unwind(|| block_on(held(9))).is_err());
    let stats = held_memo().stats();
    assert_eq!((stats.misses, stats.unfinished, stats.panics), (3, 2, 1));
    assert!(stats.mean_compute() < Duration::from_millis(100), "{:?}", stats.mean_compute());
    assert!(stats.compute_time < Duration::from_millis(100), "{:?}", stats.compute_time);
}

/// The time of a computation within another one counts once.
#[test]
fn nested_computations_are_timed_once() {
    const OWN: Duration = Duration::from_millis(5);
    #[memoize]
    fn deep(n: u32) -> u32 {
        sleep(OWN);
        if n == 0 { 0 } else { deep(n - 1) + 1 }
    }
    let begin = std::time::Instant::now();
    assert_eq!((deep(20), deep(20)), (20, 20));
    let (wall, stats) = (begin.elapsed(), deep_memo().stats());
    assert!((OWN * 21..=wall).contains(&stats.compute_time), "{stats:?} in {wall:?}");
    assert!((OWN..=wall / 21).contains(&stats.time_saved), "{stats:?} in {wall:?}");
}

#[test]
fn nested_tasks_are_timed_once() {
    const OWN: Duration = Duration::from_millis(20);
    #[memoize]
    async fn inner(n: u32) -> u32 {
        pause().await;
        sleep(OWN);
        n
    }
    #[memoize]
    async fn outer(n: u32) -> u32 {
        let sum = inner(n).await + inner(n + 1).await;
        pause().await;
        sleep(OWN);
        sum
    }
    let begin = std::time::Instant::now();
    assert_eq!(block_on(outer(1)), 3);
    let wall = begin.elapsed();
    let (inner, outer) = (inner_memo().stats().compute_time, outer_memo().stats().compute_time);
    assert!(inner >= OWN * 2 && outer >= OWN, "{inner:?} {outer:?}");
    assert!(inner + outer <= wall, "{inner:?} and {outer:?} in {wall:?}");
}
