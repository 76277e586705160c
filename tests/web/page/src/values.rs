//! Functions whose arguments come from JavaScript by serde-wasm-bindgen.

use std::collections::BTreeMap;

use memokit::memoize;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::{JsError, JsValue, wasm_bindgen};

use crate::{computed, count};

/// What a page asks for.
#[derive(Debug, Serialize, Deserialize)]
struct Query {
    #[serde(default)]
    text: String,
    #[serde(default)]
    limit: Option<u32>,
    #[serde(default)]
    price: f64,
    #[serde(default)]
    number: u64,
    #[serde(default)]
    bytes: serde_bytes::ByteBuf,
    #[serde(default)]
    counts: BTreeMap<String, i64>,
    #[serde(default)]
    list: Vec<f32>,
}

/// Returns the number of the computation, so that two arguments with one number share an entry.
#[memoize]
fn numbered_query(query: &Query) -> u32 {
    count();
    assert!(query.text.len() < 100);
    computed()
}

#[memoize]
fn numbered_value(value: &serde_json::Value) -> u32 {
    count();
    assert!(!value.is_boolean());
    computed()
}

fn read<T: DeserializeOwned>(value: JsValue) -> Result<T, JsError> {
    serde_wasm_bindgen::from_value(value).map_err(|error| JsError::new(&error.to_string()))
}

#[wasm_bindgen]
pub fn query_number(query: JsValue) -> Result<u32, JsError> {
    Ok(numbered_query(&read(query)?))
}

#[wasm_bindgen]
pub fn value_number(value: JsValue) -> Result<u32, JsError> {
    Ok(numbered_value(&read(value)?))
}
