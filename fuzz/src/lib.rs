//! The checks of the fuzz targets.

mod input;
/// Values of serde's data model, and the equality that keys must agree with. memo-core's own tests use this file too.
#[allow(dead_code)]
#[path = "../../memo-core/src/key/tests/model.rs"]
mod model;

use memo_core::fuzzing::{Seed, bytes, key, matches};
use memo_core::key::Key;
use memo_core::key::arguments::Serialized;

use input::Input;
use model::{Random, Value};

fn arguments(value: &Value) -> (Serialized<'_, Value>, ()) {
    (Serialized(value), ())
}

fn encoded(value: &Value) -> Vec<u8> {
    bytes(&Key::of(&arguments(value))).expect("the value has a key").to_vec()
}

/// Checks that two values have the same key if and only if they are equal, and that all sinks agree on this.
pub fn check_values(data: &[u8]) {
    let seed = Seed::random();
    let input = &mut Input(data);
    let random = &mut Random::new(input.word());
    let change = input.byte() % 3;
    let value = input.value(8);
    let other = match change {
        0 => input.value(8),
        1 => value.mutated(random),
        _ => value.permuted(random),
    };
    let (first, second) = (encoded(&value), encoded(&other));
    let same = value.normal() == other.normal();
    assert!(same || change < 2);
    assert_eq!(first == second, same);
    if [&first, &second].into_iter().any(|bytes| key(bytes).is_digest()) {
        // Its hash is that of the digest, which only the written key has.
        return;
    }
    let hashes = [&value, &other].map(|value| seed.hash(&arguments(value)));
    assert!(hashes[0].is_some());
    assert_eq!(hashes[0] == hashes[1], same);
    assert_eq!(hashes, [&first, &second].map(|bytes| seed.hash_bytes(bytes)));
    for (value, is_first) in [(&value, true), (&other, false)] {
        assert_eq!(matches(&arguments(value), &first), is_first || same);
        assert_eq!(matches(&arguments(value), &second), !is_first || same);
    }
    assert!(!format!("{:?}", key(&first)).is_empty());
}

/// Checks that bytes that are not a key are read without a panic, and match only the values that they encode.
pub fn check_bytes(data: &[u8]) {
    let seed = Seed::random();
    let input = &mut Input(data);
    let value = input.value(4);
    let rest = input.0;
    let _ = format!("{:?}", key(rest));
    let hashed = seed.hash_bytes(rest);
    if matches(&arguments(&value), rest) {
        assert_eq!(hashed, seed.hash(&arguments(&value)));
    }
    let encoding = encoded(&value);
    if key(&encoding).is_digest() {
        return;
    }
    let spliced = [&encoding, rest].concat();
    assert_eq!(matches(&arguments(&value), &spliced), rest.is_empty());
    assert_eq!(seed.hash_bytes(&spliced).is_some(), hashed.is_some());
}
