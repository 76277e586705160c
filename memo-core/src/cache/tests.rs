//! What others may do between two steps of a change.

use super::*;

fn place(cache: &Cache<u32>, key: u8, then: impl FnOnce()) {
    let hash = u64::from(key);
    let mut then = Some(then);
    cache.place(hash, Node::new(hash, &[key], u32::from(key), NEVER), |_| {
        then.take().into_iter().for_each(|then| then());
        true
    });
}

#[test]
fn a_bound_lowered_between_the_promise_of_a_place_and_its_use_holds() {
    for (before, lowered) in [(1, 0), (5, 2), (UNBOUNDED, 0)] {
        let cache = Cache::new(before, 0);
        (1..=u8::try_from(lowered).unwrap()).for_each(|key| place(&cache, key, || ()));
        // As `set_max` does that has already looked: the place is promised, and there is nothing to evict.
        place(&cache, 0, || cache.max.store(lowered, Relaxed));
        assert_eq!((cache.len(), cache.room()), (lowered, 0));
    }
}

#[test]
fn places_are_free_before_anyone_sees_the_cache_cleared() {
    let cache = Cache::new(10, 0);
    (0..10).for_each(|key| place(&cache, key, || ()));
    assert_eq!(cache.room(), 0);
    let (count, room) = cache.clear(|| cache.room());
    assert_eq!((count, room, cache.len()), (10, 10, 0));
}
