//! Entries that nobody uses end.

use super::*;
use crate::platform::clock::{self, LAG, Millis, steps::pass};

const IDLE: Millis = 1000;

fn idling(max: usize) -> ShardedCache<u8> {
    ShardedCache::new(Limits { max, idle: Some(IDLE), ..LIMITS })
}

fn keep(cache: &ShardedCache<u8>, key: u8, expires: Millis) {
    let fresh = NewEntry { held: key, expires, weight: None, never_refreshed: false };
    cache.restore(u64::from(key), &[key], fresh);
}

fn look(cache: &ShardedCache<u8>, key: u8) -> bool {
    cache.get(u64::from(key), |stored| stored == [key], |held| Some(*held)).is_some()
}

fn has(cache: &ShardedCache<u8>, key: u8) -> bool {
    cache.peek(u64::from(key), &[key]).is_some()
}

/// As a call that missed.
fn asked(cache: &ShardedCache<u8>, key: u8) -> &'static str {
    match cache.claim_or_join(u64::from(key), &[key], |_| true) {
        ClaimOutcome::Hit(_) => "hit",
        ClaimOutcome::Stale(_) => "stale",
        ClaimOutcome::Join(_) => "join",
        ClaimOutcome::Lead(flight) => {
            cache.abandon(flight, true);
            "lead"
        }
    }
}

#[test]
fn an_entry_lives_for_so_long_after_its_last_use_and_not_longer() {
    for max in [10, UNBOUNDED] {
        let cache = idling(max);
        keep(&cache, 1, NEVER);
        keep(&cache, 2, NEVER);
        for _ in 0..5 {
            pass(IDLE / 2);
            assert!(look(&cache, 1));
        }
        assert!(!look(&cache, 2) && !has(&cache, 2));
        assert_eq!((cache.len(), cache.usage().0), (1, 1));
        pass(IDLE / 2);
        assert_eq!(asked(&cache, 1), "hit");
        // A look is no use.
        pass(IDLE - LAG);
        assert!(has(&cache, 1));
        pass(3 * LAG);
        assert!(!has(&cache, 1) && asked(&cache, 1) == "lead" && cache.len() == 0);
        let mut seen = 0;
        cache.for_each(&mut |_, _, _| seen += 1);
        assert_eq!(seen, 0);
        assert!(!cache.remove(1, &[1], &mut || ()));
    }
}

#[test]
fn stamps_that_are_times_keep_the_order_of_uses() {
    let cache = idling(3);
    (1..=3).for_each(|key| keep(&cache, key, NEVER));
    // Within one tick and across ticks.
    assert!(look(&cache, 1));
    keep(&cache, 4, NEVER);
    assert!(!has(&cache, 2));
    pass(20);
    assert!(look(&cache, 3) && look(&cache, 1));
    keep(&cache, 5, NEVER);
    assert!(!has(&cache, 4) && has(&cache, 1) && has(&cache, 3) && has(&cache, 5));
}

#[test]
fn what_is_idle_is_swept_and_counted() {
    let cache = idling(UNBOUNDED);
    (0..50).for_each(|key| keep(&cache, key, NEVER));
    pass(2 * IDLE);
    assert!(cache.count() == 50 && cache.len() == 0);
    (0..20).for_each(|_| (100..150).for_each(|key| keep(&cache, key, NEVER)));
    assert_eq!((cache.len(), cache.removed().0), (50, 0));
    assert!(cache.count() < 100 && cache.removed().1 > 0);
}

#[test]
fn it_ends_at_its_end_too_and_is_not_stale_when_idle() {
    let life = Limits { stale: 10 * IDLE, idle: Some(IDLE), ..LIMITS };
    let cache: ShardedCache<u8> = ShardedCache::new(life);
    keep(&cache, 1, clock::now() + IDLE / 2);
    pass(IDLE * 3 / 4);
    assert!(!look(&cache, 1) && !has(&cache, 1));
    let computing = match cache.claim_or_join(1, &[1], |_| true) {
        ClaimOutcome::Lead(flight) => flight,
        _ => panic!("the first who asks computes"),
    };
    // To be given a stale value is a use.
    assert_eq!(asked(&cache, 1), "stale");
    pass(IDLE * 3 / 4);
    assert_eq!(asked(&cache, 1), "stale");
    pass(IDLE * 2);
    assert_eq!(asked(&cache, 1), "join");
    cache.abandon(computing, true);
}

#[test]
fn an_entry_to_be_renewed_ahead_is_used_by_who_asks() {
    let cache = idling(UNBOUNDED);
    cache.set_ahead(100 * IDLE);
    keep(&cache, 1, clock::now() + 50 * IDLE);
    assert!(!look(&cache, 1));
    let ClaimOutcome::Lead(flight) = cache.claim_or_join(1, &[1], |_| true) else {
        panic!("it is due")
    };
    for _ in 0..4 {
        pass(IDLE / 2);
        assert_eq!(asked(&cache, 1), "hit");
    }
    cache.abandon(flight, true);
}

#[test]
fn no_end_is_no_end() {
    for idle in [NEVER, NEVER - 1, NEVER / 2] {
        let cache: ShardedCache<u8> = ShardedCache::new(Limits { idle: Some(idle), ..LIMITS });
        keep(&cache, 1, NEVER);
        pass(1 << 30);
        assert!(look(&cache, 1));
    }
}
