//! JSON by the text of a shape is what serde_json writes of the value itself.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::super::shape_json::to_json;
use super::super::shape_text::ReadShape;
use super::super::trace::trace;
use super::super::{Codec, Postcard};

fn shape_of<T: DeserializeOwned + 'static>() -> String {
    trace::<T>().expect("a type that can be traced").text()
}

fn json_of<T: Serialize + DeserializeOwned + 'static>(value: &T) -> String {
    let bytes = Postcard::new().to_bytes(value).unwrap();
    let shape = ReadShape::parse(&shape_of::<T>()).expect("a text of a shape");
    to_json(&shape, &bytes).unwrap()
}

#[track_caller]
fn check<T: Serialize + DeserializeOwned + 'static>(value: &T) {
    assert_eq!(json_of(value), serde_json::to_string(value).unwrap());
}

#[derive(Serialize, Deserialize)]
struct Unit;
#[derive(Serialize, Deserialize)]
struct Newtype(i64);
#[derive(Serialize, Deserialize)]
struct Pair(u8, char);
#[derive(Serialize, Deserialize)]
enum Side {
    Buy,
    Limit(u32),
    Two(u8, String),
    Named { price: f64, more: Option<Box<Side>> },
}
#[derive(Serialize, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
enum Plain {
    A,
    B,
}
#[derive(Serialize, Deserialize)]
struct Tree {
    name: String,
    children: Vec<Tree>,
    by_name: BTreeMap<String, Tree>,
}

#[test]
fn leaves_are_shown_as_json_shows_them() {
    check(&(true, false, (), Unit));
    check(&(u8::MAX, u16::MAX, u32::MAX, u64::MAX, u128::MAX));
    check(&(i8::MIN, i16::MIN, i32::MIN, i64::MIN, i128::MIN));
    check(&(-1_i8, 1_i16, -2_i32, 0_i64, i128::MAX));
    check(&(0.5_f32, -1.25_f64, "a \"quoted\" \\ line\n\u{1}".to_owned(), 'ä'));
    assert_eq!(json_of(&(f64::NAN, f32::NEG_INFINITY)), "[\"NaN\",\"-inf\"]");
}

#[test]
fn names_of_fields_and_variants_are_shown() {
    check(&vec![Side::Buy, Side::Limit(7), Side::Two(1, "x".to_owned())]);
    check(&Side::Named { price: 0.1, more: Some(Box::new(Side::Buy)) });
    check(&(Newtype(-5), Pair(1, 'c')));
    let leaf =
        |name: &str| Tree { name: name.to_owned(), children: Vec::new(), by_name: BTreeMap::new() };
    let by_name = BTreeMap::from([("b".to_owned(), leaf("b"))]);
    check(&Tree { name: "root".to_owned(), children: vec![leaf("a")], by_name });
}

#[test]
fn maps_are_objects_if_their_keys_can_be_names() {
    check(&BTreeMap::from([(1_u32, "a".to_owned()), (300, "b".to_owned())]));
    check(&BTreeMap::from([(Plain::A, 1_u8), (Plain::B, 2)]));
    let pairs = BTreeMap::from([((1_u8, 2_u8), true)]);
    assert_eq!(json_of(&pairs), "[[[1,2],true]]");
}

#[test]
fn texts_that_are_no_shape_are_refused() {
    let deep = format!("root({}{})", "option(".repeat(300), ")".repeat(300));
    for text in
        ["", "root", "root(", "root())", "u8()", "root(#5;)", "root(struct[9:a](u8()))", &deep]
    {
        assert_eq!(ReadShape::parse(text), None, "{text}");
    }
}

#[test]
fn bytes_that_are_no_value_are_refused_at_bounded_cost() {
    let refused = |shape: &str, bytes: &[u8]| {
        to_json(&ReadShape::parse(shape).expect("a shape"), bytes).unwrap_err()
    };
    assert_eq!(refused("root(u8())", &[]), "the bytes end too early");
    assert_eq!(refused("root(u8())", &[1, 2]), "1 bytes are left over");
    assert_eq!(refused("root(bool())", &[2]), "2 is no bool");
    assert_eq!(refused("root(char())", &[2, b'a', b'b']), "a char is none");
    assert_eq!(refused("root(u16())", &[0xff, 0xff, 0x7f]), "a number is too large");
    assert_eq!(refused("root(u128())", &[0xff; 19]), "a number is too long");
    assert_eq!(refused("root(seq(unit()))", &[0xff, 0xff, 3]), "its elements take no bytes");
    // Its tree has 2^40 leaves, and it takes no bytes.
    let ends: String = (1..40).rev().map(|n| format!("#{};)", n + 1)).collect();
    let wide = format!("root({}tuple[2](unit()unit()){ends})", "tuple[2](".repeat(39));
    assert_eq!(refused(&wide, &[]), "the shape takes too many steps");
    assert_eq!(refused("root(newtype[1:A](#1;))", &[]), "it is nested too deep");
    assert_eq!(refused("root(tuple[2](#1;#1;))", &[]), "it is nested too deep");
}

/// A byte of a value can bring a name of any length.
#[test]
fn long_names_do_not_make_json_of_any_length() {
    let long = "n".repeat(100_000);
    let text = format!("root(seq(enum[1:E][100000:{long}](unit-variant())))");
    let shape = ReadShape::parse(&text).expect("a shape");
    let values = |count: u8| [&[count][..], &vec![0; usize::from(count)]].concat();
    assert!(to_json(&shape, &values(2)).unwrap().len() > 200_000);
    assert_eq!(to_json(&shape, &values(100)).unwrap_err(), "the shape takes too many steps");
}
