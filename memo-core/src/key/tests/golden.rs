//! The encoding does not change. tests/golden/keys.txt contains its bytes, because keys are stored on disk.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt::Write as _;
use std::path::PathBuf;

use serde::Serialize;

use super::super::arguments::{Octets, Serialized, hash};
use super::super::hash::Seed;
use super::super::{Key, hash_bytes, tag};
use super::model::Value as V;
use super::{args, key};

#[derive(Serialize)]
enum Side {
    Buy,
    Sell { limit: Option<u32> },
    Swap(u8),
    Both(u8, u8),
}

#[derive(Serialize)]
struct Options {
    side: Side,
    depth: u32,
}

#[derive(Serialize)]
struct Unit;

#[derive(Serialize)]
struct Meters(f64);

#[derive(Serialize)]
struct Pair(u8, &'static str);

/// The key of a value, with its name in the file.
type Case = (&'static str, Key);

fn one<T: Serialize + ?Sized>(name: &'static str, value: &T) -> Case {
    (name, Key::of(&args(value)))
}

fn scalars() -> Vec<Case> {
    vec![
        one("unit", &()),
        one("false", &false),
        one("true", &true),
        one("u8", &0xfe_u8),
        one("u16", &0x0102_u16),
        one("u32", &5u32),
        one("u64", &0x0102_0304_0506_0708_u64),
        one("usize", &7usize),
        one("u128", &u128::MAX),
        one("i8", &-1i8),
        one("i16", &-2i16),
        one("i32", &-3i32),
        one("i64", &i64::MIN),
        one("i128", &-1i128),
        one("f32", &1.5f32),
        one("f32 nan", &f32::from_bits(0xffc0_0001)),
        one("f64", &-0.0f64),
        one("f64 zero", &0.0f64),
        one("f64 nan", &f64::from_bits(0xfff0_0000_0000_0001)),
        one("char", &'\u{10ffff}'),
        one("str", "ACME"),
        one("str empty", ""),
        one("str 253", &"x".repeat(253)),
        one("str 254", &"x".repeat(254)),
        one("bytes", &V::Bytes(vec![1, 0xff])),
    ]
}

fn compounds() -> Vec<Case> {
    let numbers = |items: &[u8]| V::Set(items.iter().copied().map(V::U8).collect());
    let sets = V::Set(vec![numbers(&[2, 1]), numbers(&[]), numbers(&[1])]);
    vec![
        one("none", &None::<u8>),
        one("some", &Some(1u8)),
        one("seq", &[1u16, 2][..]),
        one("seq empty", &[0u16; 0][..]),
        one("tuple", &(1u8, "a")),
        one("seq of u8", &(vec![1u8, 2],)),
        one("set", &HashSet::from(["b", "a", "ab"])),
        one("set of sets", &sets),
        one("heap", &V::Set(vec![V::U8(2), V::U8(1), V::U8(2)])),
        one("map", &HashMap::from([("b", Some(1u8)), ("a", None)])),
        one("map by number", &HashMap::from([(256u32, ()), (1, ())])),
        one("ordered set", &BTreeSet::from(["b", "a", "ab"])),
        one("ordered map", &BTreeMap::from([("b", Some(1u8)), ("a", None)])),
        one("unit struct", &Unit),
        one("newtype struct", &Meters(2.5)),
        one("tuple struct", &Pair(1, "a")),
        one("struct", &Options { side: Side::Buy, depth: 3 }),
        one("struct empty", &V::Struct("", vec![])),
        one("struct nameless", &V::Struct("", vec![("", V::Unit)])),
        one("struct long name", &V::Struct(long(), vec![(long(), V::U8(1)), ("b", V::U8(2))])),
        one("unit variant", &Side::Buy),
        one("newtype variant", &Side::Swap(1)),
        one("tuple variant", &Side::Both(1, 2)),
        one("struct variant", &Side::Sell { limit: Some(9) }),
        one("result", &Ok::<u8, u8>(1)),
    ]
}

fn long() -> &'static str {
    String::leak("n".repeat(300))
}

fn calls() -> Vec<Case> {
    let options = Options { side: Side::Sell { limit: None }, depth: 3 };
    vec![
        ("call of nothing", Key::of(&())),
        ("call of two", Key::of(&(Serialized("ACME"), (Serialized(&options), ())))),
        ("call of octets", Key::of(&(Octets(&[1, 2]), (Serialized(&vec![1u8, 2]), ())))),
    ]
}

/// Calls whose keys are digests.
fn long_calls() -> Vec<Case> {
    let octets: Vec<u8> = (0..=250).cycle().take(100_000).collect();
    let options = V::Struct(
        "Image",
        vec![
            ("pixels", V::Bytes(octets.clone())),
            ("height", V::U32(4)),
            ("tags", V::Map((0..5000).rev().map(|n| (V::U64(n), V::Str("t".repeat(5)))).collect())),
        ],
    );
    vec![
        ("digest of octets", Key::of(&(Octets(&octets), ()))),
        ("digest of a string", Key::of(&(Serialized(&"é".repeat(40_000)), (Serialized(&1u8), ())))),
        ("digest of a struct", Key::of(&args(&options))),
    ]
}

fn cases() -> Vec<Case> {
    [scalars(), compounds(), calls(), long_calls()].concat()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2).map(|two| std::str::from_utf8(two).unwrap());
    digits.map(|two| u8::from_str_radix(two, 16).unwrap()).collect()
}

/// Returns the lines of the file: name, bytes, and the printed key.
fn lines() -> Vec<[String; 3]> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/keys.txt");
    let text = std::fs::read_to_string(&path).expect("tests/golden/keys.txt");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let columns = |line: &str| {
        let mut parts = line.splitn(3, " | ").map(str::to_owned);
        [(); 3].map(|()| parts.next().expect("three columns"))
    };
    lines.map(columns).collect()
}

#[test]
fn the_bytes_of_every_golden_key_are_unchanged() {
    let expected = lines();
    let cases = cases();
    let names: Vec<_> = expected.iter().map(|line| line[0].as_str()).collect();
    assert_eq!(names, cases.iter().map(|case| case.0).collect::<Vec<_>>(), "the file's names");
    for ((name, key), [_, hexadecimal, _]) in cases.iter().zip(&expected) {
        let now = hex(key.bytes().expect("a key"));
        assert_eq!(now, *hexadecimal, "{name}: a change of the format needs a new tag::FORMAT");
    }
    assert_eq!(tag::FORMAT, 3, "the golden keys have this format");
}

#[test]
fn golden_bytes_print_and_hash_as_the_values_do() {
    let seed = Seed::random();
    for [name, hexadecimal, printed] in lines() {
        let bytes = bytes(&hexadecimal);
        assert_eq!(format!("{:?}", Key::from_bytes(&bytes)), printed, "{name}");
        assert!(hash_bytes(&bytes, &seed).is_some(), "{name}");
    }
    let hashed = hash_bytes(&key(&Meters(2.5)), &seed);
    assert_eq!(hashed, hash(&args(&Meters(2.5)), &seed).ok());
}

/// Returns the bytes under "Examples" in docs/format.md, one after another. They are tokens of two hexadecimal digits
/// at the start of a line.
fn documented() -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/format.md");
    let text = std::fs::read_to_string(&path).expect("docs/format.md");
    let (_, keys) = text.split_once("\n## Keys\n").expect("the section on keys");
    let (_, examples) = keys.split_once("\n### Examples\n").expect("its examples");
    let is_byte = |token: &&str| token.len() == 2 && u8::from_str_radix(token, 16).is_ok();
    let lines = examples.lines().filter(|line| line.starts_with("    "));
    lines.flat_map(|line| line.split_whitespace().take_while(is_byte)).collect()
}

#[test]
fn the_examples_of_the_specification_are_correct() {
    let keys = [
        Key::of(&args(&(5u8, "a"))),
        Key::of(&(Serialized(&5u8), (Serialized("a"), ()))),
        Key::of(&args(&Options { side: Side::Buy, depth: 3 })),
        Key::of(&args(&HashMap::from([("b", Some(1u8)), ("a", None)]))),
        Key::of(&(Octets(&[1, 2]), ())),
        Key::of(&args(&HashSet::from([2u8, 1]))),
    ];
    let expected: String = keys.iter().filter_map(Key::bytes).map(hex).collect();
    assert_eq!(documented(), expected);
}

/// Every tag occurs in a golden key.
#[test]
fn every_tag_has_a_golden_key() {
    let first: BTreeSet<u8> =
        lines().iter().filter_map(|line| bytes(&line[1]).first().copied()).collect();
    assert_eq!(first, (tag::UNIT..=tag::DIGEST).collect());
}
