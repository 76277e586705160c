//! Which results are kept. Look at the attributes: an error is not kept unless one says so, `None` is, and a source
//! that fails for a while does not take away what is held.
//!
//!     cargo run --example errors

use std::num::ParseIntError;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use memokit::{clock, isolated, memoize};

/// `Ok` is kept; an error is computed again by the next call.
#[memoize]
fn parsed(text: &str) -> Result<u32, ParseIntError> {
    println!("  parses {text:?}");
    text.parse()
}

/// Errors are kept too, but not for long: for a source that should not be asked again and again.
#[memoize(ttl = "1h", cache_err = "10s")]
fn page(path: &str) -> Result<String, String> {
    println!("  fetches {path:?}");
    Err(format!("no page {path:?}"))
}

/// Only `Some` is kept. Without `cache_if`, `None` would be as well.
#[memoize(cache_if = Option::is_some)]
fn user(name: &str) -> Option<usize> {
    println!("  looks {name:?} up");
    ["Ann", "Bob"].iter().position(|known| *known == name)
}

static BROKEN: AtomicBool = AtomicBool::new(false);

/// If a recomputation fails, its caller gets the older value for as long as `stale` says.
#[memoize(ttl = "1h", stale = "1d")]
fn rate(currency: &str) -> Result<u32, String> {
    println!("  asks for {currency}");
    if BROKEN.load(Relaxed) { Err("the source is down".to_owned()) } else { Ok(117) }
}

fn main() {
    // Its clock can be moved.
    let _isolated = isolated();
    clock::pause();
    println!("{:?} {:?}", parsed("17"), parsed("17"));
    println!("{:?} {:?}", parsed("x"), parsed("x"));
    println!("{:?} {:?}", page("/a"), page("/a"));
    println!("{:?} {:?}", user("Bob"), user("Bob"));
    println!("{:?} {:?}", user("Eve"), user("Eve"));
    println!("{:?}", rate("EUR"));
    BROKEN.store(true, Relaxed);
    clock::advance(Duration::from_secs(2 * 60 * 60));
    println!("{:?}, two hours old", rate("EUR"));
}
