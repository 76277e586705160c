//! Async functions whose results are in localStorage: tabs compute each once.

use memokit::memoize;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::count;
use crate::tasks::sleep;

#[memoize(persist = "test", skip(millis))]
async fn delayed(text: &str, millis: u32) -> String {
    count();
    sleep(millis).await;
    text.to_uppercase()
}

/// Returns the text in upper case, after that time if it is not known.
#[wasm_bindgen]
pub async fn delay(text: String, millis: u32) -> String {
    delayed(&text, millis).await
}

#[wasm_bindgen]
pub fn delay_invalidate(text: &str) {
    delayed_memo().invalidate(&delayed_key(text));
}

#[memoize(persist = "test", wait_limit = "300ms", skip(millis))]
async fn impatient(text: &str, millis: u32) -> String {
    count();
    sleep(millis).await;
    text.to_uppercase()
}

#[wasm_bindgen]
pub async fn delay_impatiently(text: String, millis: u32) -> String {
    impatient(&text, millis).await
}

/// Calls itself, after a while.
#[memoize(persist = "test")]
async fn added_up(number: u32) -> u32 {
    count();
    sleep(20).await;
    if number == 0 { 0 } else { number + Box::pin(added_up(number - 1)).await }
}

#[wasm_bindgen]
pub async fn add_up(number: u32) -> u32 {
    added_up(number).await
}

/// Fails after a while.
#[memoize(persist = "test")]
async fn refused(text: &str) -> Result<String, u32> {
    count();
    sleep(100).await;
    Err(text.len() as u32)
}

#[wasm_bindgen]
pub async fn refuse(text: String) -> u32 {
    refused(&text).await.err().unwrap_or_default()
}
