//! What others may do between two steps of a change.

use super::*;
use crate::clock::NEVER;

const LIMITS: Limits =
    Limits { max: UNBOUNDED, max_bytes: None, shards: None, stale: 0, idle: None };

fn bounded<H: Clone>(max: usize) -> Cache<H> {
    Cache::new(Limits { max, ..LIMITS })
}

fn node<H>(key: &[u8], held: H) -> Node<H> {
    Node::new(u64::from(key[0]), key, Fresh { held, expires: NEVER, weight: None, steady: false })
}

fn place(cache: &Cache<u32>, key: u8, then: impl FnOnce()) {
    let hash = u64::from(key);
    let mut then = Some(then);
    cache.place(hash, node(&[key], u32::from(key)), |_| {
        then.take().into_iter().for_each(|then| then());
        true
    });
}

#[test]
fn a_bound_lowered_between_the_promise_of_a_place_and_its_use_holds() {
    for (before, lowered) in [(1, 0), (5, 2), (UNBOUNDED, 0)] {
        let cache = bounded(before);
        (1..=u8::try_from(lowered).unwrap()).for_each(|key| place(&cache, key, || ()));
        // As `set_max` does that has already looked: the place is promised, and there is nothing to evict.
        place(&cache, 0, || cache.gauge.set_max(lowered));
        assert_eq!((cache.len(), cache.room().0), (lowered, 0));
    }
}

#[test]
fn places_are_free_before_anyone_sees_the_cache_cleared() {
    let cache = bounded(10);
    (0..10).for_each(|key| place(&cache, key, || ()));
    assert_eq!(cache.room().0, 0);
    let mut room = 0;
    let count = cache.clear(&mut || room = cache.room().0);
    assert_eq!((count, room, cache.len()), (10, 10, 0));
}

#[test]
fn what_a_reader_held_back_is_freed_by_a_later_change() {
    let (cache, value) = (bounded(10), Arc::new(()));
    let keep = |key: u8| {
        let hash = u64::from(key);
        drop(cache.place(hash, node(&[key], Arc::clone(&value)), |_| true));
    };
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
