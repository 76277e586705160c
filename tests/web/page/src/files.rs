//! Functions whose results a worker keeps in files.

use memokit::memoize;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::count;

/// Opens the files. Returns why that failed, or an empty text.
#[wasm_bindgen]
pub async fn open_files() -> String {
    memokit::web::open_files().await.err().map(|error| error.to_string()).unwrap_or_default()
}

#[memoize(persist = "files", max = 100_000, max_value = "4MiB")]
fn filled(number: u32, len: usize) -> Vec<u8> {
    count();
    (0..len).map(|at| (at as u32).wrapping_mul(number | 1) as u8).collect()
}

/// Returns the sum of the bytes.
#[wasm_bindgen]
pub fn fill(number: u32, len: usize) -> u32 {
    filled(number, len).iter().map(|byte| u32::from(*byte)).sum()
}

#[wasm_bindgen]
pub fn fill_invalidate(number: u32, len: usize) {
    filled_memo().invalidate(&filled_key(number, len));
}

#[wasm_bindgen]
pub fn fill_flush() -> String {
    format!("{:?}", filled_memo().flush())
}

#[wasm_bindgen]
pub fn fill_snapshot() -> String {
    format!("{:?}", filled_memo().snapshot())
}

#[wasm_bindgen]
pub fn fill_health() -> String {
    format!("{:?}", filled_memo().health().map_err(|error| error.to_string()))
}

#[wasm_bindgen]
pub fn fill_damage() -> usize {
    filled_memo().damage().len()
}
