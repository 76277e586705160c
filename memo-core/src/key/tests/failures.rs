//! A `Serialize` that fails at one part, and ignores the failure everywhere else, has no key in any sink.

use std::cell::Cell;
use std::collections::BinaryHeap;

use serde::ser::{
    Error as _, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::super::Key;
use super::super::arguments::{hash, matches};
use super::super::hash::Seed;
use super::super::{KeySize, SearchKey};
use super::model::{Random, Value};
use super::{args, cases, key, stored};

/// Serializes a value, but fails at one of its parts and continues wherever it can.
struct IgnoresFailures<'a> {
    value: &'a Value,
    /// The number of parts before the failure.
    left: &'a Cell<usize>,
    /// Whether to fail after the part was begun, if possible.
    late: bool,
}

impl<'a> IgnoresFailures<'a> {
    fn part(&self, value: &'a Value) -> Self {
        Self { value, left: self.left, late: self.late }
    }
}

impl PartialEq for IgnoresFailures<'_> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}
impl Eq for IgnoresFailures<'_> {}
impl PartialOrd for IgnoresFailures<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for IgnoresFailures<'_> {
    fn cmp(&self, _: &Self) -> std::cmp::Ordering {
        std::cmp::Ordering::Equal
    }
}

/// Serializes every part to `$out` and ignores failures. Ends `$out` unless `$fails`.
macro_rules! ignore_failures {
    ($self:ident, $fails:ident, $out:expr, |$to:ident| $parts:expr) => {{
        let mut $to = $out?;
        $parts;
        if $fails { Err(S::Error::custom("late")) } else { $to.end() }
    }};
}

impl Serialize for IgnoresFailures<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let left = self.left.get();
        self.left.set(left.wrapping_sub(1));
        let fails = left == 0;
        if fails && !self.late {
            return Err(S::Error::custom("early"));
        }
        let outcome = match self.value {
            Value::Some(v) => s.serialize_some(&self.part(v)),
            Value::Newtype(name, v) => s.serialize_newtype_struct(name, &self.part(v)),
            Value::NewtypeVariant(name, index, variant, v) => {
                s.serialize_newtype_variant(name, *index, variant, &self.part(v))
            }
            Value::Seq(items) | Value::Tuple(items) => {
                ignore_failures!(self, fails, s.serialize_seq(None), |out| for item in items {
                    let _ = out.serialize_element(&self.part(item));
                })
            }
            Value::Set(items) => {
                s.collect_seq(&items.iter().map(|item| self.part(item)).collect::<BinaryHeap<_>>())
            }
            Value::TupleStruct(name, items) => {
                ignore_failures!(self, fails, s.serialize_tuple_struct(name, 0), |out| for item in
                    items
                {
                    let _ = out.serialize_field(&self.part(item));
                })
            }
            Value::TupleVariant(name, index, variant, items) => {
                let out = s.serialize_tuple_variant(name, *index, variant, 0);
                ignore_failures!(self, fails, out, |out| for item in items {
                    let _ = out.serialize_field(&self.part(item));
                })
            }
            Value::Map(entries) => {
                ignore_failures!(self, fails, s.serialize_map(None), |out| for (key, value) in
                    entries
                {
                    let _ = out.serialize_key(&self.part(key));
                    let _ = out.serialize_value(&self.part(value));
                })
            }
            Value::Struct(name, fields) => {
                ignore_failures!(self, fails, s.serialize_struct(name, 0), |out| for (
                    name,
                    value,
                ) in fields
                {
                    let _ = out.serialize_field(name, &self.part(value));
                })
            }
            Value::StructVariant(name, index, variant, fields) => {
                let out = s.serialize_struct_variant(name, *index, variant, 0);
                ignore_failures!(self, fails, out, |out| for (name, value) in fields {
                    let _ = out.serialize_field(name, &self.part(value));
                })
            }
            leaf => leaf.serialize(s),
        };
        if fails { Err(S::Error::custom("late")) } else { outcome }
    }
}

#[test]
fn a_value_with_a_failed_part_has_no_key_in_any_sink() {
    let seed = Seed::random();
    let mut failed = 0;
    for case in 0..cases() {
        let random = &mut Random::new(case);
        let value = Value::random(random, 5);
        let at = random.below(12);
        let late = random.below(2) == 1;
        let left = Cell::new(0);
        // Each pass starts with its own count.
        let failing = || {
            left.set(at);
            IgnoresFailures { value: &value, left: &left, late }
        };
        let key_of_failing = Key::of(&args(&failing()));
        let fails = left.get() > at;
        failed += u64::from(fails);
        assert_eq!(key_of_failing.is_keyable(), !fails, "{value:?} at {at}");
        assert_eq!(hash(&args(&failing()), &seed).is_ok(), !fails, "{value:?} at {at}");
        assert_eq!(matches(&args(&failing()), &stored(&value)), !fails, "{value:?} at {at}");
        let (failing, size) = (failing(), KeySize::default());
        let hash = SearchKey::with(&args(&failing), &seed, &size, |key| key.hash());
        assert_eq!(hash.is_some(), !fails, "{value:?} at {at}");
        if let Some(partial) = key_of_failing.bytes() {
            assert_eq!(partial, key(&value));
        }
    }
    assert!(failed > cases() / 10, "too few failed: {failed}");
}
