//! `policy`: which results leave a full cache, alone and beside the other arguments.

use std::cell::Cell;
use std::sync::{LazyLock, Mutex};
use std::thread;
use std::time::Duration;

use memokit::{Departure, invalidate_tag, memoize};
use tempfile::TempDir;

#[test]
fn a_loop_that_does_not_fit_hits_with_the_adaptive_policy_only() {
    #[memoize(max = 100, shards = 1, policy = "lru")]
    fn by_recency(n: u32) -> u32 {
        n
    }
    #[memoize(max = 100, shards = 1, policy = "adaptive")]
    fn adaptive(n: u32) -> u32 {
        n
    }
    for n in (0..20).flat_map(|_| 0..150) {
        assert_eq!((by_recency(n), adaptive(n)), (n, n));
    }
    assert_eq!(by_recency_memo().stats().hits, 0);
    // At most 1900: all that fits, in each loop after the first.
    let hits = adaptive_memo().stats().hits;
    assert!(hits > 1500, "{hits} hits");
}

/// Tests of a policy beside the arguments that bound a cache, end its entries and tell of them.
macro_rules! beside_other_arguments {
    ($test:ident, $policy:literal) => {
        #[test]
        fn $test() {
            static EVICTED: Mutex<Vec<u32>> = Mutex::new(Vec::new());
            fn note(key: &memokit::Key, value: &u32, why: Departure) {
                let _ = (key, why);
                EVICTED.lock().unwrap().push(*value);
            }
            #[memoize(max = 200, max_bytes = "4KiB", ttl = "1h", idle = "1h", tags = [($policy, n % 7)],
                policy = $policy, explain, advise, on_evict = note)]
            fn tagged(n: u32) -> u32 {
                n
            }
            for n in (0..30).flat_map(|round| round * 20..round * 20 + 250) {
                assert_eq!(tagged(n), n);
                let stats = tagged_memo().stats();
                assert!(stats.entries <= 200 && stats.bytes <= 4096);
            }
            let evicted = tagged_memo().stats().evicted;
            assert!(evicted > 0);
            assert_eq!(EVICTED.lock().unwrap().len() as u64, evicted);
            let computed = || tagged_memo().stats().misses;
            tagged(7);
            let before = computed();
            invalidate_tag(($policy, 0));
            tagged(7);
            assert_eq!(computed(), before + 1);
            assert!(tagged_memo().invalidate(&tagged_key(7)));
            tagged(7);
            assert_eq!(computed(), before + 2);
            tagged_memo().clear();
            assert_eq!(tagged_memo().stats().entries, 0);
            (0..500).for_each(|n| assert_eq!(tagged(n), n));
            assert!(tagged_memo().stats().entries <= 200);
        }
    };
}

beside_other_arguments!(an_adaptive_cache_keeps_what_other_arguments_promise, "adaptive");
beside_other_arguments!(a_cache_by_cost_keeps_what_other_arguments_promise, "cost");

#[test]
fn what_took_long_to_compute_stays() {
    fn take(millis: u64) -> u64 {
        thread::sleep(Duration::from_millis(millis));
        millis
    }
    #[memoize(max = 10, policy = "cost")]
    fn by_cost(n: u64) -> u64 {
        take(if n == 0 { 200 } else { 1 })
    }
    #[memoize(max = 10)]
    fn by_recency(n: u64) -> u64 {
        take(u64::from(n > 0))
    }
    for n in (0..100).chain([0]) {
        by_cost(n);
        by_recency(n);
    }
    assert_eq!((by_cost_memo().stats().hits, by_recency_memo().stats().hits), (1, 0));
    // Not forever.
    (1..20_000).for_each(|n| _ = by_cost_memo().insert(&by_cost_key(n), 0));
    assert!(by_cost_memo().entry(&by_cost_key(0)).is_none());
}

#[test]
fn what_is_heavy_leaves_first_if_it_took_no_longer() {
    #[memoize(max_bytes = "64KiB", shards = 1, policy = "cost", weigh = |text: &String| text.len())]
    fn text(len: usize, n: u32) -> String {
        thread::sleep(Duration::from_millis(2));
        format!("{n:len$}")
    }
    (0..8).for_each(|n| drop(text(100, n)));
    (0..80).for_each(|n| drop(text(4000, n)));
    let misses = text_memo().stats().misses;
    (0..8).for_each(|n| drop(text(100, n)));
    assert_eq!(text_memo().stats().misses, misses);
    assert!(text_memo().stats().bytes <= 64 << 10);
}

#[test]
fn what_left_memory_is_found_on_disk() {
    static FOLDER: LazyLock<TempDir> = LazyLock::new(|| TempDir::new().unwrap());
    #[memoize(max = 100, shards = 1, max_disk = "1MiB", persist = FOLDER.path(), policy = "adaptive")]
    fn stored(n: u32) -> u32 {
        n
    }
    (0..3).flat_map(|_| 0..300).for_each(|n| assert_eq!(stored(n), n));
    let stats = stored_memo().stats();
    assert_eq!((stats.misses, stats.entries), (300, 100));
    assert!(stats.disk_hits > 300 && stats.hits == 600);
    stored_memo().flush().unwrap();
}

#[test]
fn threads_and_objects_have_adaptive_caches_of_their_own() {
    thread_local!(static RUNS: Cell<u32> = const { Cell::new(0) });
    fn run() {
        RUNS.set(RUNS.get() + 1);
    }
    #[memoize(max = 20, scope = "thread", policy = "adaptive")]
    fn here(n: u32) -> u32 {
        run();
        n
    }
    #[derive(Default)]
    struct Object {
        cache: memokit::Cache,
    }
    impl Object {
        #[memoize(max = 20, scope = "instance", policy = "adaptive")]
        fn call(&self, n: u32) -> u32 {
            run();
            n
        }
    }
    let computes = |call: &dyn Fn(u32) -> u32| {
        RUNS.set(0);
        (0..10).flat_map(|_| 0..30).for_each(|n| assert_eq!(call(n), n));
        RUNS.get()
    };
    let check = move || {
        let object = Object::default();
        // 30 at first, and ten of each later loop at best.
        let ranges = [computes(&here), computes(&|n| object.call(n))];
        assert!(ranges.iter().all(|runs| (120..200).contains(runs)), "{ranges:?}");
    };
    check();
    thread::spawn(check).join().unwrap();
}
