//! Tests of which departures are noted.

use super::*;

fn remembering() -> ShardedCache<u8> {
    ShardedCache::new(Limits { max: 10, departures: 10, ..LIMITS })
}

fn cause(cache: &ShardedCache<u8>, key: u8) -> Option<Cause> {
    match cache.departed(u64::from(key), &[key]) {
        Departed::Left(cause, _) => Some(cause),
        Departed::Never | Departed::Unknown(_) => None,
    }
}

#[test]
fn a_removal_during_a_computation_is_the_cause_that_counts() {
    type Remove = fn(&ShardedCache<u8>);
    let removals: [(Remover, Remove); 4] = [
        (Remover::Invalidate, |cache| _ = cache.remove(1, &[1], BY_HAND, &mut || ())),
        (Remover::Clear, |cache| _ = cache.clear(Remover::Clear, &mut || ())),
        (Remover::Retain, |cache| cache.invalidate_claims(Remover::Retain)),
        #[cfg(feature = "persist")]
        (Remover::Process, |cache| drop(cache.end_all(Remover::Process))),
    ];
    for (by, remove) in removals {
        for is_awaited in [false, true] {
            let cache = remembering();
            let claim = lead(&cache, 1);
            if is_awaited {
                let joined = cache.claim_or_join(1, &[1], &[], |_| true);
                assert!(matches!(joined, ClaimOutcome::Join(_)));
            }
            remove(&cache);
            assert!(!cache.finish(claim, new_entry(1)).kept);
            assert_eq!(cause(&cache, 1), Some(Cause::Invalidated(by)), "{is_awaited}");
        }
    }
}

#[test]
fn what_is_not_there_does_not_leave() {
    let cache = remembering();
    cache.remove(1, &[1], BY_HAND, &mut || ());
    assert_eq!(cause(&cache, 1), None);
    cache.remove(1, &[1], Removing { elsewhere: true, ..BY_HAND }, &mut || ());
    assert_eq!(cause(&cache, 1), Some(Cause::Invalidated(Remover::Invalidate)));
}
