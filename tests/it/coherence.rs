//! Threads call, invalidate and insert at once: no value is stale after an invalidation, and the cache loses no
//! capacity.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::thread;

use memokit::{Memo, memoize};

use crate::support::{folder, restarts, with_timeout};

const KEYS: usize = 4;

/// The input of the functions in this module. A thread that changes it invalidates the key.
static SOURCE: [AtomicU64; KEYS] = [const { AtomicU64::new(0) }; KEYS];
/// What the input was at the last invalidation that has returned. A reader may see a later one and then this again: a
/// computation that an invalidation has ended may read what the next one is for.
static INVALIDATED: [AtomicU64; KEYS] = [const { AtomicU64::new(0) }; KEYS];

#[memoize(max = 3)]
fn boxed(key: usize) -> Box<u64> {
    Box::new(SOURCE[key].load(SeqCst))
}

/// Changes and invalidates keys while other threads read. One thread changes each key.
fn change_and_read(rounds: u64, read: fn(usize) -> u64, invalidate: fn(usize)) {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for reader in 0..2 {
            let done = &done;
            scope.spawn(move || {
                while !done.load(SeqCst) {
                    for key in (0..KEYS).map(|key| (key + reader) % KEYS) {
                        let oldest = INVALIDATED[key].load(SeqCst);
                        let value = read(key);
                        assert!(value >= oldest, "{value} of {key} after {oldest}");
                    }
                }
            });
        }
        let writer = |keys: std::ops::Range<usize>| {
            for round in 1..=rounds {
                for key in keys.clone() {
                    SOURCE[key].store(round, SeqCst);
                    invalidate(key);
                    INVALIDATED[key].store(round, SeqCst);
                    assert_eq!(read(key), round, "stale after an invalidation");
                }
            }
        };
        let writers = [scope.spawn(move || writer(0..2)), scope.spawn(move || writer(2..KEYS))];
        let outcomes = writers.map(|writer| writer.join());
        done.store(true, SeqCst);
        outcomes.into_iter().for_each(|outcome| outcome.unwrap());
    });
}

#[test]
fn a_value_is_never_stale_after_an_invalidation() {
    with_timeout(|| {
        change_and_read(
            4000,
            |key| *boxed(key),
            |key| {
                boxed_memo().invalidate(&boxed_key(key));
            },
        );
    });
    assert!(boxed_memo().len() <= 3);
}

#[memoize(persist = folder(), durability = "os", version = 1)]
fn stored(key: usize) -> u64 {
    SOURCE[key].load(SeqCst)
}

#[test]
fn a_stored_value_is_never_stale_after_an_invalidation() {
    const ROUNDS: u64 = 200;
    restarts!(
        || {
            with_timeout(|| {
                change_and_read(ROUNDS, stored, |key| {
                    stored_memo().invalidate(&stored_key(key));
                });
            });
            stored_memo().health().unwrap();
        },
        || {
            assert_eq!(stored_memo().stats().recovered, KEYS as u64);
            assert!((0..KEYS).all(|key| stored(key) == ROUNDS));
        }
    );
}

/// Runs every operation that adds or removes entries, from four threads.
fn run_all_operations(memo: Memo<u32>, call: fn(u32) -> u32, key: fn(u32) -> memokit::Key) {
    with_timeout(move || {
        thread::scope(|scope| {
            for thread in 0..4 {
                scope.spawn(move || {
                    for step in 0..3000u32 {
                        let n = (step * 7 + thread * 13) % 500;
                        match step % 50 {
                            10..15 => _ = memo.invalidate(&key(n)),
                            20..25 => _ = memo.insert(&key(n), n),
                            30 => memo.clear(),
                            31 => memo.retain(|_, value| value % 3 == 0),
                            32 => memo.set_max(20 + step as usize % 100),
                            33 => memo.set_ttl(
                                (step % 100 == 33).then_some(std::time::Duration::from_millis(1)),
                            ),
                            _ => assert_eq!(call(n), n),
                        }
                    }
                });
            }
        });
    });
}

macro_rules! capacity_test {
    ($test:ident, $max:literal) => {
        #[test]
        fn $test() {
            #[memoize(max = $max)]
            fn held(n: u32) -> u32 {
                n
            }
            let memo = held_memo();
            run_all_operations(memo, held, held_key);
            memo.set_ttl(None);
            memo.clear();
            memo.set_max($max);
            let before = memo.stats();
            assert_eq!(before.entries, 0);
            (0..$max).for_each(|n| _ = held(n));
            let after = memo.stats();
            assert_eq!((after.entries, after.evicted), ($max, before.evicted));
            (0..2 * $max).for_each(|n| _ = held(n));
            assert!(memo.len() <= $max, "{}", memo.len());
        }
    };
}

capacity_test!(a_small_cache_loses_no_capacity, 100);
capacity_test!(a_large_cache_loses_no_capacity, 1000);
