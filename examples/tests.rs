//! Tests of memoized functions, in one process. Look at `isolated`: each test begins with empty caches, whatever runs
//! before it and beside it, and none leaves anything behind. With the feature `test-util` it also moves the time.
//!
//!     cargo run --example tests
//!
//! In a program of your own, the functions of `TESTS` are `#[test]`s.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use memokit::{bypass, clock, inherit, isolated, memoize};

static REQUESTS: AtomicU32 = AtomicU32::new(0);

#[memoize(max = 100, ttl = "1h")]
fn price(article: u32) -> u32 {
    REQUESTS.fetch_add(1, Relaxed);
    100 * article
}

fn a_price_is_asked_for_once() {
    let _isolated = isolated();
    // A thread is outside, unless it inherits.
    let thread = thread::spawn(inherit(|| price(7)));
    assert_eq!((price(7), thread.join().expect("the thread ends")), (700, 700));
    let stats = price_memo().stats();
    assert_eq!((stats.hits, stats.misses), (1, 1));
}

fn a_price_is_asked_for_again_after_an_hour() {
    let _isolated = isolated();
    clock::pause();
    price(7);
    clock::advance(Duration::from_secs(3601));
    price(7);
    assert_eq!(price_memo().stats().misses, 2);
}

fn a_price_does_not_depend_on_the_cache() {
    assert_eq!(bypass(|| price(7)), price(7));
}

const TESTS: [fn(); 3] = [
    a_price_is_asked_for_once,
    a_price_is_asked_for_again_after_an_hour,
    a_price_does_not_depend_on_the_cache,
];

fn main() {
    price(7);
    for test in TESTS.map(thread::spawn) {
        test.join().expect("the test passes");
    }
    let stats = price_memo().stats();
    println!("{} requests by the program and its tests", REQUESTS.load(Relaxed));
    println!("the program's own cache: {} hit, {} miss", stats.hits, stats.misses);
}
