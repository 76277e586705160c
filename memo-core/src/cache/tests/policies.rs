//! What holds for every policy.

use std::collections::HashMap;
use std::time::Duration;

use super::*;
use crate::eviction::steps::EXACT;
use crate::platform::clock;
use crate::statistics::explanation::Bound;

/// Returns limits with each policy, and the number of each.
fn of_each_policy(limits: &[Limits]) -> impl Iterator<Item = (usize, Limits)> {
    let policies = [Policy::Lru, Policy::adaptive(), Policy::cost()];
    let of_each = move |limits: &Limits| policies.map(|policy| Limits { policy, ..*limits });
    limits.iter().flat_map(of_each).enumerate()
}

pub(super) fn hash_of(key: u32) -> u64 {
    // The finaliser of splitmix64.
    let n = u64::from(key).wrapping_add(0x9e37_79b9_7f4a_7c15);
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

/// Returns whether the call is a hit, and inserts the entry if not.
pub(super) fn call(cache: &ShardedCache<u32>, key: u32) -> bool {
    let bytes = key.to_le_bytes();
    let hit = cache.get(hash_of(key), |stored| stored == bytes, false).is_some();
    if !hit {
        insert(cache, hash_of(key), &bytes, new_entry(key));
    }
    hit
}

pub(super) fn hits(cache: &ShardedCache<u32>, keys: impl IntoIterator<Item = u32>) -> usize {
    keys.into_iter().filter(|key| call(cache, *key)).count()
}

/// Numbers below `end`, small ones more often: the product of two numbers drawn evenly, from a fixed seed.
pub(super) fn skewed(end: u32, count: usize, seed: u32) -> impl Iterator<Item = u32> {
    // Of 24 bits.
    let draw = move |at: u32| hash_of(seed.wrapping_mul(1 << 24) ^ at) >> 40;
    let number = move |at: u32| (((draw(2 * at) * draw(2 * at + 1)) >> 24) * u64::from(end)) >> 24;
    (0..).take(count).map(move |at| u32::try_from(number(at)).unwrap())
}

/// Does random things to caches of all kinds, beside a map of what was inserted last.
#[test]
fn whatever_happens_the_bounds_hold_and_values_are_the_last() {
    let kinds = [
        Limits { max: 1, ..LIMITS },
        Limits { max: 10, ..LIMITS },
        Limits { max: EXACT + 1, shards: Some(2), ..LIMITS },
        Limits { max: 700, idle: Some(1000), stale: 100, ..LIMITS },
        Limits { max_bytes: Some(5000), ..LIMITS },
        Limits { max: 300, max_bytes: Some(2000), shards: Some(4), departures: 20, ..LIMITS },
        Limits { max: 500, tagged: Some(0), ..LIMITS },
    ];
    for (kind, limits) in of_each_policy(&kinds) {
        let cache = ShardedCache::new(limits);
        let mut last: HashMap<u32, u32> = HashMap::new();
        let mut bounds = (limits.max, limits.max_bytes.unwrap_or(u64::MAX));
        for step in 0..20_000_u32 {
            let random = hash_of(step ^ (u32::try_from(kind).unwrap() << 20));
            let key = u32::try_from((random % 1500) * (random >> 16 & 0xff) / 256).unwrap();
            let (hash, bytes) = (hash_of(key), key.to_le_bytes());
            match random >> 32 & 0xff {
                0..=120 => {
                    let held = cache.get(hash, |stored| stored == bytes, false);
                    assert!(held.is_none_or(|held| last.get(&key) == Some(&held)));
                }
                121..=240 => {
                    let weight = limits.max_bytes.map(|_| random >> 50 & 63);
                    let ends = if random >> 60 == 0 { clock::now() } else { NEVER };
                    let lifetime = Lifetime::until(ends);
                    let entry = NewEntry {
                        held: step,
                        lifetime,
                        weight,
                        cost: Some(Duration::from_nanos(random >> 40)),
                    };
                    insert(&cache, hash, &bytes, entry);
                    last.insert(key, step);
                }
                241..=252 => {
                    cache.remove(hash, &bytes, BY_HAND, &mut || ());
                    last.remove(&key);
                }
                253 if step % 8 == 0 => {
                    cache.clear(Remover::Clear, &mut || ());
                    last.clear();
                }
                254 if limits.max != UNBOUNDED => {
                    bounds.0 = limits.max / (1 + usize::try_from(random >> 62).unwrap());
                    cache.set_max(bounds.0);
                }
                _ => drop(cache.remove_expired()),
            }
            let load = cache.capacity.load();
            assert!(load.entries <= bounds.0 && load.bytes <= bounds.1, "kind {kind}");
        }
    }
}

#[test]
fn threads_that_use_and_insert_entries_keep_the_bound() {
    for (_, limits) in of_each_policy(&[Limits { max: 2000, ..LIMITS }]) {
        let cache = ShardedCache::new(limits);
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let cache = &cache;
                scope.spawn(move || {
                    for key in skewed(10_000, 50_000, thread) {
                        call(cache, key);
                        assert!(cache.capacity.load().entries <= 2000);
                    }
                });
            }
        });
        assert!(cache.len() > 1900 && cache.removed().0 > 0);
        let seen = (0..10_000).filter(|key: &u32| call(&cache, *key)).count();
        assert!(seen > 0);
    }
}

/// What `take` does if all entries are used again and again meanwhile, and what is left to evict after anything.
#[test]
fn as_long_as_there_is_an_entry_one_can_be_evicted() {
    let kinds = [
        Limits { max: 1, ..LIMITS },
        Limits { max: 2, ..LIMITS },
        Limits { max: 60, ..LIMITS },
        Limits { max: 400, shards: Some(1), ..LIMITS },
        Limits { max: 400, shards: Some(1), tagged: Some(0), ..LIMITS },
        Limits { max_bytes: Some(4000), shards: Some(1), ..LIMITS },
    ];
    for (kind, limits) in of_each_policy(&kinds) {
        let cache = ShardedCache::new(limits);
        for step in 0..30_000_u32 {
            let random = hash_of(step ^ (u32::try_from(kind).unwrap() << 20) ^ (1 << 30));
            let key = u32::try_from((random % 900) * (random >> 16 & 0xff) / 256).unwrap();
            let (hash, bytes) = (hash_of(key), key.to_le_bytes());
            match random >> 32 & 0xff {
                0..=99 => {
                    for _ in 0..random >> 40 & 7 {
                        cache.get(hash, |stored| stored == bytes, false);
                    }
                }
                100..=199 => {
                    let heavy = random >> 44 & 31 == 0;
                    let weight = if heavy { random >> 50 & 4095 } else { random >> 50 & 15 };
                    let ends = if random >> 60 == 0 { clock::now() } else { NEVER };
                    let entry = NewEntry {
                        held: step,
                        lifetime: Lifetime::until(ends),
                        weight: limits.max_bytes.map(|_| weight.min(4000)),
                        cost: Some(Duration::from_nanos(random >> 40)),
                    };
                    assert!(insert(&cache, hash, &bytes, entry), "kind {kind}, step {step}");
                }
                200..=249 => _ = cache.remove(hash, &bytes, BY_HAND, &mut || ()),
                250 if step % 64 == 0 => _ = cache.clear(Remover::Clear, &mut || ()),
                251 if step % 8 == 0 => {
                    // Evicts all, one by one.
                    let mut shard = cache.shards[0].lock();
                    let count = shard.load().entries;
                    for left in (0..count).rev() {
                        let evicted = shard.evict(Bound::Max);
                        cache.capacity.release(evicted);
                        assert_eq!((evicted.entries, shard.load().entries), (1, left));
                    }
                    assert!(shard.evict(Bound::Max).is_none());
                }
                252 => _ = cache.remove_expired(),
                _ => (),
            }
            let load = cache.capacity.load();
            assert_eq!(load.entries, cache.shards[0].lock().load().entries);
            assert!(load.entries <= limits.max && load.bytes <= limits.max_bytes.unwrap_or(0));
        }
    }
}
