//! Tests that results bring with them what they cost to compute.

use super::*;
use crate::epoch::participant::pin;
use crate::function::computation::Computation;

const COST: Duration = Duration::from_secs(12);

/// Returns the cache of a process that has recovered what `folder` holds.
fn start(folder: &TestDirectory) -> Process {
    let function = folder.function();
    assert!(function.recover());
    Process(Some(function))
}

fn store(function: &FunctionCache<Numbers>, n: u32, made: Made) {
    let key = key(n);
    let bytes = key.bytes().unwrap();
    let claim = function.memory.take_over(function.hash_key(bytes).unwrap(), bytes, None);
    assert!(function.complete(claim, &n, made, since(function), None).kept);
}

/// Counts hits and returns the statistics.
fn stats_after_hits(function: &FunctionCache<Numbers>, hits: u32) -> Stats {
    (0..hits).for_each(|_| function.memory.calls.hit(&pin()));
    function.stats()
}

/// Checks that `time` is `expected`, apart from the rounding of a recorded time.
#[track_caller]
fn assert_near(time: Duration, expected: Duration) {
    assert!(time.abs_diff(expected) * 9 <= expected, "{time:?} instead of {expected:?}");
}

#[test]
fn hits_on_recovered_results_save_what_these_cost() {
    let folder = TestDirectory::new("costs");
    {
        let first = start(&folder);
        store(&first, 1, Made::Computed(Some(COST)));
        store(&first, 2, Made::Computed(Some(COST / 3)));
        store(&first, 3, Made::Computed(None));
        store(&first, 4, Made::Inserted);
    }
    // Entries in memory have no cost, so a snapshot has the mean. Reading it again changes nothing.
    let mut means = Vec::new();
    for _ in 0..3 {
        let process = start(&folder);
        let stats = stats_after_hits(&process, 3);
        assert_eq!((stats.recovered, stats.compute_time), (4, Duration::ZERO));
        assert_near(stats.mean_compute(), COST * 2 / 3);
        assert_near(stats.recovered_compute_time, COST * 8 / 3);
        assert_eq!(stats.time_saved, stats.mean_compute() * 3);
        means.push(stats.mean_compute());
        process.snapshot().unwrap();
    }
    assert_eq!(means[1], means[2]);
}

#[test]
fn computations_here_and_elsewhere_have_one_mean() {
    let folder = TestDirectory::new("costs-mean");
    store(&start(&folder), 1, Made::Computed(Some(COST)));
    let process = start(&folder);
    let recovered = process.stats().recovered_compute_time;
    let own = Duration::from_secs(3);
    let nanos = u64::try_from(own.as_nanos()).unwrap();
    (0..2).for_each(|_| process.memory.calls.miss(&pin(), nanos, nanos));
    let stats = stats_after_hits(&process, 5);
    assert_eq!((stats.compute_time, stats.recovered_compute_time), (own * 2, recovered));
    assert_eq!(stats.mean_compute(), (own * 2 + recovered) / 3);
    assert_eq!(stats.time_saved, stats.mean_compute() * 5);
}

#[test]
fn results_of_a_directory_that_opens_late_bring_their_cost() {
    let folder = TestDirectory::new("costs-late");
    store(&start(&folder), 1, Made::Computed(Some(COST)));
    let function = folder.function();
    function.try_init().unwrap();
    let stats = stats_after_hits(&function, 2);
    assert_eq!(stats.recovered, 1);
    assert_near(stats.time_saved, COST * 2);
}

#[test]
fn unknown_costs_save_nothing() {
    let folder = TestDirectory::new("costs-unknown");
    folder.fill(0);
    let process = start(&folder);
    let stats = stats_after_hits(&process, 2);
    assert_eq!((stats.recovered, stats.time_saved), (2, Duration::ZERO));
    process.memory.calls.miss(&pin(), 10, 10);
    assert_eq!(process.stats().mean_compute(), Duration::from_nanos(10));
}

/// An expired result says how long to wait too. It counts until a snapshot leaves it out.
#[test]
fn a_waiter_waits_for_what_took_long_in_another_run() {
    let folder = TestDirectory::new("costs-wait");
    {
        let first = process(&folder, 0);
        assert_eq!(first.wait_limit(), Duration::from_secs(10));
        store(&first, 1, Made::Computed(Some(COST)));
    }
    let second = process(&folder, 2 * HOUR);
    assert_eq!((second.stats().recovered, found(&second, 1)), (1, None));
    assert_near(second.wait_limit(), COST * 4);
    assert_near(second.thread_wait_limit(), COST * 4);
    let nanos = 2_000_000_000;
    second.memory.calls.miss(&pin(), nanos, nanos);
    assert_eq!(second.wait_limit(), Duration::from_secs(8));
    clock::steps::set(0);
}

/// A recorded time leaves out the computations within, so it cannot tell that the wait may be shorter.
#[test]
fn a_short_cost_does_not_shorten_the_wait() {
    let folder = TestDirectory::new("costs-short");
    store(&start(&folder), 1, Made::Computed(Some(Duration::from_millis(1))));
    assert_eq!(start(&folder).wait_limit(), Duration::from_secs(10));
}

/// The coarse clock shows a whole tick for one of many computations, and nothing for the others.
#[test]
fn a_time_by_the_coarse_clock_is_not_recorded() {
    let folder = TestDirectory::new("costs-coarse");
    let recorded = |short: bool| {
        {
            let process = start(&folder);
            let misses = if short { 128 } else { 0 };
            (0..misses).for_each(|_| process.memory.calls.miss(&pin(), 1, 1));
            let key = key(1);
            let bytes = key.bytes().unwrap();
            let claim = process.memory.take_over(process.hash_key(bytes).unwrap(), bytes, None);
            Computation::lead(&process, claim).finish(&7, |_| true);
        }
        !start(&folder).stats().recovered_compute_time.is_zero()
    };
    assert!(!recorded(true));
    assert!(recorded(false));
}
