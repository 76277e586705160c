//! Functions whose results are in localStorage.

use memokit::{Stats, memoize};
use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::wasm_bindgen;

use crate::{count, three_turns};

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Price {
    symbol: String,
    cents: u64,
    history: Vec<f64>,
}

#[memoize(max = 1000, persist = "test", tags = [("symbol", symbol)])]
fn quoted(symbol: &str) -> Price {
    count();
    let cents = symbol.bytes().map(u64::from).sum();
    Price { symbol: symbol.to_owned(), cents, history: vec![0.5; 3] }
}

/// Returns the price in cents.
#[wasm_bindgen]
pub fn quote(symbol: &str) -> u64 {
    let price = quoted(symbol);
    assert_eq!((price.symbol.as_str(), price.history.len()), (symbol, 3));
    price.cents
}

#[wasm_bindgen]
pub fn quote_invalidate(symbol: &str) {
    quoted_memo().invalidate(&quoted_key(symbol));
}

#[wasm_bindgen]
pub fn quote_invalidate_tag(symbol: &str) {
    memokit::invalidate_tag(("symbol", symbol));
}

#[wasm_bindgen]
pub fn quote_clear() {
    quoted_memo().clear();
}

/// Replaces a result.
#[wasm_bindgen]
pub fn quote_insert(symbol: &str, cents: u64) {
    let price = Price { symbol: symbol.to_owned(), cents, history: vec![0.5; 3] };
    quoted_memo().insert(&quoted_key(symbol), price);
}

#[wasm_bindgen]
pub fn quote_forget_memory_of(max: usize) {
    quoted_memo().set_max(max);
}

#[wasm_bindgen]
pub fn quote_health() -> String {
    format!("{:?}", quoted_memo().health().map_err(|error| error.to_string()))
}

#[wasm_bindgen]
pub fn quote_damage() -> usize {
    quoted_memo().damage().len()
}

#[wasm_bindgen]
pub fn quote_stats() -> String {
    told(&quoted_memo().stats())
}

/// What the tests look at of statistics.
fn told(stats: &Stats) -> String {
    let Stats { hits, misses, disk_hits, stored, persist_errors, discarded, .. } = stats;
    format!(
        "hits {hits} misses {misses} from storage {disk_hits} stored {stored} errors {persist_errors} \
         discarded {discarded:?}"
    )
}

/// 100 kB that cannot be made smaller, which are 133 kB as text.
#[memoize(persist = "test")]
fn large(number: u32) -> Vec<u8> {
    count();
    (0..100_000_u32).map(|at| (at.wrapping_mul(number | 1) >> 7) as u8).collect()
}

#[wasm_bindgen]
pub fn large_sum(number: u32) -> u32 {
    large(number).iter().map(|byte| u32::from(*byte)).sum()
}

#[wasm_bindgen]
pub fn large_stats() -> String {
    told(&large_memo().stats())
}

#[wasm_bindgen]
pub fn large_health() -> String {
    format!("{:?}", large_memo().health().map_err(|error| error.to_string()))
}

#[wasm_bindgen]
pub fn large_clear() {
    large_memo().clear();
}

/// The items take 20 kB in all.
#[memoize(persist = "test", max_disk = 20_000)]
fn confined(len: usize) -> Vec<u8> {
    count();
    vec![7; len]
}

#[wasm_bindgen]
pub fn confined_len(len: usize) -> usize {
    confined(len).len()
}

#[wasm_bindgen]
pub fn confined_health() -> String {
    format!("{:?}", confined_memo().health().map_err(|error| error.to_string()))
}

/// Names and texts with what names of items and words of texts end with.
#[memoize(persist = "a/b:c%2F d\u{e9}\u{1f600}")]
fn odd(text: &str) -> String {
    count();
    format!("{text}/\" ")
}

#[wasm_bindgen]
pub fn odd_text(text: &str) -> String {
    odd(text)
}

#[memoize(persist = "test", max = 20_000)]
fn numbered(number: u32) -> u32 {
    count();
    number
}

/// Calls it with the numbers up to `count`.
#[wasm_bindgen]
pub fn numbered_up_to(count: u32) {
    (0..count).for_each(|number| _ = numbered(number));
}

#[wasm_bindgen]
pub fn numbered_clear() {
    numbered_memo().clear();
}

#[wasm_bindgen]
pub fn numbered_invalidate(number: u32) {
    numbered_memo().invalidate(&numbered_key(number));
}

#[memoize(persist = "test", ttl = "2s")]
fn brief(number: u32) -> u32 {
    count();
    number + 1
}

#[wasm_bindgen]
pub fn brief_successor(number: u32) -> u32 {
    brief(number)
}

#[memoize(persist = "test")]
async fn awaited(text: &str) -> String {
    count();
    three_turns().await;
    text.to_uppercase()
}

#[wasm_bindgen]
pub async fn upper(text: String) -> String {
    awaited(&text).await
}

#[wasm_bindgen]
pub fn upper_invalidate(text: &str) {
    awaited_memo().invalidate(&awaited_key(text));
}

#[memoize(persist = "test", max = 5)]
fn bounded(number: u32) -> u32 {
    count();
    number
}

#[wasm_bindgen]
pub fn bounded_identity(number: u32) -> u32 {
    bounded(number)
}
