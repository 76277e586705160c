//! A function whose results go to a directory, which a page has not.

use memokit::memoize;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::count;

#[memoize(persist = "test")]
fn doubled(number: u32) -> u32 {
    count();
    2 * number
}

#[wasm_bindgen]
pub fn double(number: u32) -> u32 {
    doubled(number)
}

#[wasm_bindgen]
pub fn double_health() -> String {
    format!("{:?}", doubled_memo().health().map_err(|error| error.to_string()))
}
