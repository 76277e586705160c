//! Stored bytes that no writer makes. They match nothing, and reading them does no harm.

use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};

use super::super::arguments::{hash, matches};
use super::super::hash::Seed;
use super::super::{Key, hash_bytes};
use super::model::{Random, Value as V};
use super::{args, cases, key};

/// Bytes that nest deeper than any encoding are not an encoding.
#[test]
fn bytes_that_nest_too_deep_are_not_a_key() {
    let seed = Seed::random();
    for tag in [0x15u8, 0x16, 0x17, 0x18] {
        let deep = vec![tag; 100_000];
        assert_eq!(hash_bytes(&deep, &seed), None);
        let printed = format!("{:?}", Key::from_bytes(&deep));
        assert!(printed.contains("no key"));
    }
}

fn sorted(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes.sort_unstable();
    bytes
}

/// Stored bytes with a part moved, repeated or removed match nothing.
#[test]
fn spliced_bytes_match_nothing() {
    let seed = Seed::random();
    for case in 0..cases() {
        let random = &mut Random::new(case);
        let value = V::random(random, 4);
        let bytes = key(&value);
        let mut ends = [random.below(bytes.len() + 1), random.below(bytes.len() + 1)];
        ends.sort_unstable();
        let [from, to] = ends;
        let mut spliced = bytes.clone();
        match random.below(4) {
            0 => drop(spliced.drain(from..to)),
            1 => spliced.extend_from_within(from..to),
            2 => spliced.copy_within(from..to, random.below(bytes.len() - (to - from) + 1)),
            _ => drop(spliced.splice(from..from, bytes[from..to].iter().copied())),
        }
        let _ = format!("{:?}", Key::from_bytes(&spliced));
        let hashed = hash_bytes(&spliced, &seed);
        // The same bytes in another order may encode the same items, in an order that no writer makes.
        if sorted(&spliced) != sorted(&bytes) {
            assert!(!matches(&args(&value), &spliced), "{value:?} and {spliced:02x?}");
            assert_ne!(hashed, hash(&args(&value), &seed).ok(), "{value:?} and {spliced:02x?}");
        }
    }
}

/// Returns the bytes of a struct named `s`, with these bytes after the name.
fn with_fields(fields: &[u8]) -> Vec<u8> {
    [&[0x1c, 1, b's'], fields].concat()
}

#[test]
fn a_length_has_only_one_form() {
    let seed = Seed::random();
    let long = [0x11, 0xff, 1, 0, 0, 0, b'a'];
    assert_eq!(hash_bytes(&long, &seed), None);
    assert!(!matches(&args("a"), &long));
    assert_eq!(hash_bytes(&[0x11, 0xfe, b'a'], &seed), None);
}

/// A struct that serializes the field `a` this number of times.
struct Repeating(usize);

impl Serialize for Repeating {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut out = s.serialize_struct("s", self.0)?;
        (0..self.0).try_for_each(|_| out.serialize_field("a", &1u8))?;
        out.end()
    }
}

#[test]
fn each_field_matches_only_once() {
    let field = [1, b'a', 4, 1];
    let once = with_fields(&[&field[..], &[0xfe]].concat());
    let twice = with_fields(&[&field[..], &field, &[0xfe]].concat());
    assert_eq!(key(&Repeating(1)), once);
    assert!(matches(&args(&Repeating(1)), &once));
    for given in [1, 3] {
        assert!(!matches(&args(&Repeating(given)), &twice));
    }
    assert!(!matches(&args(&Repeating(2)), &once));
}
