use super::policies::{hits, skewed};
use super::*;

fn bounded_adaptive(max: usize) -> ShardedCache<u32> {
    ShardedCache::new(Limits { max, policy: Policy::adaptive(), ..LIMITS })
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
