use std::collections::HashMap;

use super::*;
use crate::eviction::steps::EXACT;
use crate::platform::clock;
use crate::statistics::explanation::Bound;

fn adaptive(limits: Limits) -> ShardedCache<u32> {
    ShardedCache::new(Limits { policy: Policy::adaptive(), ..limits })
}

pub(super) fn hash_of(key: u32) -> u64 {
    // The finaliser of splitmix64.
    let n = u64::from(key).wrapping_add(0x9e37_79b9_7f4a_7c15);
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

/// Returns whether the call is a hit, and inserts the entry if not.
fn call(cache: &ShardedCache<u32>, key: u32) -> bool {
    let bytes = key.to_le_bytes();
    let hit = cache.get(hash_of(key), |stored| stored == bytes, false).is_some();
    if !hit {
        insert(cache, hash_of(key), &bytes, new_entry(key));
    }
    hit
}

fn hits(cache: &ShardedCache<u32>, keys: impl IntoIterator<Item = u32>) -> usize {
    keys.into_iter().filter(|key| call(cache, *key)).count()
}

fn bounded_adaptive(max: usize) -> ShardedCache<u32> {
    adaptive(Limits { max, ..LIMITS })
}

/// Numbers below `end`, small ones more often: the product of two numbers drawn evenly, from a fixed seed.
fn skewed(end: u32, count: usize, seed: u32) -> impl Iterator<Item = u32> {
    // Of 24 bits.
    let draw = move |at: u32| hash_of(seed.wrapping_mul(1 << 24) ^ at) >> 40;
    let number = move |at: u32| (((draw(2 * at) * draw(2 * at + 1)) >> 24) * u64::from(end)) >> 24;
    (0..).take(count).map(move |at| u32::try_from(number(at)).unwrap())
}

#[test]
fn a_loop_that_does_not_fit_is_held_in_large_part() {
    for max in [50, 600, 2000] {
        let (loops, length) = (20, u32::try_from(max * 3 / 2).unwrap());
        let cache = bounded_adaptive(max);
        let hits = hits(&cache, (0..loops).flat_map(|_| 0..length));
        // At best all that fits is hit in each loop after the first. LRU hits nothing.
        let best = max * (loops - 1);
        assert!(hits > best * 8 / 10, "{hits} of {best} for {max}");
    }
}

#[test]
fn keys_that_come_once_do_not_evict_those_in_use() {
    for max in [100, 1000] {
        let cache = bounded_adaptive(max);
        let used = u32::try_from(max / 2).unwrap();
        hits(&cache, (0..4).flat_map(|_| 0..used));
        hits(&cache, 1_000_000..1_000_000 + 10 * used);
        assert_eq!(hits(&cache, 0..used), max / 2);
    }
}

#[test]
fn a_working_set_that_moves_is_followed() {
    // LRU is best here. A window that does not grow hits 0.71 times as often.
    let drifting = |at: u32| at / 10 + skewed(1000, 1, at).next().unwrap_or(0);
    let by_recency: ShardedCache<u32> = ShardedCache::new(Limits { max: 600, ..LIMITS });
    let best = hits(&by_recency, (0..100_000).map(drifting));
    let hits = hits(&bounded_adaptive(600), (0..100_000).map(drifting));
    assert!(hits > best * 8 / 10, "{hits} where LRU has {best}");
}

#[test]
fn frequent_keys_stay_longer_than_by_recency() {
    let by_recency: ShardedCache<u32> = ShardedCache::new(Limits { max: 1000, ..LIMITS });
    let recent = hits(&by_recency, skewed(20_000, 200_000, 1));
    let hits = hits(&bounded_adaptive(1000), skewed(20_000, 200_000, 1));
    assert!(hits > recent * 11 / 10, "{hits} where LRU has {recent}");
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
    for (kind, limits) in kinds.into_iter().enumerate() {
        let cache = adaptive(limits);
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
                        cost: None,
                        never_refreshed: false,
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
    let cache = bounded_adaptive(2000);
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

/// What `take` does if all entries are used again and again meanwhile, and what is left to evict after anything.
#[test]
fn as_long_as_there_is_an_entry_one_can_be_evicted() {
    for (kind, limits) in [
        Limits { max: 1, ..LIMITS },
        Limits { max: 2, ..LIMITS },
        Limits { max: 60, ..LIMITS },
        Limits { max: 400, shards: Some(1), ..LIMITS },
        Limits { max: 400, shards: Some(1), tagged: Some(0), ..LIMITS },
        Limits { max_bytes: Some(4000), shards: Some(1), ..LIMITS },
    ]
    .into_iter()
    .enumerate()
    {
        let cache = adaptive(limits);
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
                        cost: None,
                        never_refreshed: false,
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
