//! One function for each kind of argument that has something to do with time, memory or types.

use std::cell::RefCell;
use std::fmt::Display;

use memokit::{Cache, Departure, Key, memoize};
use wasm_bindgen::prelude::wasm_bindgen;

use crate::count;

#[memoize(ttl = "200ms", stale = "10s")]
fn aging(number: u32) -> u32 {
    count();
    number + crate::computed()
}

#[wasm_bindgen]
pub fn age(number: u32) -> u32 {
    aging(number)
}

thread_local! {
    static HEARD: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

fn hear(key: &Key, value: &u32, departure: Departure) {
    let heard = format!("{key:?} {value} {departure:?}");
    HEARD.with_borrow_mut(|all| all.push(heard));
}

#[memoize(max = 2, on_evict = hear)]
fn heard(number: u32) -> u32 {
    count();
    number
}

#[wasm_bindgen]
pub fn hear_of(number: u32) -> u32 {
    heard(number)
}

/// Returns what the listener was told, a line for each entry.
#[wasm_bindgen]
pub fn what_was_heard() -> String {
    HEARD.with_borrow(|all| all.join("\n"))
}

/// Has a cache of its own.
#[wasm_bindgen]
#[derive(Default)]
pub struct Shop {
    cache: Cache,
    factor: u32,
}

impl Shop {
    #[memoize(scope = "instance", max = 10)]
    fn multiplied(&self, number: u32) -> u32 {
        count();
        self.factor * number
    }
}

#[wasm_bindgen]
impl Shop {
    #[wasm_bindgen(constructor)]
    pub fn new(factor: u32) -> Self {
        Self { factor, ..Self::default() }
    }

    pub fn price(&self, number: u32) -> u32 {
        self.multiplied(number)
    }
}

#[memoize]
fn shown<T: Display + serde::Serialize>(value: T) -> String {
    count();
    value.to_string()
}

/// Shows two values of different types that write the same.
#[wasm_bindgen]
pub fn show_both() -> String {
    format!("{} {}", shown(1_u8), shown("1"))
}
