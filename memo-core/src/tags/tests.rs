use std::time::Duration;

use super::registry::lock;
use super::*;
use crate::epoch::participant::pin;
use crate::key::{KeyBytes, Tag};
use crate::platform::clock::Instant;
use crate::single_flight::flight::{Arrival, Claim, Flight, WaitOutcome};

// The registry belongs to the process, and other tests use it meanwhile. So each test has tags of its own.
fn tag(test: &str, n: u32) -> Tag {
    Tag::new(&("memokit", test, n))
}

#[test]
fn integers_of_all_types_make_one_tag_and_other_values_differ() {
    let same =
        [Tag::new(&("a", 42_u8)), Tag::new(&("a", 42_i64)), Tag::new(&("a".to_owned(), &42_u128))];
    assert!(same.iter().all(|tag| *tag == same[0]));
    let others = [
        Tag::new("a"),
        Tag::new("a, 42"),
        Tag::new(&("a", "42")),
        Tag::new(&("a", 42.0)),
        Tag::new(&("a", -42)),
        Tag::new(&("a", Some(42))),
        Tag::new(&("a", 'a')),
        Tag::new(&("a", "a")),
        Tag::new(&("a", ())),
        Tag::new(&("a\", \"", ())),
        same[0],
    ];
    for (at, tag) in others.iter().enumerate() {
        assert_eq!(others.iter().position(|other| other == tag), Some(at));
    }
}

#[test]
fn an_invalidation_ends_what_began_before_it_and_nothing_else() {
    let [a, b, c] = [1, 2, 3].map(|n| tag("ends", n));
    let (one, two) = (OpenTags::begin(&[a]), OpenTags::begin(&[a, b]));
    let (one, two) = (one.close(), two.close());
    let none = OpenTags::begin(&[]).close();
    invalidate(c);
    assert!(one.is_valid() && two.is_valid());
    invalidate(b);
    assert!(one.is_valid() && !two.is_valid() && none.is_valid());
    let later = OpenTags::begin(&[b, b]);
    assert!(!later.have_ended());
    let later = later.close();
    assert_eq!(later.tags(), [b]);
    invalidate(a);
    assert!(!one.is_valid() && !two.is_valid() && later.is_valid() && none.is_valid());
}

#[test]
fn a_tag_that_is_known_at_the_end_only_counts_from_the_beginning() {
    let [a, b] = [1, 2].map(|n| tag("open", n));
    let mut early = OpenTags::begin(&[]);
    invalidate(a);
    let mut late = OpenTags::begin(&[]);
    early.add(&[a, b]);
    late.add(&[a, b]);
    assert!(early.have_ended() && !late.have_ended());
    assert!(!early.close().is_valid());
    // The cell is still that of `late`, and then it is gone.
    let mut between = OpenTags::begin(&[]);
    invalidate(b);
    assert!(!late.close().is_valid());
    between.add(&[b]);
    assert!(between.have_ended());
}

fn flight() -> Flight<u32> {
    let claim = Claim { hash: 0, id: pin().unique_id(), leader: 0, renews: false };
    Flight::new(claim, KeyBytes::new(b"k"), None)
}

#[test]
fn who_comes_between_two_invalidations_does_not_get_what_began_before_both() {
    let a = tag("between", 1);
    let before = Arrival::now();
    let mut open = OpenTags::begin(&[]);
    invalidate(a);
    let between = Arrival::now();
    invalidate(a);
    open.add(&[a]);
    let flight = flight();
    flight.outdate(open.close().outdated_from());
    assert!(flight.is_outdated(&between) && !flight.is_outdated(&before));
}

#[test]
fn who_comes_between_two_invalidations_does_not_get_what_a_relief_began_before_both() {
    let flight = flight();
    let before = Arrival::now();
    let waited = flight.wait(Duration::from_millis(1));
    assert!(matches!(waited, WaitOutcome::Relieve));
    invalidate(tag("relief", 1));
    let between = Arrival::now();
    invalidate(tag("relief", 1));
    flight.complete_by_relief(7);
    assert!(flight.is_outdated(&between) && !flight.is_outdated(&before));
}

#[test]
fn of_too_many_invalidations_each_counts() {
    let running = OpenTags::begin(&[]);
    let mut first = OpenTags::begin(&[]);
    for n in 0..5000 {
        invalidate(tag("many", n));
    }
    let mut last = OpenTags::begin(&[]);
    // One that was forgotten, and one that was never invalidated, which nobody can tell apart any more.
    first.add(&[tag("many", 0), tag("many", 9999)]);
    last.add(&[tag("many", 0), tag("many", 9998)]);
    assert!(first.have_ended() && !last.have_ended());
    drop(running);
}

#[test]
fn tags_that_nobody_uses_are_forgotten() {
    let has = |n| lock().has(tag("forgotten", n));
    let sets: Vec<_> = (0..3000)
        .map(|n| OpenTags::begin(&[tag("forgotten", n), tag("forgotten", n / 2)]).close())
        .collect();
    assert!((0..3000).all(has));
    drop(sets);
    assert!(!(0..3000).any(has));
    drop(OpenTags::begin(&[tag("forgotten", 1)]));
    assert!(!has(1));
}

/// Others wait for the registry meanwhile.
#[test]
fn a_result_may_have_many_tags() {
    let spread = |n: u64| Tag::from_bits(n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let all: Vec<_> = (1..=50_000).map(spread).collect();
    let began = Instant::now();
    let mut open = OpenTags::begin(&all[1..]);
    open.add(&all);
    assert_eq!(open.close().tags().len(), all.len());
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}
