//! Functions that the tests in `tests/web/cases.mjs` call from a page.

#[cfg(feature = "files")]
mod files;
#[cfg(all(feature = "persist", not(feature = "web")))]
mod homeless;
mod kinds;
#[cfg(feature = "web")]
mod stored;
#[cfg(feature = "web")]
mod tabs;
mod tasks;
mod values;

use std::cell::Cell;
use std::future::poll_fn;
use std::task::Poll;

use memokit::memoize;
use wasm_bindgen::prelude::wasm_bindgen;

thread_local! {
    /// How often a body ran.
    static COMPUTED: Cell<u32> = const { Cell::new(0) };
}

fn count() {
    COMPUTED.set(COMPUTED.get() + 1);
}

/// Returns how often a body ran since the page was loaded.
#[wasm_bindgen]
pub fn computed() -> u32 {
    COMPUTED.get()
}

#[memoize(max = 100)]
fn squared(number: u32) -> u64 {
    count();
    u64::from(number).pow(2)
}

#[wasm_bindgen]
pub fn square(number: u32) -> u64 {
    squared(number)
}

#[memoize(max = 100, ttl = "200ms")]
fn short_lived(text: &str) -> String {
    count();
    text.to_uppercase()
}

#[wasm_bindgen]
pub fn shout(text: &str) -> String {
    short_lived(text)
}

/// Returns how many entries of the function with a time to live are in memory.
#[wasm_bindgen]
pub fn shout_entries() -> usize {
    short_lived_memo().len()
}

/// Lets other tasks run in between.
async fn three_turns() {
    let mut turns = 3;
    poll_fn(|context| {
        turns -= 1;
        context.waker().wake_by_ref();
        if turns == 0 { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

#[memoize]
async fn slowly(number: u32) -> u32 {
    count();
    three_turns().await;
    number + 1
}

#[wasm_bindgen]
pub async fn successor(number: u32) -> u32 {
    slowly(number).await
}

/// A function that calls itself, deep enough that a wait for itself would show.
#[memoize]
fn fibonacci(n: u32) -> u64 {
    count();
    if n < 2 { u64::from(n) } else { fibonacci(n - 1) + fibonacci(n - 2) }
}

#[wasm_bindgen]
pub fn fib(n: u32) -> u64 {
    fibonacci(n)
}

/// Returns the statistics of all functions as a table.
#[wasm_bindgen]
pub fn report() -> String {
    memokit::report().to_string()
}
