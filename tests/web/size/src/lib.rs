//! One function, whose size in a page is measured as it comes, memoized, and stored.

use wasm_bindgen::prelude::wasm_bindgen;

#[cfg_attr(all(feature = "memory", not(feature = "stored")), memokit::memoize(max = 100))]
#[cfg_attr(feature = "stored", memokit::memoize(max = 100, persist = "size"))]
fn most_frequent(text: &str) -> Option<u8> {
    let mut counts = [0_u32; 256];
    text.bytes().for_each(|byte| counts[usize::from(byte)] += 1);
    (0..=255)
        .filter(|byte| counts[usize::from(*byte)] > 0)
        .max_by_key(|byte| counts[usize::from(*byte)])
}

#[wasm_bindgen]
pub fn frequent(text: &str) -> Option<u8> {
    most_frequent(text)
}
