//! Results that are computed before anybody asks, and again after their source has changed. Look at `warm`, and at
//! `refresh`, which replaces what is held.
//!
//!     cargo run --example warming

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use memokit::memoize;

/// The price of everything, in cents.
static PRICE: AtomicU32 = AtomicU32::new(100);

#[memoize(ttl = "1h")]
fn price(product: u32, amount: u32) -> Result<u32, String> {
    if product == 0 {
        return Err("there is no product 0".to_owned());
    }
    Ok(PRICE.load(Relaxed) * amount)
}

fn main() -> Result<(), String> {
    let popular = [(1, 1), (1, 10), (2, 1), (0, 1)];
    let warmed = memokit::warm(popular, 2, |(product, amount)| price(product, amount));
    println!("{} computed, {} found, {} failed", warmed.computed, warmed.found, warmed.failed);
    println!("held: {}", price(1, 10)?);

    // First the source changes, then a refresh is asked for.
    PRICE.store(120, Relaxed);
    println!("still held: {}", price(1, 10)?);
    println!("refreshed: {}", memokit::refresh(|| price(1, 10))?);
    println!("held: {}", price(1, 10)?);
    Ok(())
}
