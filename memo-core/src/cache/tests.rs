//! Tests of what other threads can do between two steps of a change to the cache.

use std::sync::Arc;

use super::capacity::{Limits, UNBOUNDED, WHOLE};
use super::claiming::ClaimOutcome;
use super::departures::{Departed, Removing};
use super::entry::{Lifetime, NewEntry};
use super::sharded::ShardedCache;
use crate::epoch::participant::pin;
use crate::eviction::policy::Policy;
use crate::platform::clock::NEVER;
use crate::single_flight::flight::Claim;
use crate::statistics::explanation::{Cause, Remover};

const LIMITS: Limits = Limits {
    max: UNBOUNDED,
    max_bytes: None,
    shards: None,
    stale: 0,
    idle: None,
    refresh_rest: 0,
    timed: false,
    tagged: None,
    departures: 0,
    policy: Policy::Lru,
};

const BY_HAND: Removing = Removing { by: Remover::Invalidate, elsewhere: false };

fn bounded<H: Clone>(max: usize) -> ShardedCache<H> {
    ShardedCache::new(Limits { max, ..LIMITS })
}

fn new_entry<H>(held: H) -> NewEntry<H> {
    NewEntry { held, lifetime: Lifetime::until(NEVER), weight: None, cost: None }
}

/// Inserts an entry, and returns whether the bounds hold it.
fn insert<H: Clone>(
    cache: &ShardedCache<H>,
    hash: u64,
    key: &[u8],
    new_entry: NewEntry<H>,
) -> bool {
    cache.finish(cache.take_over(hash, key, None), new_entry).kept
}

fn keep<H: Clone>(cache: &ShardedCache<H>, key: u8, held: H) {
    insert(cache, u64::from(key), &[key], new_entry(held));
}

fn lead(cache: &ShardedCache<u8>, key: u8) -> Claim {
    match cache.claim_or_join(u64::from(key), &[key], &[], |_| true) {
        ClaimOutcome::Lead(claim) => claim,
        _ => panic!("the first caller leads"),
    }
}

#[test]
fn a_bound_lowered_after_a_place_is_reserved_holds_for_the_insertion() {
    for (before, lowered) in [(1, 0), (5, 2), (UNBOUNDED, 0)] {
        let cache = bounded(before);
        (1..=u8::try_from(lowered).unwrap()).for_each(|key| keep(&cache, key, key));
        let claim = lead(&cache, 0);
        let (shard, room) = cache.reserve_room(claim, &new_entry(0));
        // Does what `set_max` does after its search for entries to evict: the place is only reserved, so there is
        // nothing to evict.
        cache.capacity.set_max(lowered);
        cache.insert_reserved(claim, new_entry(0), shard, room);
        assert_eq!((cache.len(), cache.capacity.load().entries), (lowered, lowered));
    }
}

#[test]
fn a_clear_frees_all_places_before_it_runs_its_callback() {
    let cache = bounded(10);
    (0..10).for_each(|key| keep(&cache, key, key));
    assert_eq!(cache.capacity.load().entries, 10);
    let mut left = 10;
    let count = cache.clear(Remover::Clear, &mut || left = cache.capacity.load().entries);
    assert_eq!((count, left, cache.len()), (10, 0, 0));
}

#[test]
fn values_held_back_by_a_reader_are_freed_by_a_later_change() {
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
    cache.clear(Remover::Clear, &mut || ());
    assert_eq!((cache.len(), Arc::strong_count(&value)), (0, 6));
    drop(done);
    reading.join().unwrap();
    // Readers in other tests can hold the values back for a moment, too.
    let freed = (0..10_000).any(|_| {
        keep(1);
        Arc::strong_count(&value) == 2
    });
    assert!(freed);
}

mod adaptive;
mod advised;
mod departures;
mod idle;
mod policies;
mod weights;
