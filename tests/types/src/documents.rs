//! Values of a document format, of any type.

use ciborium::Value as CborValue;
use plist::Value as PlistValue;
use rmpv::Value as MessagePackValue;
use serde_json::json;
use serde_json::value::RawValue;

use crate::row::Row;
use crate::subject::{opaque, value};

pub fn rows() -> Vec<Row> {
    [json(), text(), binary(), templates()].into_iter().flatten().collect()
}

fn json() -> Vec<Row> {
    vec![
        value("serde_json::Value", || {
            [
                ("a b", json!({"a": 1, "b": 2})),
                ("b a", json!({"b": 2, "a": 1})),
                ("1", json!(1)),
                ("1.0", json!(1.0)),
                ("0.0", json!(0.0)),
                ("-0.0", json!(-0.0)),
            ]
        })
        .row(),
        value("serde_json::Number", || [("1", 1.into()), ("1.0", float(1.0)), ("2", 2.into())])
            .row(),
        opaque(
            "serde_json::value::RawValue",
            |raw: &Box<RawValue>| raw.get().to_owned(),
            || {
                let of = |text: &str| RawValue::from_string(text.to_owned()).expect("JSON");
                [
                    ("[1]", of("[1]")),
                    ("[ 1 ]", of("[ 1 ]")),
                    ("1.0", of("1.0")),
                    ("1.00", of("1.00")),
                ]
            },
        )
        .way("its text is the key, with its spaces"),
    ]
}

fn float(x: f64) -> serde_json::Number {
    serde_json::Number::from_f64(x).expect("a finite number")
}

fn text() -> Vec<Row> {
    vec![toml(), yaml(), ron(), plist()]
}

fn toml() -> Row {
    let toml = |text: &str| text.parse::<toml::Table>().map(toml::Value::Table).expect("TOML");
    value("toml::Value", move || {
        [
            ("a b", toml("a = 1\nb = 2")),
            ("b a", toml("b = 2\na = 1")),
            ("date", toml("a = 2024-02-29")),
            ("text", toml("a = \"2024-02-29\"")),
            ("1", toml("a = 1")),
            ("1.0", toml("a = 1.0")),
        ]
    })
    .row()
}

fn yaml() -> Row {
    let yaml = |text: &str| serde_yaml_ng::from_str::<serde_yaml_ng::Value>(text).expect("YAML");
    value("serde_yaml_ng::Value", move || {
        [
            ("a b", yaml("{a: 1, b: 2}")),
            ("b a", yaml("{b: 2, a: 1}")),
            ("tagged", yaml("!t 1")),
            ("a key !t", yaml("{\"!t\": 1}")),
            ("1", yaml("1")),
            ("1.0", yaml("1.0")),
        ]
    })
    .way("serde shows a tag as a map: `key = serde_yaml_ng::to_string(value).ok()`")
}

fn ron() -> Row {
    let ron = |text: &str| ron::from_str::<ron::Value>(text).expect("RON");
    value("ron::Value", move || {
        [
            ("1", ron("1")),
            ("300", ron("300")),
            ("'a'", ron("'a'")),
            ("\"a\"", ron("\"a\"")),
            ("Some(1)", ron("Some(1)")),
            ("unit", ron("()")),
            ("None", ron("None")),
        ]
    })
    .way("a number read from RON has the smallest type, and one read from JSON or CBOR the largest")
}

fn plist() -> Row {
    value("plist::Value", || {
        [
            ("text", PlistValue::String("2024-02-29T00:00:00Z".to_owned())),
            (
                "date",
                PlistValue::Date(
                    plist::Date::from_xml_format("2024-02-29T00:00:00Z").expect("a date"),
                ),
            ),
            ("1", PlistValue::Integer(1.into())),
            ("uid 1", PlistValue::Uid(plist::Uid::new(1))),
            ("data", PlistValue::Data(vec![1])),
            ("array", PlistValue::Array(vec![PlistValue::Integer(1.into())])),
        ]
    })
    .way("a date and a uid come back as text and number")
}

fn binary() -> Vec<Row> {
    vec![
        value("bson::Bson", || {
            use bson::{Bson, bson};
            [
                ("i32", Bson::Int32(1)),
                ("i64", Bson::Int64(1)),
                ("large i64", Bson::Int64(1 << 40)),
                ("null", Bson::Null),
                ("undefined", Bson::Undefined),
                ("date", Bson::DateTime(bson::DateTime::from_millis(0))),
                ("a b", bson!({"a": 1, "b": 2})),
                ("b a", bson!({"b": 2, "a": 1})),
            ]
        })
        .way("an i64 that fits into an i32 comes back as one"),
        value("rmpv::Value", || {
            [
                ("1 of u64", MessagePackValue::from(1_u64)),
                ("1 of i64", MessagePackValue::from(1_i64)),
                ("f32", MessagePackValue::F32(1.5)),
                ("f64", MessagePackValue::F64(1.5)),
                ("bytes", MessagePackValue::Binary(vec![1])),
                ("array", MessagePackValue::Array(vec![1.into()])),
                ("ext", MessagePackValue::Ext(1, vec![1])),
            ]
        })
        .way("CBOR makes an f32 an f64, and has no ext"),
        value("ciborium::Value", || {
            [
                ("1", CborValue::from(1)),
                ("tag", CborValue::Tag(1, Box::new(1.into()))),
                ("bytes", CborValue::Bytes(vec![1])),
                ("array", CborValue::Array(vec![1.into()])),
                ("map", CborValue::Map(vec![(1.into(), 2.into())])),
            ]
        })
        .row(),
    ]
}

fn templates() -> Vec<Row> {
    use minijinja::Value;
    vec![
        value("minijinja::Value", || {
            [
                ("none", Value::from(())),
                ("undefined", Value::UNDEFINED),
                ("text", Value::from("a")),
                ("safe text", Value::from_safe_string("a".to_owned())),
                ("1", Value::from(1)),
                ("1.0", Value::from(1.0)),
            ]
        })
        .seen(|value| format!("{:?} {value:?} {}", value.kind(), value.is_safe()))
        .way("serde does not show the safe mark, nor that a value is undefined: `key = (value, value.is_safe(), value.is_undefined())`"),
    ]
}
