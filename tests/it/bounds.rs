//! `max`: small caches track recency exactly, and no cache ever exceeds its bound.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;

use memokit::memoize;

/// A model of an exact LRU cache. The most recently used key is last.
struct Model {
    max: usize,
    keys: Vec<u32>,
}

impl Model {
    /// Uses `key` and reports whether it was present.
    fn call(&mut self, key: u32) -> bool {
        let present = self.remove(key);
        if self.keys.len() == self.max {
            self.keys.remove(0);
        }
        self.keys.push(key);
        present
    }

    fn remove(&mut self, key: u32) -> bool {
        let place = self.keys.iter().position(|&other| other == key);
        place.map(|place| self.keys.remove(place)).is_some()
    }
}

/// Pseudo-random numbers, the same in each run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u32) -> u32 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from((self.0 >> 33) % u64::from(bound)).unwrap()
    }
}

/// Compares a bounded function with the model: calls, insertions, invalidations, and `get`, which does not count as a
/// use.
macro_rules! compare_with_model {
    ($test:ident, $max:literal) => {
        #[test]
        fn $test() {
            #[memoize(max = $max)]
            fn held(n: u32) -> u32 {
                n ^ 0xabcd
            }
            let memo = held_memo();
            let mut model = Model { max: $max, keys: Vec::new() };
            let mut numbers = Numbers($max);
            let mut hits = 0;
            for step in 0..100_000 {
                let key = numbers.below($max * 2);
                match numbers.below(20) {
                    0 => assert_eq!(memo.invalidate(&held_key(key)), model.remove(key), "{step}"),
                    1 => {
                        let present = model.keys.contains(&key);
                        assert_eq!(memo.get(&held_key(key)).is_some(), present, "{step}");
                    }
                    2 => {
                        memo.insert(&held_key(key), key ^ 0xabcd);
                        model.call(key);
                    }
                    _ => {
                        let present = model.call(key);
                        hits += u64::from(present);
                        assert_eq!(held(key), key ^ 0xabcd);
                        let missing = memo.get(&held_key(key)).is_none();
                        assert!(!missing && hit_count(memo) == hits, "{step}: {key}");
                    }
                }
            }
            assert_eq!(memo.len(), model.keys.len());
            assert!(model.keys.iter().all(|&key| memo.get(&held_key(key)).is_some()));
        }
    };
}

fn hit_count(memo: memokit::Memo<u32>) -> u64 {
    memo.stats().hits
}

compare_with_model!(a_cache_of_one_holds_the_last_used_entry, 1);
compare_with_model!(a_cache_of_three_holds_the_last_used_entries, 3);
compare_with_model!(the_largest_exact_cache_holds_the_last_used_entries, 128);

#[test]
fn a_hit_counts_as_a_use_and_get_does_not() {
    #[memoize(max = 2)]
    fn held(n: u32) -> u32 {
        n
    }
    held(1);
    held(2);
    held(1);
    assert!(held_memo().get(&held_key(2)).is_some());
    held(3);
    assert!(held_memo().get(&held_key(1)).is_some());
    assert!(held_memo().get(&held_key(2)).is_none());
    assert_eq!(held_memo().stats().evicted, 1);
}

#[memoize(max = 1000)]
fn thousand(n: u32) -> u32 {
    n
}

#[memoize(max = 100_000)]
fn hundred_thousand(n: u32) -> u32 {
    n
}

/// Fills a cache from four threads while another thread watches its size.
fn fill(memo: memokit::Memo<u32>, max: usize, call: fn(u32) -> u32) {
    let done = AtomicBool::new(false);
    let calls = u32::try_from(max + max / 2).unwrap();
    thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut most = 0;
            while !done.load(Relaxed) {
                most = most.max(memo.len());
                thread::yield_now();
            }
            most
        });
        let fillers: Vec<_> = (0..4)
            .map(|thread| {
                scope.spawn(move || {
                    // Half of each thread's calls overlap with another thread's.
                    let first = thread * calls / 4;
                    (first..first + calls / 2).for_each(|n| assert_eq!(call(n), n));
                })
            })
            .collect();
        fillers.into_iter().for_each(|filler| filler.join().unwrap());
        done.store(true, Relaxed);
        assert!(watcher.join().unwrap() <= max);
    });
    assert!(memo.len() <= max);
    assert!(memo.len() * 10 >= max * 9, "the cache holds {} of {max} entries", memo.len());
}

#[test]
fn many_threads_never_exceed_a_bound_of_a_thousand() {
    fill(thousand_memo(), 1000, thousand);
}

#[test]
fn many_threads_never_exceed_a_bound_of_a_hundred_thousand() {
    fill(hundred_thousand_memo(), 100_000, hundred_thousand);
}

#[test]
fn larger_caches_keep_recently_used_entries() {
    #[memoize(max = 1000)]
    fn held(n: u32) -> u32 {
        n
    }
    for n in 0..3000 {
        held(n);
        assert_eq!(held(n / 1000), n / 1000);
    }
    let misses = held_memo().stats().misses;
    // Entries in the more recently used half of their shard stay, and all shards have about the same size.
    for n in 2800..3000 {
        held(n);
    }
    assert_eq!(held_memo().stats().misses, misses);
    assert_eq!(held_memo().get(&held_key(1500)), None);
}

fn configured() -> usize {
    "4".parse().unwrap()
}

#[test]
fn the_bound_can_be_an_expression() {
    #[memoize(max = configured() / 2)]
    fn held(n: u32) -> u32 {
        n
    }
    (0..10).for_each(|n| _ = held(n));
    assert_eq!((held_memo().len(), held_memo().max()), (2, Some(2)));
}

#[test]
fn a_bound_of_zero_caches_nothing() {
    #[memoize(max = configured() - 4)]
    fn held(n: u32) -> String {
        n.to_string()
    }
    for _ in 0..3 {
        assert_eq!(held(1), "1");
    }
    let stats = held_memo().stats();
    assert_eq!((stats.hits, stats.misses, stats.entries, stats.uncached), (0, 3, 0, 3));
    assert!(!held_memo().insert(&held_key(1), "1".into()));
    assert!(held_memo().is_empty());
    assert_eq!(held_memo().max(), Some(0));
}

#[test]
fn a_cache_without_a_bound_evicts_nothing() {
    #[memoize]
    fn held(n: u32) -> u32 {
        n
    }
    (0..5000).for_each(|n| _ = held(n));
    assert_eq!((held_memo().len(), held_memo().max()), (5000, None));
    assert_eq!(held_memo().stats().evicted, 0);
}

#[test]
fn the_bound_can_be_changed() {
    #[memoize(max = 100)]
    fn held(n: u32) -> u32 {
        n
    }
    (0..100).for_each(|n| _ = held(n));
    held_memo().set_max(3);
    assert_eq!((held_memo().len(), held_memo().max()), (3, Some(3)));
    assert!((97..100).all(|n| held_memo().get(&held_key(n)).is_some()));
    assert_eq!(held_memo().stats().evicted, 97);
    held_memo().set_max(5);
    (0..100).for_each(|n| _ = held(n));
    assert_eq!(held_memo().len(), 5);
}

#[test]
fn lowering_the_bound_evicts_no_more_than_necessary() {
    #[memoize]
    fn held(n: u32) -> u32 {
        n
    }
    (0..10_000).for_each(|n| _ = held(n));
    for bound in [9999, 9990, 5000, 3] {
        held_memo().set_max(bound);
        assert_eq!((held_memo().len(), held_memo().max()), (bound, Some(bound)));
    }
    assert_eq!(held_memo().stats().evicted, 9997);
}

#[test]
fn a_bound_lowered_during_insertions_holds_afterwards() {
    #[memoize(max = 1)]
    fn held(n: u32) -> u32 {
        n
    }
    for n in 0..300 {
        held_memo().set_max(1);
        held_memo().clear();
        thread::scope(|scope| {
            scope.spawn(|| (0..20).for_each(|call| _ = held(20 * n + call)));
            scope.spawn(|| held_memo().set_max(0));
        });
        assert_eq!((held_memo().len(), held_memo().max()), (0, Some(0)));
    }
}

#[test]
fn tables_shrink_and_grow_under_readers() {
    #[memoize(shards = 1)]
    fn held(n: u32) -> u32 {
        n
    }
    let keys = 0..2_000;
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| (0..20).for_each(|_| keys.clone().for_each(|n| assert_eq!(held(n), n))));
        }
        for round in 0..100 {
            held_memo().set_max(if round % 2 == 0 { 20 } else { usize::MAX });
            keys.clone().step_by(3).for_each(|n| assert_eq!(held(n), n));
        }
    });
    held_memo().set_max(20);
    assert_eq!((held_memo().len(), held_memo().keys().len()), (20, 20));
    assert!(held_memo().keys().iter().all(|key| held_memo().get(key).is_some()));
}

/// An entry that is used once after the cache is full outlives the eviction of half of the others.
#[test]
fn the_more_recently_used_half_survives_from_the_first_eviction_on() {
    macro_rules! check {
        ($max:literal) => {{
            #[memoize(max = $max, shards = 1)]
            fn held(n: u32) -> u32 {
                n
            }
            for used in [0, $max / 3, $max - 1] {
                held_memo().clear();
                (0..$max).for_each(|n| _ = held(n));
                held(used);
                for n in 0..$max / 2 - 1 {
                    held($max + n);
                    assert!(held_memo().get(&held_key(used)).is_some(), "{used} of {}: {n}", $max);
                }
            }
        }};
    }
    check!(129);
    check!(200);
    check!(512);
    check!(1000);
}

#[test]
fn a_bound_lowered_to_a_few_entries_tracks_recency_exactly() {
    #[memoize(max = 1000, shards = 1)]
    fn held(n: u32) -> u32 {
        n
    }
    (0..10).for_each(|n| _ = held(n));
    held_memo().set_max(3);
    held_memo().clear();
    for n in [1, 2, 3, 4, 2, 5] {
        held(n);
    }
    let present: Vec<u32> = (1..=5).filter(|&n| held_memo().get(&held_key(n)).is_some()).collect();
    assert_eq!(present, [2, 4, 5]);
}
