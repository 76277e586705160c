//! Tests that entries expire when they are not used.

use super::*;
use crate::platform::clock::{
    self, LAG, Millis,
    steps::{pass, sleep},
};

const IDLE: Millis = 1000;

fn cache_with_idle_time(max: usize) -> ShardedCache<u8> {
    ShardedCache::new(Limits { max, idle: Some(IDLE), ..LIMITS })
}

fn keep(cache: &ShardedCache<u8>, key: u8, expires: Millis) {
    let new_entry =
        NewEntry { held: key, lifetime: Lifetime::until(expires), weight: None, cost: None };
    insert(cache, u64::from(key), &[key], new_entry);
}

fn look(cache: &ShardedCache<u8>, key: u8) -> bool {
    cache.get(u64::from(key), |stored| stored == [key], true).is_some()
}

fn has(cache: &ShardedCache<u8>, key: u8) -> bool {
    cache.peek(u64::from(key), &[key]).is_some()
}

/// Makes a claim, as a call that missed does, and returns its outcome. Abandons the claim if it leads.
fn claim_outcome(cache: &ShardedCache<u8>, key: u8) -> &'static str {
    match cache.claim_or_join(u64::from(key), &[key], &[], |_| true) {
        ClaimOutcome::Hit(_) => "hit",
        ClaimOutcome::Stale(_) => "stale",
        ClaimOutcome::Join(_) => "join",
        ClaimOutcome::Lead(flight) => {
            cache.abandon(flight, Some(0));
            "lead"
        }
    }
}

#[test]
fn an_entry_expires_when_the_idle_time_has_passed_since_its_last_use() {
    for max in [10, UNBOUNDED] {
        let cache = cache_with_idle_time(max);
        keep(&cache, 1, NEVER);
        keep(&cache, 2, NEVER);
        for _ in 0..5 {
            pass(IDLE / 2);
            assert!(look(&cache, 1));
        }
        assert!(!look(&cache, 2) && !has(&cache, 2));
        assert_eq!((cache.len(), cache.usage().0), (1, 1));
        pass(IDLE / 2);
        assert_eq!(claim_outcome(&cache, 1), "hit");
        // A peek does not count as a use.
        pass(IDLE - LAG);
        assert!(has(&cache, 1));
        pass(3 * LAG);
        assert!(!has(&cache, 1) && claim_outcome(&cache, 1) == "lead" && cache.len() == 0);
        let mut seen = 0;
        cache.for_each(&mut |_| seen += 1);
        assert_eq!(seen, 0);
        assert!(!cache.remove(1, &[1], BY_HAND, &mut || ()));
    }
}

#[test]
fn lifetimes_and_idle_times_end_while_the_machine_sleeps() {
    let cache = cache_with_idle_time(UNBOUNDED);
    keep(&cache, 1, NEVER);
    let lasting: ShardedCache<u8> = ShardedCache::new(LIMITS);
    keep(&lasting, 1, clock::now() + 60_000);
    keep(&lasting, 2, clock::now() + 6_000_000);
    sleep(3_600_000);
    // The clock looks for a sleep every 100 ms.
    pass(100);
    assert!(!has(&cache, 1) && !has(&lasting, 1) && has(&lasting, 2));
}

#[test]
fn stamps_that_are_times_keep_the_order_of_use() {
    let cache = cache_with_idle_time(3);
    (1..=3).for_each(|key| keep(&cache, key, NEVER));
    // Tests the order within one tick of the clock, then across ticks.
    assert!(look(&cache, 1));
    keep(&cache, 4, NEVER);
    assert!(!has(&cache, 2));
    pass(20);
    assert!(look(&cache, 3) && look(&cache, 1));
    keep(&cache, 5, NEVER);
    assert!(!has(&cache, 4) && has(&cache, 1) && has(&cache, 3) && has(&cache, 5));
}

#[test]
fn idle_entries_are_swept_and_counted_as_expired() {
    let cache = cache_with_idle_time(UNBOUNDED);
    (0..50).for_each(|key| keep(&cache, key, NEVER));
    pass(2 * IDLE);
    assert!(cache.count() == 50 && cache.len() == 0);
    (0..20).for_each(|_| (100..150).for_each(|key| keep(&cache, key, NEVER)));
    assert_eq!((cache.len(), cache.removed().0), (50, 0));
    assert!(cache.count() < 100 && cache.removed().1 > 0);
}

#[test]
fn an_entry_expires_by_its_lifetime_too_and_is_not_returned_stale_when_idle() {
    let life = Limits { stale: 10 * IDLE, idle: Some(IDLE), ..LIMITS };
    let cache: ShardedCache<u8> = ShardedCache::new(life);
    keep(&cache, 1, clock::now() + IDLE / 2);
    pass(IDLE * 3 / 4);
    assert!(!look(&cache, 1) && !has(&cache, 1));
    let computing = match cache.claim_or_join(1, &[1], &[], |_| true) {
        ClaimOutcome::Lead(flight) => flight,
        _ => panic!("the first caller leads"),
    };
    // A stale value that is returned counts as a use.
    assert_eq!(claim_outcome(&cache, 1), "stale");
    pass(IDLE * 3 / 4);
    assert_eq!(claim_outcome(&cache, 1), "stale");
    pass(IDLE * 2);
    assert_eq!(claim_outcome(&cache, 1), "join");
    cache.abandon(computing, Some(0));
}

#[test]
fn a_hit_on_an_entry_that_is_due_for_a_refresh_counts_as_a_use() {
    let life = Limits { idle: Some(IDLE), refresh_rest: WHOLE, ..LIMITS };
    let cache: ShardedCache<u8> = ShardedCache::new(life);
    let expires = clock::now() + 50 * IDLE;
    cache.expect_refresh(Lifetime::until(expires));
    keep(&cache, 1, expires);
    assert!(!look(&cache, 1));
    let ClaimOutcome::Lead(flight) = cache.claim_or_join(1, &[1], &[], |_| true) else {
        panic!("the entry is due for a refresh")
    };
    for _ in 0..4 {
        pass(IDLE / 2);
        assert_eq!(claim_outcome(&cache, 1), "hit");
    }
    cache.abandon(flight, Some(0));
}

#[test]
fn a_very_long_idle_time_never_expires_an_entry() {
    for idle in [NEVER, NEVER - 1, NEVER / 2] {
        let cache: ShardedCache<u8> = ShardedCache::new(Limits { idle: Some(idle), ..LIMITS });
        keep(&cache, 1, NEVER);
        pass(1 << 30);
        assert!(look(&cache, 1));
    }
}
