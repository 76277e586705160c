//! What others may do between two steps of a change.

use super::*;

fn entry(cache: &Cache<u32>, key: u8) -> Entry<u32> {
    let hash = key::hash_bytes(&[key], &cache.seed).unwrap_or(u64::from(key));
    Entry::new(hash, KeyBytes::new(&[key]), u32::from(key), NEVER)
}

#[test]
fn a_bound_lowered_between_the_promise_of_a_place_and_its_use_holds() {
    for (before, lowered) in [(1, 0), (5, 2), (UNBOUNDED, 0)] {
        let cache = Cache::new(before, 0);
        (1..=u8::try_from(lowered).unwrap())
            .for_each(|key| _ = cache.place(entry(&cache, key), |_| true));
        // As `set_max` does that has already looked: the place is promised, and there is nothing to evict.
        cache.place(entry(&cache, 0), |_| {
            cache.max.store(lowered, Relaxed);
            true
        });
        assert_eq!((cache.len(), cache.room()), (lowered, 0));
    }
}

#[test]
fn places_are_free_before_anyone_sees_the_cache_cleared() {
    let cache = Cache::new(10, 0);
    (0..10).for_each(|key| _ = cache.place(entry(&cache, key), |_| true));
    assert_eq!(cache.room(), 0);
    let (count, room) = cache.clear(|| cache.room());
    assert_eq!((count, room, cache.len()), (10, 10, 0));
}
