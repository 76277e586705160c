//! Tiles of the Mandelbrot set. A tile takes a while to compute where the set is dense, so it is kept in localStorage:
//! a place that was seen before is there at once, also after a reload and in another tab.

use std::cell::Cell;

use memokit::{Shared, memoize};
use wasm_bindgen::prelude::wasm_bindgen;

/// The width and height of a tile in pixels.
const SIZE: u32 = 128;
/// A point that has not left after so many steps belongs to the set.
const MAX_STEPS: u32 = 5000;
/// The set lies in a square of this width around the origin, which is the only tile of zoom 0.
const WIDTH: f64 = 4.0;

thread_local! {
    static COMPUTED: Cell<u32> = const { Cell::new(0) };
}

/// Returns the colour of each pixel, by rows: 0 for points of the set, or else a number that grows with the steps after
/// which the point left.
#[memoize(max = 200, persist = "fractal")]
fn tile(zoom: u32, column: u32, row: u32) -> Shared<Vec<u8>> {
    COMPUTED.set(COMPUTED.get() + 1);
    let width = WIDTH / f64::from(zoom).exp2();
    let at = |tile: u32, pixel: u32| {
        (f64::from(tile) + f64::from(pixel) / f64::from(SIZE)) * width - WIDTH / 2.0
    };
    let pixels = (0..SIZE).flat_map(|y| (0..SIZE).map(move |x| (x, y)));
    let colours: Vec<u8> = pixels.map(|(x, y)| colour(at(column, x), at(row, y))).collect();
    colours.into()
}

fn colour(real: f64, imaginary: f64) -> u8 {
    let (mut x, mut y) = (0.0, 0.0);
    for step in 0..MAX_STEPS {
        if x * x + y * y > 4.0 {
            return 1 + u8::try_from(step * 5 % 255).unwrap_or(u8::MAX);
        }
        (x, y) = (x * x - y * y + real, 2.0 * x * y + imaginary);
    }
    0
}

/// Returns the colours of a tile for the page.
#[wasm_bindgen]
pub fn colours(zoom: u32, column: u32, row: u32) -> Vec<u8> {
    tile(zoom, column, row).to_vec()
}

/// Returns how many tiles this page has computed.
#[wasm_bindgen]
pub fn computed() -> u32 {
    COMPUTED.get()
}

/// Returns what the page shows, as lines of a name, a tab and a text.
#[wasm_bindgen]
pub fn statistics() -> String {
    let stats = tile_memo().stats();
    let in_memory = stats.hits - stats.disk_hits;
    let displaced: u64 = stats.discarded.iter().map(|(count, _)| count).sum();
    let health = tile_memo().health().map_or_else(|why| why.to_string(), |()| "good".to_owned());
    let lines = [
        ("computed", stats.misses.to_string()),
        ("from memory", in_memory.to_string()),
        ("from localStorage", stats.disk_hits.to_string()),
        ("time saved", format!("{:.1} s", stats.time_saved.as_secs_f64())),
        ("stored", format!("{} tiles, {} kB", stats.stored, stats.log_bytes / 1000)),
        ("gave way or not usable", displaced.to_string()),
        ("health", health),
    ];
    lines.map(|(name, text)| format!("{name}\t{text}")).join("\n")
}

/// Returns the report on all memoized functions as a page.
#[wasm_bindgen]
pub fn report() -> String {
    memokit::report().to_html()
}

/// Forgets all tiles, here and in other tabs.
#[wasm_bindgen]
pub fn clear() {
    tile_memo().clear();
}
