//! Two tests of one process that do not meet: `cargo run --example isolated`

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread;

use memokit::{bypass, inherit, isolated, memoize};

static REQUESTS: AtomicU32 = AtomicU32::new(0);

#[memoize(max = 100, ttl = "1h")]
fn price(article: u32) -> u32 {
    REQUESTS.fetch_add(1, Relaxed);
    100 * article
}

/// Is right in every order of tests, and beside every other.
fn a_price_is_asked_for_once() {
    let _isolated = isolated();
    let thread = thread::spawn(inherit(|| price(7)));
    assert_eq!((price(7), thread.join().expect("the thread ends")), (700, 700));
    let stats = price_memo().stats();
    assert_eq!((stats.hits, stats.misses), (1, 1));
}

fn main() {
    price(7);
    let tests: Vec<_> = (0..4).map(|_| thread::spawn(a_price_is_asked_for_once)).collect();
    for test in tests {
        test.join().expect("the test passes");
    }
    println!("{} requests, by the program and four tests", REQUESTS.load(Relaxed));
    bypass(|| price(7));
    println!(
        "the program's own cache: {} hits, {} entry",
        price_memo().stats().hits,
        price_memo().len()
    );
}
