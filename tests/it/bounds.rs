//! `max`: exact recency in small caches, never more than the bound in any.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;

use memokit::memoize;

/// The last used at the end.
struct Model {
    max: usize,
    keys: Vec<u32>,
}

impl Model {
    /// Uses `key`; says whether it was there.
    fn call(&mut self, key: u32) -> bool {
        let known = self.remove(key);
        if self.keys.len() == self.max {
            self.keys.remove(0);
        }
        self.keys.push(key);
        known
    }

    fn remove(&mut self, key: u32) -> bool {
        let place = self.keys.iter().position(|&known| known == key);
        place.map(|place| self.keys.remove(place)).is_some()
    }
}

/// Numbers that look random, the same ones at each run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u32) -> u32 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from((self.0 >> 33) % u64::from(bound)).unwrap()
    }
}

/// Runs a function with a bound beside the model: calls, invalidations, and looks that do not count as uses.
macro_rules! against_the_model {
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
                        let known = model.keys.contains(&key);
                        assert_eq!(memo.get(&held_key(key)).is_some(), known, "{step}");
                    }
                    2 => {
                        memo.insert(&held_key(key), key ^ 0xabcd);
                        model.call(key);
                    }
                    _ => {
                        let known = model.call(key);
                        hits += u64::from(known);
                        assert_eq!(held(key), key ^ 0xabcd);
                        let unlike = memo.get(&held_key(key)).is_none();
                        assert!(!unlike && held_memo_hits(memo) == hits, "{step}: {key}");
                    }
                }
            }
            assert_eq!(memo.len(), model.keys.len());
            assert!(model.keys.iter().all(|&key| memo.get(&held_key(key)).is_some()));
        }
    };
}

fn held_memo_hits(memo: memokit::Memo<u32>) -> u64 {
    memo.stats().hits
}

against_the_model!(one_entry_is_the_last_used, 1);
against_the_model!(three_entries_are_the_last_used, 3);
against_the_model!(the_largest_exact_cache_holds_the_last_used, 128);

#[test]
fn a_hit_counts_as_a_use_and_a_look_does_not() {
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

/// Fills a cache from four threads while another looks at its size.
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
                    // Half of what each calls another calls too.
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
    assert!(memo.len() * 10 >= max * 9, "{} of {max} are held", memo.len());
}

#[test]
fn many_threads_never_exceed_a_thousand() {
    fill(thousand_memo(), 1000, thousand);
}

#[test]
fn many_threads_never_exceed_a_hundred_thousand() {
    fill(hundred_thousand_memo(), 100_000, hundred_thousand);
}

#[test]
fn larger_caches_keep_what_was_used_lately() {
    #[memoize(max = 1000)]
    fn held(n: u32) -> u32 {
        n
    }
    for n in 0..3000 {
        held(n);
        assert_eq!(held(n / 1000), n / 1000);
    }
    let misses = held_memo().stats().misses;
    // Entries in the more recently used half of their shard stay, and shards are of about one size.
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
fn a_bound_from_an_expression() {
    #[memoize(max = configured() / 2)]
    fn held(n: u32) -> u32 {
        n
    }
    (0..10).for_each(|n| _ = held(n));
    assert_eq!((held_memo().len(), held_memo().max()), (2, Some(2)));
}

#[test]
fn a_bound_of_zero_keeps_nothing() {
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
fn without_a_bound() {
    #[memoize]
    fn held(n: u32) -> u32 {
        n
    }
    (0..5000).for_each(|n| _ = held(n));
    assert_eq!((held_memo().len(), held_memo().max()), (5000, None));
    assert_eq!(held_memo().stats().evicted, 0);
}

#[test]
fn a_bound_can_change() {
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
fn a_lower_bound_evicts_no_more_than_it_must() {
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
fn a_bound_lowered_while_others_insert_holds_at_rest() {
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

/// The one that is used once after the cache is full is not evicted before half of the others were.
#[test]
fn the_more_recently_used_half_stays_from_the_first_eviction_on() {
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
fn a_bound_that_was_lowered_to_a_few_is_exact() {
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
    let there: Vec<u32> = (1..=5).filter(|&n| held_memo().get(&held_key(n)).is_some()).collect();
    assert_eq!(there, [2, 4, 5]);
}
