//! Tests the bound on the sum of weights, compared with a simple model and from many threads.

use std::collections::HashMap;

use std::sync::atomic::Ordering::Relaxed;

use super::super::shard::{Locked, Shard};
use super::*;
use crate::platform::clock::{self, Millis};

fn cache_bounded_by_weight(max_bytes: u64, shards: usize) -> ShardedCache<u32> {
    ShardedCache::new(Limits { max_bytes: Some(max_bytes), shards: Some(shards), ..LIMITS })
}

/// Returns a hash that spreads the keys over shards and tags.
fn hash(key: u32) -> u64 {
    u64::from(key).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

fn keep(cache: &ShardedCache<u32>, key: u32, weight: u64) -> bool {
    keep_until(cache, key, weight, NEVER)
}

fn keep_until(cache: &ShardedCache<u32>, key: u32, weight: u64, expires: Millis) -> bool {
    let new_entry = NewEntry {
        held: key,
        lifetime: Lifetime::until(expires),
        weight: Some(weight),
        cost: None,
    };
    insert(cache, hash(key), &key.to_le_bytes(), new_entry)
}

fn has(cache: &ShardedCache<u32>, key: u32) -> bool {
    cache.peek(hash(key), &key.to_le_bytes()).is_some()
}

fn look(cache: &ShardedCache<u32>, key: u32) -> bool {
    cache.get(hash(key), |stored| stored == key.to_le_bytes(), true).is_some()
}

fn remove(cache: &ShardedCache<u32>, key: u32) -> bool {
    cache.remove(hash(key), &key.to_le_bytes(), BY_HAND, &mut || ())
}

/// Returns the sum of the weights of the entries in the tables. Checks that the sums counted by the shards agree.
fn sum_of_weights(cache: &ShardedCache<u32>) -> u64 {
    let locked: Vec<_> = cache.shards.iter().map(Shard::lock).collect();
    let weights = locked.iter().flat_map(Locked::entries).map(|(_, entry)| entry.weight());
    let sum = weights.sum();
    assert_eq!(locked.iter().map(|shard| shard.load().bytes).sum::<u64>(), sum);
    sum
}

struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    fn key(&mut self, bound: u64) -> u32 {
        u32::try_from(self.below(bound)).unwrap()
    }
}

/// Holds keys with their weights. The key that was used last is at the end.
struct Model {
    max_bytes: u64,
    max: usize,
    entries: Vec<(u32, u64)>,
}

impl Model {
    fn sum(&self) -> u64 {
        self.entries.iter().map(|(_, weight)| weight).sum()
    }

    fn remove(&mut self, key: u32) -> Option<(u32, u64)> {
        let place = self.entries.iter().position(|(known, _)| *known == key)?;
        Some(self.entries.remove(place))
    }

    fn look(&mut self, key: u32) -> bool {
        let known = self.remove(key);
        self.entries.extend(known);
        known.is_some()
    }

    /// The previous entry of the key stays while room is made. It may itself be evicted to make room.
    fn keep(&mut self, key: u32, weight: u64) -> bool {
        if weight > self.max_bytes || self.max_bytes == 0 {
            self.remove(key);
            return false;
        }
        loop {
            let before = self.entries.iter().find(|(known, _)| *known == key).map(|(_, w)| *w);
            let fits = self.sum() - before.unwrap_or(0) + weight <= self.max_bytes;
            if fits && (before.is_some() || self.entries.len() < self.max) {
                break;
            }
            self.entries.remove(0);
        }
        self.remove(key);
        self.entries.push((key, weight));
        true
    }

    fn trim(&mut self) {
        while self.sum() > self.max_bytes || self.entries.len() > self.max {
            self.entries.remove(0);
        }
    }
}

#[test]
fn one_shard_holds_the_same_entries_as_the_model() {
    let cache = cache_bounded_by_weight(1000, 1);
    let mut model = Model { max_bytes: 1000, max: UNBOUNDED, entries: Vec::new() };
    let mut numbers = Numbers(1);
    for step in 0..40_000 {
        let key = numbers.key(60);
        match numbers.below(40) {
            0 => {
                model.max_bytes = numbers.below(1500);
                assert!(cache.set_max_bytes(model.max_bytes));
                model.trim();
            }
            1 => {
                model.max = usize::try_from(1 + numbers.below(60)).unwrap();
                cache.set_max(model.max);
                model.trim();
            }
            2..6 => assert_eq!(remove(&cache, key), model.remove(key).is_some(), "{step}"),
            6 if numbers.below(50) == 0 => {
                cache.clear(Remover::Clear, &mut || ());
                model.entries.clear();
            }
            7..20 => assert_eq!(look(&cache, key), model.look(key), "{step}"),
            _ => {
                // Most weights are light. Some are zero, some are heavy, and a few are heavier than every bound.
                let weight = match numbers.below(10) {
                    0 => 0,
                    1 => numbers.below(2000),
                    2 if numbers.below(20) == 0 => u64::MAX,
                    _ => numbers.below(80),
                };
                assert_eq!(keep(&cache, key, weight), model.keep(key, weight), "{step}");
            }
        }
        assert_eq!(sum_of_weights(&cache), model.sum(), "{step}");
        assert_eq!(cache.capacity.load().bytes, model.sum(), "{step}");
        assert_eq!(cache.capacity.load().entries, model.entries.len(), "{step}");
        assert!(model.entries.iter().all(|(key, _)| has(&cache, *key)), "{step}");
    }
}

#[test]
fn a_value_heavier_than_the_bound_removes_only_the_previous_value_of_its_key() {
    let cache = cache_bounded_by_weight(100, 1);
    assert!(keep(&cache, 1, 40) && keep(&cache, 2, 60));
    assert!(!keep(&cache, 3, 101) && !keep(&cache, 3, u64::MAX));
    assert!(has(&cache, 1) && has(&cache, 2) && !has(&cache, 3));
    assert!(!keep(&cache, 2, 101));
    assert!(has(&cache, 1) && !has(&cache, 2));
    assert_eq!(
        (sum_of_weights(&cache), cache.capacity.load().bytes, cache.removed().0),
        (40, 40, 0)
    );
    assert!(keep(&cache, 2, 100) && !has(&cache, 1));
}

#[test]
fn a_replacement_uses_the_room_of_the_entry_it_replaces() {
    let cache = cache_bounded_by_weight(100, 1);
    assert!(keep(&cache, 1, 40) && keep(&cache, 2, 60) && keep(&cache, 2, 60));
    assert!(has(&cache, 1));
    assert!(keep(&cache, 2, 10) && keep(&cache, 3, 50));
    assert!(has(&cache, 1) && cache.removed().0 == 0);
}

#[test]
fn weights_up_to_the_largest_number_are_added_without_overflow() {
    let cache = cache_bounded_by_weight(u64::MAX, 4);
    assert!(keep(&cache, 1, u64::MAX) && keep(&cache, 1, u64::MAX));
    assert!(keep(&cache, 2, u64::MAX) && !has(&cache, 1));
    assert!(keep(&cache, 3, 0) && has(&cache, 2));
    assert!(keep(&cache, 4, 1) && !has(&cache, 2));
    assert_eq!(cache.usage(), (2, 1));
    let none = cache_bounded_by_weight(0, 1);
    assert!(!keep(&none, 1, 0));
}

#[test]
fn a_heavy_value_evicts_entries_of_all_shards() {
    let cache = cache_bounded_by_weight(1000, 8);
    for key in 0..1000 {
        assert!(keep(&cache, key, 1));
    }
    assert_eq!(cache.usage(), (1000, 1000));
    assert!(keep(&cache, 5000, 900) && has(&cache, 5000));
    assert!(sum_of_weights(&cache) <= 1000);
    assert!(keep(&cache, 5001, 1000) && has(&cache, 5001));
    assert_eq!(cache.usage(), (1, 1000));
}

#[test]
fn expired_entries_release_their_weight() {
    let cache = cache_bounded_by_weight(1000, 1);
    let end = clock::now() + 50;
    (0..100).for_each(|key| assert!(keep_until(&cache, key, 5, end)));
    clock::steps::pass(100);
    assert_eq!(cache.usage(), (0, 0));
    // The sweep visits all places only after this many insertions.
    (100..600).for_each(|key| assert!(keep(&cache, key, 1)));
    assert_eq!(
        (cache.usage(), cache.capacity.load().bytes, sum_of_weights(&cache)),
        ((500, 500), 500, 500)
    );
    assert_eq!(cache.removed(), (0, 100));
}

#[test]
fn a_superseded_insertion_evicts_nothing_and_adds_no_weight() {
    let cache = cache_bounded_by_weight(100, 1);
    keep(&cache, 1, 30);
    keep(&cache, 2, 30);
    for weight in [10, 100, 101] {
        let new_entry = NewEntry {
            held: 1,
            lifetime: Lifetime::until(NEVER),
            weight: Some(weight),
            cost: None,
        };
        let key = 1_u32.to_le_bytes();
        let superseded = cache.take_over(hash(1), &key, None);
        let newer = cache.take_over(hash(1), &key, None);
        assert!(!cache.finish(superseded, new_entry).kept);
        assert!(has(&cache, 1) && has(&cache, 2));
        assert_eq!((sum_of_weights(&cache), cache.capacity.load().bytes), (60, 60));
        cache.abandon(newer, Some(0));
    }
}

#[test]
fn a_heavy_value_that_is_replaced_is_freed_at_once() {
    let cache: ShardedCache<Arc<()>> =
        ShardedCache::new(Limits { max_bytes: Some(1000), shards: Some(1), ..LIMITS });
    let value = Arc::new(());
    let keep = |key: u32, weight| {
        let new_entry = NewEntry {
            held: Arc::clone(&value),
            lifetime: Lifetime::until(NEVER),
            weight: Some(weight),
            cost: None,
        };
        insert(&cache, hash(key), &key.to_le_bytes(), new_entry);
    };
    (0..500).for_each(|key| keep(key, 1));
    keep(500, 500);
    // If the values were light, 62 of them would be held back. A reader in another test can hold one back for a moment.
    let freed = (0..40).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(2));
        keep(500, 500);
        Arc::strong_count(&value) == 502
    });
    assert!(freed);
}

#[test]
fn the_bound_holds_while_threads_change_entries_and_bounds() {
    const MOST: u64 = 5000;
    for shards in [1, 8] {
        let cache = cache_bounded_by_weight(MOST, shards);
        std::thread::scope(|scope| {
            let work = |seed| {
                let cache = &cache;
                move || {
                    let mut numbers = Numbers(seed);
                    for _ in 0..if cfg!(miri) { 50 } else { 15_000 } {
                        let key = numbers.key(300);
                        match numbers.below(100) {
                            0 => _ = cache.set_max_bytes(numbers.below(MOST)),
                            1 => cache.set_max(usize::try_from(1 + numbers.below(400)).unwrap()),
                            2 if numbers.below(20) == 0 => {
                                _ = cache.clear(Remover::Clear, &mut || ());
                            }
                            3..15 => _ = remove(cache, key),
                            15..40 => _ = look(cache, key),
                            _ => {
                                let weight = numbers.below(10).pow(4);
                                let kept = keep(cache, key, weight);
                                assert!(!kept || weight <= MOST);
                            }
                        }
                        if numbers.below(50) == 0 {
                            assert!(sum_of_weights(cache) <= MOST);
                        }
                    }
                }
            };
            (1..=4).for_each(|seed| _ = scope.spawn(work(seed)));
        });
        assert_eq!(sum_of_weights(&cache), cache.capacity.load().bytes);
        assert_eq!(cache.capacity.load().entries, cache.len());
        cache.set_max_bytes(100);
        assert!(sum_of_weights(&cache) <= 100);
        let mut left: HashMap<u32, u32> = (0..300).map(|key| (key, 0)).collect();
        left.retain(|key, _| remove(&cache, *key));
        assert_eq!((cache.capacity.load().bytes, cache.capacity.load().entries), (0, 0));
    }
}

#[test]
fn a_lowered_bound_holds_as_soon_as_it_is_set() {
    let cache = cache_bounded_by_weight(1000, 4);
    let over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        for seed in 1..=3 {
            let (cache, over) = (&cache, &over);
            scope.spawn(move || {
                let mut numbers = Numbers(seed);
                while !over.load(Relaxed) {
                    keep(cache, numbers.key(200), numbers.below(400));
                }
            });
        }
        let mut numbers = Numbers(9);
        for _ in 0..300 {
            let max = numbers.below(1000);
            cache.set_max_bytes(max);
            let sum = sum_of_weights(&cache);
            assert!(sum <= max, "{sum} of {max}");
        }
        over.store(true, Relaxed);
    });
}
