//! What others may do between two steps of a change.

use std::sync::Arc;

use super::capacity::{Limits, UNBOUNDED};
use super::entry::{NewEntry, OwnedEntry};
use super::insertion::Insertion;
use super::sharded::{ClaimOutcome, ShardedCache};
use crate::epoch::participant::pin;
use crate::platform::clock::NEVER;
use crate::single_flight::flight::Claim;

const LIMITS: Limits =
    Limits { max: UNBOUNDED, max_bytes: None, shards: None, stale: 0, idle: None };

fn bounded<H: Clone>(max: usize) -> ShardedCache<H> {
    ShardedCache::new(Limits { max, ..LIMITS })
}

fn fresh<H>(held: H) -> NewEntry<H> {
    NewEntry { held, expires: NEVER, weight: None, never_refreshed: false }
}

fn keep<H: Clone>(cache: &ShardedCache<H>, key: u8, held: H) {
    cache.restore(u64::from(key), &[key], fresh(held));
}

fn lead(cache: &ShardedCache<u8>, key: u8) -> Claim {
    match cache.claim_or_join(u64::from(key), &[key], |_| true) {
        ClaimOutcome::Lead(claim) => claim,
        _ => panic!("the first who asks computes"),
    }
}

#[test]
fn a_bound_lowered_between_the_promise_of_a_place_and_its_use_holds() {
    for (before, lowered) in [(1, 0), (5, 2), (UNBOUNDED, 0)] {
        let cache = bounded(before);
        (1..=u8::try_from(lowered).unwrap()).for_each(|key| keep(&cache, key, key));
        let coming = Insertion::Found(OwnedEntry::new(0, &[0], fresh(0)));
        let (shard, room) = cache.reserve_room(0, &coming);
        // As `set_max` does that has already looked: the place is reserved, and there is nothing to evict.
        cache.capacity.set_max(lowered);
        cache.insert_reserved(0, coming, shard, room);
        assert_eq!((cache.len(), cache.room().0), (lowered, 0));
    }
}

/// A claim that saw no entry looks for none when it ends.
#[test]
fn what_recovery_finds_while_its_value_is_computed_is_replaced_by_it() {
    for others in [0, 20] {
        let cache = bounded(100);
        let claims: Vec<Claim> = (1..=others).map(|key| lead(&cache, key)).collect();
        let claim = lead(&cache, 0);
        keep(&cache, 0, 1);
        assert!(cache.finish(claim, fresh(2)).kept);
        assert_eq!((cache.peek(0, &[0]), cache.count()), (Some(2), 1));
        claims.into_iter().for_each(|claim| cache.abandon(claim, true));
        assert_eq!(cache.claimed(), 0);
    }
}

#[test]
fn places_are_free_before_anyone_sees_the_cache_cleared() {
    let cache = bounded(10);
    (0..10).for_each(|key| keep(&cache, key, key));
    assert_eq!(cache.room().0, 0);
    let mut room = 0;
    let count = cache.clear(&mut || room = cache.room().0);
    assert_eq!((count, room, cache.len()), (10, 10, 0));
}

#[test]
fn what_a_reader_held_back_is_freed_by_a_later_change() {
    let (cache, value) = (bounded(10), Arc::new(()));
    let keep = |key: u8| keep(&cache, key, Arc::clone(&value));
    (0..5).for_each(keep);
    let (reads, reader) = std::sync::mpsc::channel();
    let (done, end) = std::sync::mpsc::channel::<()>();
    let reading = std::thread::spawn(move || {
        let _pin = pin();
        reads.send(()).unwrap();
        let _ = end.recv();
    });
    reader.recv().unwrap();
    cache.clear(&mut || ());
    assert_eq!((cache.len(), Arc::strong_count(&value)), (0, 6));
    drop(done);
    reading.join().unwrap();
    // Other tests read for a moment, too.
    let freed = (0..10_000).any(|_| {
        keep(1);
        Arc::strong_count(&value) == 2
    });
    assert!(freed);
}

mod idle;
mod weights;
