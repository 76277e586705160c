//! serde_json with `arbitrary_precision` and `preserve_order`. Features hold for a whole program, so these rows are
//! found by a build of their own.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::row::Row;
use crate::subject::value;

#[derive(Serialize, Deserialize, PartialEq, Debug)]
#[serde(tag = "kind")]
enum Shape {
    Circle { radius: f64 },
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
#[serde(untagged)]
enum Scalar {
    Float(f64),
    Text(String),
}

pub fn rows() -> Vec<Row> {
    let json = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
    vec![
        value("serde_json::Value (maps)", move || {
            [
                ("a b", json("{\"a\": 1, \"b\": 2}")),
                ("b a", json("{\"b\": 2, \"a\": 1}")),
                ("b a, c removed", {
                    let mut value = json("{\"c\": 3, \"a\": 1, \"b\": 2}");
                    value.as_object_mut().expect("a map").swap_remove("c");
                    value
                }),
            ]
        })
        .way("`memokit::unordered` if their order does not matter"),
        value("serde_json::Value (numbers)", move || {
            [
                ("1", json("1")),
                ("1.0", json("1.0")),
                ("1.00", json("1.00")),
                ("1e400", json("1e400")),
                ("0.1", 0.1.into()),
            ]
        })
        .row(),
        value("f64 under #[serde(tag = \"kind\")]", || {
            [("1.5", Shape::Circle { radius: 1.5 }), ("2.5", Shape::Circle { radius: 2.5 })]
        })
        .way("`arbitrary_precision` shows serde a map for each number that it reads there"),
        value("f64 under #[serde(untagged)]", || {
            [("1.5", Scalar::Float(1.5)), ("text", Scalar::Text("1.5".to_owned()))]
        })
        .way("`arbitrary_precision` shows serde a map for each number that it reads there"),
    ]
}
