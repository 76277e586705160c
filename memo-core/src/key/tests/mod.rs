//! Tests of the encoding: it is canonical and injective, its sinks agree, and no `Serialize` can break it.

mod attacks;
mod digest;
mod edges;
mod failures;
mod golden;
mod model;
mod stored;

use std::cell::Cell;
use std::collections::{HashMap, HashSet};

use serde::Serialize;
use serde::ser::{Error as _, SerializeMap, SerializeSeq, SerializeStruct, Serializer};

use super::arguments::{Arguments, Octets, Serialized, hash, matches};
use super::hash::Seed;
use super::tag::NoKey;
use super::write::Fields;
use super::*;
use model::{Random, Value};

fn args<T: Serialize + ?Sized>(value: &T) -> (Serialized<'_, T>, ()) {
    (Serialized(value), ())
}

fn key<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    Key::of(&args(value)).bytes().expect("a key").to_vec()
}

/// Returns the bytes that a cache stores.
fn stored<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    arguments::with_bytes(&args(value), Fields::AsSerialized, |bytes| {
        bytes.expect("a key").to_vec()
    })
}

/// Returns the hash and the bytes that a recorder has for `value`.
fn recorded<T: Serialize + ?Sized>(value: &T, seed: &Seed) -> (Result<u64, NoKey>, Vec<u8>) {
    let mut room = vec![0; tag::MAX_LENGTH];
    let mut sink = recorder::Recorder::new(seed, &mut room);
    let _ = args(value).encode(&mut sink);
    let recorder::Recorded { hash, len } = sink.finish();
    room.truncate(len);
    (hash, room)
}

/// Reports whether one pass is enough to see that `stored` is the key of `value`.
fn matches_in_one_pass<T: Serialize + ?Sized>(value: &T, stored: &[u8]) -> bool {
    let mut sink = compare::Compare::new(stored);
    let _ = args(value).encode(&mut sink);
    sink.verdict() == compare::Verdict::Equal
}

fn print<T: Serialize + ?Sized>(value: &T) -> String {
    format!("{:?}", Key::of(&args(value)))
}

/// Returns the number of random cases. `MEMOKIT_KEY_CASES` overrides the default.
fn cases() -> u64 {
    std::env::var("MEMOKIT_KEY_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(20_000)
}

/// Returns the hash of a key as a call looks for it, and whether it is found by `stored`.
fn searched<A: Arguments>(arguments: &A, stored: &[u8], seed: &Seed) -> (Option<u64>, bool) {
    let size = KeySize::default();
    let find = || SearchKey::with(arguments, seed, &size, |key| (key.hash(), key.matches(stored)));
    // The first may have had no room for it.
    find();
    find()
}

/// Asserts that the sinks agree on `value` and on the bytes of its key. Returns the hash.
fn check_sinks(value: &Value, bytes: &[u8], seed: &Seed) -> u64 {
    let hashed = hash(&args(value), seed).unwrap();
    assert_eq!(hash_bytes(bytes, seed), Some(hashed), "{value:?}");
    assert!(matches(&args(value), bytes), "{value:?} against its own bytes");
    let as_stored = stored(value);
    let (searched, copied) = recorded(value, seed);
    assert_eq!((searched.unwrap(), &copied), (hashed, &as_stored), "{value:?} recorded");
    assert!(matches_in_one_pass(value, &as_stored), "{value:?} against its stored bytes");
    assert!(same_key(&as_stored, bytes), "{value:?} as stored and canonical");
    assert_eq!(hash_bytes(&as_stored, seed), Some(hashed), "{value:?} as stored");
    assert!(!print(value).contains('?') || format!("{value:?}").contains('?'));
    hashed
}

#[test]
fn values_have_equal_keys_exactly_if_they_are_alike() {
    let seed = Seed::random();
    let mut alike = 0;
    for case in 0..cases() {
        let random = &mut Random::new(case);
        let value = Value::random(random, 4);
        let bytes = key(&value);
        let hashed = check_sinks(&value, &bytes, &seed);

        let permuted = value.permuted(random);
        assert_eq!(key(&permuted), bytes, "{value:?} and {permuted:?}");
        assert_eq!(check_sinks(&permuted, &bytes, &seed), hashed);

        let other = if case % 2 == 0 { value.mutated(random) } else { Value::random(random, 2) };
        let same = other.normal() == value.normal();
        alike += u64::from(same);
        let other_bytes = key(&other);
        assert_eq!(other_bytes == bytes, same, "{value:?} and {other:?}");
        assert_eq!(matches(&args(&other), &bytes), same, "{value:?} and {other:?}");
        assert_eq!(matches(&args(&other), &stored(&value)), same, "{value:?} and {other:?}");
        let (found, is_found) = searched(&args(&other), &stored(&value), &seed);
        assert_eq!((found == Some(hashed), is_found), (same, same), "{value:?} and {other:?}");
        assert_eq!(
            super::same_key(&stored(&other), &stored(&value)),
            same,
            "{value:?} and {other:?}"
        );
        assert_eq!(hash(&args(&other), &seed) == Ok(hashed), same, "{value:?} and {other:?}");
    }
    assert!(alike > cases() / 500, "too few mutations change nothing: {alike}");
}

/// Damaged bytes match nothing, and reading them ends.
#[test]
fn damaged_keys_match_nothing() {
    let seed = Seed::random();
    for case in 0..cases() / 10 {
        let random = &mut Random::new(case);
        let value = Value::random(random, 3);
        let bytes = key(&value);
        let mut damaged = bytes.clone();
        let at = random.below(damaged.len());
        damaged[at] ^= 1 << random.below(8);
        assert!(!matches(&args(&value), &damaged));
        hash_bytes(&damaged, &seed);
        let _ = format!("{:?}", Key::from_bytes(&damaged));
        for end in 0..bytes.len() {
            assert!(!matches(&args(&value), &bytes[..end]));
            assert_eq!(hash_bytes(&bytes[..end], &seed).filter(|_| end > 0), None);
        }
    }
}

#[test]
fn the_boundaries_between_arguments_are_in_the_key() {
    let key_of = |a: &str, b: &str| Key::of(&(Serialized(a), (Serialized(b), ())));
    assert_ne!(key_of("ab", "c"), key_of("a", "bc"));
    assert_ne!(
        Key::of(&(Serialized(&1u8), ())),
        Key::of(&(Serialized(&1u8), (Serialized(&1u8), ())))
    );
    assert_ne!(Key::of(&(Octets(b"ab"), ())), Key::of(&args(&Bytes(b"ab"))));
}

struct Bytes<'a>(&'a [u8]);

impl Serialize for Bytes<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_bytes(self.0)
    }
}

#[test]
fn values_of_different_kinds_have_different_keys() {
    #[derive(Serialize)]
    struct Empty;
    #[derive(Serialize)]
    struct Wrapper(u32);
    #[derive(Serialize)]
    struct Braces {}
    #[derive(Serialize)]
    enum Choice {
        A,
        B(u32),
        C { x: u32 },
    }
    let nested: Option<Option<u32>> = Some(None);
    let none: Option<Option<u32>> = None;
    let empty_map: HashMap<u8, u8> = HashMap::new();
    let keys = [
        key(&()),
        key(&Empty),
        key(&Braces {}),
        key::<[u8; 0]>(&[]),
        key(&empty_map),
        key(&none),
        key(&nested),
        key(&5u8),
        key(&5u16),
        key(&5u32),
        key(&5u64),
        key(&5i32),
        key(&5u128),
        key(&Wrapper(5)),
        key(&Some(5u32)),
        key(&(5u32,)),
        key(&Choice::A),
        key(&Choice::B(5)),
        key(&Choice::C { x: 5 }),
        key(&'a'),
        key("a"),
        key(&Bytes(b"a")),
        key(b"a"),
        key(&0.0f64),
        key(&-0.0f64),
        key(&0.0f32),
        key("A"),
        key(&"A"[..0]),
    ];
    for (i, a) in keys.iter().enumerate() {
        for b in &keys[i + 1..] {
            assert_ne!(a, b);
        }
    }
    assert_eq!(key(&f64::NAN), key(&-f64::NAN));
    assert_eq!(key(&vec![1u8, 2]), key(&(1u8, 2u8)));
}

#[test]
fn absent_and_flattened_fields_are_unambiguous() {
    #[derive(Serialize)]
    struct Sparse {
        #[serde(skip_serializing_if = "Option::is_none")]
        a: Option<u32>,
        #[serde(skip_serializing_if = "Option::is_none")]
        b: Option<u32>,
    }
    assert_ne!(key(&Sparse { a: Some(1), b: None }), key(&Sparse { a: None, b: Some(1) }));

    #[derive(Serialize)]
    struct Flat {
        x: u32,
        #[serde(flatten)]
        rest: HashMap<String, u32>,
    }
    let flat = |rest: &[(&str, u32)]| {
        key(&Flat { x: 1, rest: rest.iter().map(|(k, v)| ((*k).to_owned(), *v)).collect() })
    };
    assert_eq!(flat(&[("p", 1), ("q", 2)]), flat(&[("q", 2), ("p", 1)]));
    assert_ne!(flat(&[("p", 1), ("q", 2)]), flat(&[("p", 2), ("q", 1)]));
}

#[test]
fn tagged_enums_have_different_keys() {
    #[derive(Serialize)]
    #[serde(untagged)]
    enum Untagged {
        Number(u32),
        Text(String),
    }
    #[derive(Serialize)]
    #[serde(tag = "t")]
    enum Internal {
        A { x: u32 },
        B { x: u32 },
    }
    #[derive(Serialize)]
    #[serde(tag = "t", content = "c")]
    enum Adjacent {
        A(u32),
        B(u32),
    }
    assert_ne!(key(&Untagged::Number(5)), key(&Untagged::Text("5".into())));
    assert_ne!(key(&Internal::A { x: 1 }), key(&Internal::B { x: 1 }));
    assert_ne!(key(&Adjacent::A(1)), key(&Adjacent::B(1)));
}

#[test]
fn a_key_prints_its_arguments() {
    #[derive(Serialize)]
    enum Side {
        Buy,
    }
    #[derive(Serialize)]
    struct Options {
        side: Side,
        depth: u32,
    }
    let options = Options { side: Side::Buy, depth: 3 };
    let key = Key::of(&(Serialized("ACME"), (Serialized(&options), ())));
    assert_eq!(format!("{key:?}"), r#"("ACME", { side: Buy, depth: 3 })"#);
    let map = HashMap::from([("b", Some(1u8)), ("a", None)]);
    assert_eq!(print(&map), r#"({"a": None, "b": Some(1)},)"#);
    assert_eq!(print(&(1.5f32, 'x', (), [true])), "([1.5, 'x', (), [true]],)");
    assert_eq!(format!("{:?}", Key::of(&())), "()");
    assert_eq!(print(&Bytes(&[0xab; 40])), format!("(0x{}..(+8 bytes),)", "ab".repeat(32)));
}

/// An option nested to this depth.
struct Deep(u32);

impl Serialize for Deep {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            0 => s.serialize_unit(),
            n => s.serialize_some(&Deep(n - 1)),
        }
    }
}

#[test]
fn depth_is_bounded() {
    assert!(Key::of(&args(&Deep(256))).is_keyable());
    for depth in [257, 100_000] {
        let key = Key::of(&args(&Deep(depth)));
        assert!(!key.is_keyable());
        assert_eq!(format!("{key:?}"), "(no key: nested deeper than 256)");
        assert_eq!(hash(&args(&Deep(depth)), &Seed::random()), Err(NoKey::TooDeep));
    }
}

struct Failing;

impl Serialize for Failing {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(S::Error::custom("no"))
    }
}

/// A sequence that ignores failed elements.
struct IgnoresFailures;

impl Serialize for IgnoresFailures {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut seq = s.serialize_seq(None)?;
        let _ = seq.serialize_element(&(1u8, Failing));
        seq.serialize_element(&2u8)?;
        seq.end()
    }
}

#[test]
fn an_ignored_failure_stays_a_failure() {
    let args = args(&IgnoresFailures);
    assert!(!Key::of(&args).is_keyable());
    assert_eq!(hash(&args, &Seed::random()), Err(NoKey::Refused));
    assert!(!matches(&args, &key(&(1u8, 2u8))));
}

/// A map that serializes keys (true) and values (false) in this order.
struct Halves(&'static [bool]);

impl Serialize for Halves {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut map = s.serialize_map(None)?;
        for is_key in self.0 {
            let _ = if *is_key { map.serialize_key(&1u8) } else { map.serialize_value(&1u8) };
        }
        map.end()
    }
}

#[test]
fn a_map_with_unpaired_keys_or_values_has_no_key() {
    for halves in [&[true][..], &[false], &[true, true, false], &[true, false, false]] {
        assert!(!Key::of(&args(&Halves(halves))).is_keyable(), "{halves:?}");
    }
    assert!(Key::of(&args(&Halves(&[true, false]))).is_keyable());
}

/// A struct with the fields `f0` to `f99`, forwards or backwards.
struct Wide(bool);

impl Serialize for Wide {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let names = LEAKED.with(|names| *names);
        let mut out = s.serialize_struct("Wide", names.len())?;
        for i in 0..names.len() {
            let i = if self.0 { names.len() - 1 - i } else { i };
            out.serialize_field(names[i], &i)?;
        }
        out.end()
    }
}

thread_local! {
    static LEAKED: &'static [&'static str] = {
        let names = (0..100).map(|i| &*String::leak(format!("f{i}"))).collect::<Vec<_>>();
        Vec::leak(names)
    };
}

#[test]
fn a_struct_of_a_hundred_fields_compares() {
    let stored = key(&Wide(false));
    assert_eq!(stored, key(&Wide(true)));
    assert!(matches(&args(&Wide(true)), &stored));
}

struct DuplicateFields;

impl Serialize for DuplicateFields {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut out = s.serialize_struct("Doubled", 2)?;
        out.serialize_field("a", &1u8)?;
        out.serialize_field("a", &1u8)?;
        out.end()
    }
}

struct TwoFields;

impl Serialize for TwoFields {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut out = s.serialize_struct("Doubled", 2)?;
        out.serialize_field("a", &1u8)?;
        out.serialize_field("b", &1u8)?;
        out.end()
    }
}

#[test]
fn a_struct_with_a_duplicate_field_has_no_key_and_matches_nothing() {
    assert!(!Key::of(&args(&DuplicateFields)).is_keyable());
    assert!(!matches(&args(&DuplicateFields), &key(&TwoFields)));
}

/// Serializes as another number each time.
struct Changing(Cell<u32>);

impl Serialize for Changing {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        self.0.set(self.0.get() + 1);
        s.serialize_u32(self.0.get())
    }
}

#[test]
fn an_argument_that_changes_matches_only_its_own_bytes() {
    let changing = Changing(Cell::new(0));
    let stored = key(&changing);
    assert_eq!(stored, key(&1u32));
    assert!(!matches(&args(&changing), &stored));
}

#[test]
fn displayed_values_have_the_key_of_their_text() {
    struct Displayed;
    impl Serialize for Displayed {
        fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
            s.collect_str("shown")
        }
    }
    assert_eq!(key(&Displayed), key("shown"));
    assert!(matches(&args(&Displayed), &key("shown")));
}

/// An iterator whose type is not known is an ordered map. It may have duplicate keys.
#[test]
fn the_order_of_entries_is_part_of_the_key() {
    struct Pairs(&'static [(u8, u8)]);
    impl Serialize for Pairs {
        fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
            s.collect_map(self.0.iter().copied())
        }
    }
    assert_ne!(key(&Pairs(&[(1, 2), (1, 3)])), key(&Pairs(&[(1, 3), (1, 2)])));
    assert_ne!(key(&Pairs(&[(1, 2), (3, 4)])), key(&Pairs(&[(3, 4), (1, 2)])));
    assert_ne!(key(&Pairs(&[(1, 2), (1, 2)])), key(&Pairs(&[(1, 2)])));
}

/// Without an order, nothing tells which entry of a duplicate key comes first. A derived struct can have such keys: a
/// field, and an entry of a flattened map of the same name.
#[test]
fn a_map_without_order_and_with_a_duplicate_key_has_no_key() {
    #[derive(Serialize)]
    struct Flat {
        x: u32,
        #[serde(flatten)]
        rest: HashMap<String, u32>,
    }
    let flat = |x, name: &str, other| Flat { x, rest: HashMap::from([(name.to_owned(), other)]) };
    for value in [flat(1, "x", 2), flat(2, "x", 1), flat(1, "x", 1)] {
        assert!(!Key::of(&args(&value)).is_keyable());
        assert!(!matches(&args(&value), &key(&flat(1, "y", 2))));
    }
}

/// `unordered` hides the order of any container, of nothing around it, and only in keys.
#[test]
fn unordered_containers_have_one_key_in_any_order() {
    use super::unordered::{self, unordered};

    struct Pairs(Vec<(u8, u8)>);
    impl Serialize for Pairs {
        fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
            s.collect_map(self.0.iter().copied())
        }
    }
    #[derive(Serialize)]
    struct Tagged {
        #[serde(with = "unordered")]
        tags: Vec<&'static str>,
        path: Vec<&'static str>,
    }
    let by_hand = |order: [u8; 2]| {
        struct Bytes([u8; 2]);
        impl Serialize for Bytes {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                let mut seq = s.serialize_seq(Some(2))?;
                self.0.iter().try_for_each(|byte| seq.serialize_element(byte))?;
                seq.end()
            }
        }
        Bytes(order)
    };
    let pairs = |a, b| Pairs(vec![a, b]);
    let tagged = |tags: [_; 2], path: [_; 2]| Tagged { tags: tags.into(), path: path.into() };
    assert_eq!(key(&unordered([1, 2])), key(&unordered(vec![2, 1])));
    assert_eq!(key(&unordered([1, 2])), key(&HashSet::from([2, 1])));
    assert_eq!(key(&unordered(by_hand([1, 2]))), key(&unordered(by_hand([2, 1]))));
    let map = |a, b| key(&unordered(pairs(a, b)));
    assert_eq!(map((1, 2), (3, 4)), map((3, 4), (1, 2)));
    assert_eq!(map((1, 2), (3, 4)), key(&HashMap::from([(1u8, 2u8), (3, 4)])));
    assert_ne!(map((1, 2), (3, 4)), map((1, 4), (3, 2)));
    let nested = |a: [u8; 2], b: [u8; 2]| key(&unordered([a, b]));
    assert_eq!(nested([1, 2], [3, 4]), nested([3, 4], [1, 2]));
    assert_ne!(nested([1, 2], [3, 4]), nested([2, 1], [3, 4]));
    assert_eq!(key(&tagged(["a", "b"], ["c", "d"])), key(&tagged(["b", "a"], ["c", "d"])));
    assert_ne!(key(&tagged(["a", "b"], ["c", "d"])), key(&tagged(["a", "b"], ["d", "c"])));
    let json = serde_json::to_string(&tagged(["b", "a"], ["d", "c"])).expect("JSON");
    assert_eq!(json, r#"{"tags":["b","a"],"path":["d","c"]}"#);
}

/// A recorder whose room ends anywhere, also inside of sets of sets, says how many bytes there are, and hashes them all.
#[test]
fn a_recorder_with_too_little_room_hashes_and_counts_all() {
    let seed = Seed::random();
    for case in 0..cases() / 20 {
        let random = &mut Random::new(case);
        let value = Value::random(random, 5);
        let (hashed, whole) = recorded(&value, &seed);
        for size in 0..=whole.len() {
            let mut room = vec![0xee; size];
            let mut sink = recorder::Recorder::new(&seed, &mut room);
            args(&value).encode(&mut sink).unwrap();
            let recorder::Recorded { hash, len } = sink.finish();
            assert_eq!((hash, len), (hashed, whole.len()), "{value:?} in {size}");
            assert!(size < len || room == whole, "{value:?} in {size}");
        }
    }
}
