//! Values that could have equal keys by mistake, or on which the sinks could disagree: limits, names, lengths, nested
//! groups.

use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::ser::{Serialize, SerializeSeq, SerializeStruct, SerializeTuple, Serializer};

use super::super::arguments::{Octets, Serialized, hash, matches};
use super::super::hash::Seed;
use super::super::tag::{MAX_DEPTH, MAX_LENGTH, NoKey};
use super::super::{Key, hash_bytes};
use super::model::Value as V;
use super::{args, key, print, searched, stored};

/// Reports whether the values have equal keys. Asserts that all sinks agree, and that the bytes hash as the values do,
/// unless they are a digest.
fn alike<A, B>(a: &A, b: &B) -> bool
where
    A: Serialize + ?Sized,
    B: Serialize + ?Sized,
{
    let seed = Seed::random();
    let (first, second) = (key(a), key(b));
    let same = first == second;
    let hashes = |bytes: &[u8], hash| {
        let is_digest = Key::from_bytes(bytes).is_digest();
        assert!(is_digest || hash_bytes(bytes, &seed) == hash, "{bytes:02x?}");
    };
    hashes(&first, hash(&args(a), &seed).ok());
    hashes(&second, hash(&args(b), &seed).ok());
    assert_eq!(hash(&args(a), &seed) == hash(&args(b), &seed), same);
    assert!(matches(&args(a), &first) && matches(&args(b), &second));
    assert_eq!(matches(&args(a), &second), same);
    assert_eq!(matches(&args(b), &first), same);
    same
}

fn assert_all_differ<T: Serialize + std::fmt::Debug>(values: &[T]) {
    for (i, a) in values.iter().enumerate() {
        for b in &values[i + 1..] {
            assert!(!alike(a, b), "{a:?} and {b:?}");
        }
    }
}

fn boxed(value: V) -> Box<V> {
    Box::new(value)
}

/// Wraps a value in a level of each kind.
fn level(kind: usize, inner: V) -> V {
    match kind {
        0 => V::Some(boxed(inner)),
        1 => V::Newtype("n", boxed(inner)),
        2 => V::Seq(vec![inner]),
        3 => V::Tuple(vec![V::Unit, inner]),
        4 => V::TupleStruct("t", vec![inner]),
        5 => V::Map(vec![(V::Unit, inner)]),
        6 => V::Map(vec![(inner, V::Unit)]),
        7 => V::Struct("s", vec![("f", inner)]),
        8 => V::NewtypeVariant("e", 1, "v", boxed(inner)),
        9 => V::TupleVariant("e", 1, "v", vec![inner]),
        10 => V::StructVariant("e", 1, "v", vec![("f", inner)]),
        _ => V::Set(vec![inner]),
    }
}

const LEVELS: usize = 12;

fn nested(depth: u32, kind: impl Fn(u32) -> usize) -> V {
    (0..depth).fold(V::U8(1), |inner, n| level(kind(n) % LEVELS, inner))
}

#[test]
fn the_sinks_agree_on_the_deepest_value() {
    let seed = Seed::random();
    let check = |kind: &dyn Fn(u32) -> usize| {
        let deepest = nested(MAX_DEPTH, kind);
        assert!(alike(&deepest, &deepest));
        assert!(!alike(&deepest, &nested(MAX_DEPTH - 1, kind)));
        assert!(!print(&deepest).contains('?'), "{}", print(&deepest));
        let deeper = args(&deepest);
        let deeper = (Serialized(&V::Some(boxed(deeper.0.0.clone()))), ());
        assert!(!Key::of(&deeper).is_keyable());
        assert_eq!(hash(&deeper, &seed), Err(NoKey::TooDeep));
        assert!(!matches(&deeper, &key(&deepest)));
    };
    for kind in 0..LEVELS {
        check(&|_| kind);
    }
    check(&|n| n as usize);
    check(&|n| (n * n / 7) as usize);
}

#[test]
fn the_boundaries_of_names_are_in_the_key() {
    assert_all_differ(&[
        V::Struct("", vec![]),
        V::Struct("a", vec![]),
        V::Struct("", vec![("a", V::Unit)]),
        V::Struct("a", vec![("", V::Unit)]),
        V::Struct("", vec![("", V::Unit)]),
        V::Struct("", vec![("", V::Unit), ("a", V::Unit)]),
        V::StructVariant("", 0, "", vec![]),
        V::StructVariant("", 0, "a", vec![]),
        V::StructVariant("a", 0, "", vec![]),
        V::StructVariant("a", 1, "", vec![]),
        V::UnitVariant("", 0, "a"),
        V::UnitVariant("a", 0, ""),
        V::UnitStruct(""),
        V::UnitStruct("a"),
        V::TupleStruct("", vec![]),
        V::TupleStruct("a", vec![]),
        V::Tuple(vec![]),
        V::Set(vec![]),
        V::Map(vec![]),
        V::Bytes(vec![]),
        V::Str(String::new()),
    ]);
}

/// Names and texts on both sides of each limit of a length form. Some look like the bytes that follow them.
#[test]
fn the_boundaries_of_long_names_are_in_the_key() {
    let lengths = [1, 2, 0xfd, 0xfe, 0xff, 0x100, 300, 0xffff, 0x1_0000];
    let names = lengths.map(|n| &*String::leak("n".repeat(n)));
    let values: Vec<V> = names
        .into_iter()
        .flat_map(|name| {
            [
                V::Struct(name, vec![("n", V::Unit)]),
                V::Struct("n", vec![(name, V::Unit), ("m", V::Unit)]),
                V::StructVariant("n", 1, name, vec![]),
                V::Str(name.to_owned()),
                V::Bytes(name.as_bytes().to_vec()),
            ]
        })
        // With a name of one letter, the first two values are equal.
        .skip(1)
        .collect();
    assert_all_differ(&values);
    let mut fields: Vec<_> = names.into_iter().map(|name| (name, V::U32(1))).collect();
    let forwards = V::Struct("s", fields.clone());
    fields.reverse();
    assert!(alike(&forwards, &V::Struct("s", fields)));
}

#[test]
fn the_boundaries_of_nested_groups_are_in_the_key() {
    let set = V::Set;
    let [one, two, three] = [1, 2, 3].map(V::U8);
    let pair = |a: &V, b: &V| (a.clone(), b.clone());
    assert_all_differ(&[
        set(vec![set(vec![one.clone()]), set(vec![two.clone()])]),
        set(vec![set(vec![one.clone(), two.clone()]), set(vec![])]),
        set(vec![set(vec![one.clone(), two.clone()])]),
        set(vec![one.clone(), set(vec![two.clone()])]),
        set(vec![one.clone(), two.clone()]),
        set(vec![one.clone(), one.clone(), two.clone()]),
        set(vec![one.clone(), two.clone(), two.clone()]),
        set(vec![one.clone(), one.clone()]),
        set(vec![two.clone(), two.clone()]),
        set(vec![V::Tuple(vec![one.clone(), two.clone()])]),
        set(vec![V::Tuple(vec![two.clone(), one.clone()])]),
        V::Seq(vec![one.clone(), two.clone()]),
        V::Seq(vec![two.clone(), one.clone()]),
        V::Map(vec![pair(&one, &two)]),
        V::Map(vec![pair(&two, &one)]),
        V::Map(vec![pair(&one, &two), pair(&two, &three)]),
        V::Map(vec![pair(&one, &three), pair(&two, &two)]),
        V::Entries(vec![pair(&one, &two), pair(&two, &three)]),
        V::Entries(vec![pair(&two, &three), pair(&one, &two)]),
        V::Entries(vec![pair(&one, &three), pair(&two, &two)]),
        V::Entries(vec![pair(&one, &two), pair(&one, &three)]),
        V::Entries(vec![pair(&one, &three), pair(&one, &two)]),
        V::Entries(vec![pair(&one, &three)]),
        V::Entries(vec![pair(&one, &three), pair(&one, &three)]),
        V::Map(vec![pair(&set(vec![one.clone()]), &set(vec![]))]),
        V::Map(vec![pair(&set(vec![]), &set(vec![one.clone()]))]),
    ]);
}

/// All sinks see a swap of values between fields, and a move of a part from one group to its neighbour.
#[test]
fn sums_of_hashes_distinguish_places() {
    let fields = |a: V, b: V| V::Struct("s", vec![("a", a), ("b", b)]);
    let set = |items: &[u8]| V::Set(items.iter().copied().map(V::U8).collect());
    assert_all_differ(&[
        fields(V::U8(1), V::U8(2)),
        fields(V::U8(2), V::U8(1)),
        fields(V::U8(1), V::U8(1)),
        fields(V::U8(2), V::U8(2)),
        fields(set(&[1, 2]), set(&[])),
        fields(set(&[]), set(&[1, 2])),
        fields(set(&[1]), set(&[2])),
        fields(set(&[2]), set(&[1])),
        fields(fields(V::U8(1), V::U8(2)), V::Unit),
        fields(V::Unit, fields(V::U8(1), V::U8(2))),
        V::Seq(vec![set(&[1]), set(&[2])]),
        V::Seq(vec![set(&[2]), set(&[1])]),
        V::Seq(vec![set(&[1, 2]), set(&[])]),
    ]);
}

/// A struct with this number of fields, in an order that depends on `turn`. One field can have another value (`other`)
/// or be left out (`without`).
#[derive(Debug, Clone, Copy)]
struct Wide {
    fields: usize,
    turn: usize,
    other: Option<usize>,
    without: Option<usize>,
}

impl Wide {
    fn of(fields: usize) -> Self {
        Self { fields, turn: 0, other: None, without: None }
    }
}

fn names() -> &'static [&'static str] {
    static NAMES: std::sync::OnceLock<Vec<String>> = std::sync::OnceLock::new();
    static SLICES: std::sync::OnceLock<Vec<&'static str>> = std::sync::OnceLock::new();
    let names = NAMES.get_or_init(|| (0..202).map(|n| format!("{n}")).collect());
    SLICES.get_or_init(|| names.iter().map(String::as_str).collect())
}

impl Serialize for Wide {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut out = s.serialize_struct("Wide", self.fields)?;
        for n in 0..self.fields {
            let n = (n * (2 * self.turn + 1) + self.turn) % self.fields;
            if self.without == Some(n) {
                out.skip_field(names()[n])?;
            } else {
                let value = if self.other == Some(n) { 1_000 } else { n };
                out.serialize_field(names()[n], &HashSet::from([value, 7, 8]))?;
            }
        }
        out.end()
    }
}

#[test]
fn structs_of_many_sizes_are_compared_completely() {
    for fields in [2, 63, 64, 65, 66, 127, 128, 129, 200] {
        let wide = Wide::of(fields);
        let last = Some(fields - 1);
        if fields.is_power_of_two() {
            assert!(alike(&wide, &Wide { turn: 3, ..wide }));
        }
        assert_all_differ(&[
            wide,
            Wide { other: Some(0), ..wide },
            Wide { other: last, without: Some(0), ..wide },
            Wide { without: last, ..wide },
            Wide::of(fields + 2),
        ]);
        // Inside other values, where the following parts must be compared too.
        assert!(alike(&[wide, wide], &(wide, wide)));
        assert!(!alike(&(wide, 1u8), &(wide, 2u8)));
        assert!(!alike(&(Wide { other: last, ..wide }, 1u8), &(wide, 1u8)));
        assert!(!alike(&Some(BTreeMap::from([(1, wide)])), &Some(BTreeMap::from([(2, wide)]))));
    }
}

#[test]
fn a_skipped_field_equals_an_absent_one() {
    let wide = Wide { without: Some(3), ..Wide::of(4) };
    assert!(alike(&wide, &Wide::of(3)));
}

/// Announces a length, and serializes another number of elements.
#[derive(Clone, Copy)]
struct WrongLength(usize, usize);

impl Serialize for WrongLength {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut out = s.serialize_seq(Some(self.0))?;
        (0..self.1).try_for_each(|n| out.serialize_element(&n))?;
        out.end()
    }
}

struct WrongTupleLength(WrongLength);

impl Serialize for WrongTupleLength {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut out = s.serialize_tuple(self.0.0)?;
        (0..self.0.1).try_for_each(|n| out.serialize_element(&n))?;
        out.end()
    }
}

#[test]
fn announced_lengths_are_ignored() {
    assert!(alike(&WrongLength(9, 2), &[0usize, 1]));
    assert!(alike(&WrongTupleLength(WrongLength(0, 2)), &WrongLength(usize::MAX, 2)));
    assert!(!alike(
        &[WrongLength(1, 2), WrongLength(2, 1)],
        &[WrongLength(2, 1), WrongLength(1, 2)]
    ));
    assert!(!alike(
        &[WrongLength(2, 1), WrongLength(2, 2)],
        &[WrongLength(2, 2), WrongLength(2, 1)]
    ));
}

#[test]
fn integers_with_equal_bits_have_different_keys() {
    assert_all_differ(&[
        V::U8(0xff),
        V::I8(-1),
        V::U16(0xffff),
        V::I16(-1),
        V::U32(u32::MAX),
        V::I32(-1),
        V::U64(u64::MAX),
        V::I64(-1),
        V::U128(u128::MAX),
        V::I128(-1),
        V::U128(u64::MAX.into()),
        V::I128(u64::MAX.into()),
        V::I128(i128::MIN),
        V::U128(1 << 127),
        V::U128(1 << 64),
        V::U128(1),
        V::F32(0x3fff_ffff),
        V::Char('\u{1}'),
        V::U32(1),
        V::F32(1),
        V::F64(1),
        V::U64(1),
    ]);
}

#[test]
fn all_nan_are_equal_and_the_two_zeros_differ() {
    let singles = [0x7fc0_0000, 0xffc0_0000, 0x7f80_0001, 0xffff_ffff].map(f32::from_bits);
    let doubles = singles.map(f64::from);
    for (single, double) in singles.into_iter().zip(doubles) {
        assert!(alike(&single, &f32::NAN) && alike(&double, &f64::NAN));
        assert!(alike(&[Some(single)], &[Some(f32::NAN)]));
    }
    assert!(!alike(&f32::NAN, &f64::NAN));
    assert!(!alike(&0.0f32, &-0.0f32));
    assert!(!alike(&f64::INFINITY, &f64::NAN));
}

/// All sinks give the same answer to `is_human_readable`. Otherwise a type that depends on it would never be found
/// again.
#[test]
fn no_sink_is_human_readable() {
    struct DependsOnFormat;
    impl Serialize for DependsOnFormat {
        fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
            if s.is_human_readable() { s.serialize_str("read me") } else { s.serialize_u8(1) }
        }
    }
    assert!(alike(&DependsOnFormat, &1u8));
    assert!(alike(&BinaryHeap::from([1u8]), &V::Set(vec![V::U8(1)])));
    let four = Ipv4Addr::LOCALHOST;
    assert!(!alike(&IpAddr::from(four), &IpAddr::from(four.to_ipv6_mapped())));
    assert!(!alike(&IpAddr::from(four), &four));
    assert!(!alike(&Ipv6Addr::LOCALHOST, &Ipv6Addr::UNSPECIFIED));
}

/// Only a whole argument is encoded as octets. Inside another value, bytes are a sequence of numbers.
#[test]
fn octets_are_neither_bytes_nor_a_sequence() {
    let octets = Key::of(&(Octets(&[1, 2]), ()));
    let others = [key(&[1u8, 2]), key(&V::Bytes(vec![1, 2])), key("\u{1}\u{2}")];
    assert!(others.iter().all(|other| octets.bytes() != Some(other)));
    assert!(!matches(&args(&[1u8, 2]), octets.bytes().unwrap()));
    assert!(matches(&(Octets(&[1, 2]), ()), octets.bytes().unwrap()));
    assert!(!matches(&(Octets(&[1, 2]), (Octets(&[]), ())), octets.bytes().unwrap()));
}

/// A set that is too long for a key has a digest, which matches no other set. It does not affect the next value.
#[test]
fn groups_over_the_limit_have_a_digest() {
    let fits: BTreeSet<u64> = (0..(MAX_LENGTH as u64 - 2) / 9).collect();
    let over: BTreeSet<u64> = (0..=(MAX_LENGTH as u64 - 2) / 9 + 1).collect();
    let [fits, over] = [fits, over].map(|set| V::Set(set.into_iter().map(V::U64).collect()));
    assert!(!Key::of(&args(&fits)).is_digest() && Key::of(&args(&over)).is_digest());
    assert!(alike(&fits, &fits) && alike(&over, &over) && !alike(&fits, &over));
    assert!(alike(&[3u8], &(3u8,)));
    // A call hashes it, and does not look for its bytes.
    for (set, stored, is_found) in [(&fits, stored(&fits), true), (&over, key(&over), false)] {
        let (hash, found) = searched(&args(set), &stored, &Seed::random());
        assert_eq!((hash.is_some(), found), (true, is_found));
    }
}

/// A `Serialize` that makes keys while another key is being written.
struct Nesting(u8);

impl Serialize for Nesting {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let inner = V::Set(vec![V::U8(self.0), V::U8(1)]);
        assert!(alike(&inner, &inner));
        s.collect_str(&format_args!("{} {:?}", self.0, Key::of(&args(&inner))))
    }
}

#[test]
fn serializing_may_make_other_keys() {
    let nesting = BTreeMap::from([(2u8, Nesting(3)), (1, Nesting(2))]);
    assert!(alike(&nesting, &nesting));
    assert_eq!(print(&nesting), r#"({1: "2 ({1, 2},)", 2: "3 ({1, 3},)"},)"#);
}
