//! What serde's attributes leave out, and closures.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU32, Ordering};

use memokit::memoize;
use serde::{Deserialize, Serialize};
use serde_with::{
    DisplayFromStr, DurationSeconds, NoneAsEmptyString, serde_as, skip_serializing_none,
};

use crate::row::Row;
use crate::subject::value;

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Skipped {
    id: u8,
    #[serde(skip_serializing, default)]
    note: u8,
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct SkippedIf {
    id: u8,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    note: Option<u8>,
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
#[serde(untagged)]
enum Length {
    Metres(u8),
    Feet(u8),
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
#[serde(tag = "kind")]
enum Tagged {
    Metres { n: u8 },
    Feet { n: u8 },
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Flat {
    id: u8,
    #[serde(flatten)]
    rest: indexmap::IndexMap<String, u8>,
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
#[serde(tag = "kind")]
enum Inside<T> {
    Of { value: T },
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Beside<T> {
    id: u8,
    #[serde(flatten)]
    rest: T,
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Untagged(#[serde(with = "either::serde_untagged")] either::Either<u8, u8>);

#[serde_as]
#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Seconds(#[serde_as(as = "DurationSeconds<u64>")] std::time::Duration);

#[serde_as]
#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Empty(#[serde_as(as = "NoneAsEmptyString")] Option<String>);

#[serde_as]
#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Shown(#[serde_as(as = "DisplayFromStr")] f64);

#[skip_serializing_none]
#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct WithoutNone {
    a: Option<u8>,
    b: Option<u8>,
}

pub fn rows() -> Vec<Row> {
    [attributes(), buffered(), with(), vec![closures()]].into_iter().flatten().collect()
}

fn attributes() -> Vec<Row> {
    let map = |keys: [&str; 2]| keys.map(|key| (key.to_owned(), 1)).into_iter().collect();
    vec![
        value("field under #[serde(skip_serializing)]", || {
            [
                ("note 1", Skipped { id: 1, note: 1 }),
                ("note 2", Skipped { id: 1, note: 2 }),
                ("id 2", Skipped { id: 2, note: 1 }),
            ]
        })
        .way("`key = (value, &value.note)`"),
        value("field under skip_serializing_if", || {
            [
                ("None", SkippedIf { id: 1, note: None }),
                ("Some", SkippedIf { id: 1, note: Some(1) }),
            ]
        })
        .row(),
        value("enum under #[serde(untagged)]", || {
            [("Metres(1)", Length::Metres(1)), ("Feet(1)", Length::Feet(1))]
        })
        .way("variants of one shape are alike: `key = (matches!(value, Length::Feet(_)), value)`"),
        value("enum under #[serde(tag = \"kind\")]", || {
            [("Metres 1", Tagged::Metres { n: 1 }), ("Feet 1", Tagged::Feet { n: 1 })]
        })
        .row(),
        value("IndexMap under #[serde(flatten)]", move || {
            [
                ("a b", Flat { id: 1, rest: map(["a", "b"]) }),
                ("b a", Flat { id: 1, rest: map(["b", "a"]) }),
            ]
        })
        .seen(|flat| format!("{:?}", flat.rest))
        .way("in such a struct no order counts: `key = (value.id, &value.rest)`"),
    ]
}

fn with() -> Vec<Row> {
    vec![
        value("either::serde_untagged", || {
            [("Left(1)", Untagged(either::Left(1))), ("Right(1)", Untagged(either::Right(1)))]
        })
        .way("`key = (value.0.is_left(), value)`"),
        value("serde_with::DurationSeconds<u64>", || {
            [
                ("1 s", Seconds(std::time::Duration::from_secs(1))),
                ("1.2 s", Seconds(std::time::Duration::from_millis(1200))),
            ]
        })
        .way("`DurationSecondsWithFrac<f64>`"),
        value("serde_with::NoneAsEmptyString", || {
            [("None", Empty(None)), ("Some(\"\")", Empty(Some(String::new())))]
        })
        .way("`key = &value.0`"),
        value("serde_with::DisplayFromStr (f64)", || {
            [("0", Shown(0.0)), ("-0", Shown(-0.0)), ("1", Shown(1.0))]
        })
        .row(),
        value("serde_with::skip_serializing_none", || {
            [("a", WithoutNone { a: Some(1), b: None }), ("b", WithoutNone { a: None, b: Some(1) })]
        })
        .row(),
    ]
}

/// What serde reads through a buffer of its own, because it has to find the tag or the other fields first.
fn buffered() -> Vec<Row> {
    let inside = |text: &str| Inside::Of { value: text.parse::<IpAddr>().expect("an address") };
    let beside = |text: &str| Beside { id: 1, rest: Inside::Of { value: text.to_owned() } };
    let ports =
        |ports: &[u16]| -> BTreeMap<u16, u8> { ports.iter().map(|&port| (port, 1)).collect() };
    vec![
        value("IpAddr under #[serde(tag = \"kind\")]", move || {
            [("10.0.0.1", inside("10.0.0.1")), ("::1", inside("::1"))]
        })
        .way("serde reads it as text there, and a binary format does not write text"),
        value("u128 under #[serde(tag = \"kind\")]", || {
            [("1", Inside::Of { value: 1_u128 }), ("max", Inside::Of { value: u128::MAX })]
        })
        .way("serde does not read it there; `#[serde(tag = .., content = ..)]` does"),
        value("unit under #[serde(tag = \"kind\")]", || {
            [("1", Inside::Of { value: (1, ()) }), ("2", Inside::Of { value: (2, ()) })]
        })
        .way("ciborium shows serde a null as `None`, which is no unit there"),
        value("map with numbers as keys under #[serde(tag = \"kind\")]", move || {
            [
                ("80", Inside::Of { value: ports(&[80]) }),
                ("empty", Inside::Of { value: ports(&[]) }),
            ]
        })
        .way("JSON has only text as keys, which serde does not make numbers there"),
        value("map with numbers as keys under #[serde(flatten)]", move || {
            [
                ("80", Beside { id: 1, rest: ports(&[80]) }),
                ("22", Beside { id: 1, rest: ports(&[22]) }),
            ]
        })
        .way("do not flatten it"),
        value("enum under #[serde(flatten)]", move || [("a", beside("a")), ("b", beside("b"))])
            .row(),
    ]
}

fn f(step: u32) -> impl Fn(u32) -> u32 {
    move |n| n + step
}

/// Two closures of one type are skipped, and the second call hits.
fn closures() -> Row {
    static RUNS: AtomicU32 = AtomicU32::new(0);

    #[memoize(skip(step))]
    fn apply<F: Fn(u32) -> u32>(step: F, n: u32) -> u32 {
        RUNS.fetch_add(1, Ordering::Relaxed);
        step(n)
    }

    let (first, second) = (apply(f(1), 10), apply(f(2), 10));
    let shared = RUNS.load(Ordering::Relaxed) == 1 && first == second;
    Row {
        name: "closure under skip(..)",
        hits: false,
        misses: Vec::new(),
        shared: shared.then(|| "f(1) / f(2)".to_owned()).into_iter().collect(),
        unkeyable: Vec::new(),
        storage: None,
        way: "`fn f(step: u32) -> impl Fn(u32) -> u32`: make what the closure captures an argument",
    }
}
