//! A program for WASI: prints what it computed, and what it found in the folder `/cache`.

use std::cell::Cell;

use memokit::memoize;

thread_local! {
    static COMPUTED: Cell<u32> = const { Cell::new(0) };
}

#[memoize(max = 50, ttl = "1h", persist = "/cache")]
fn cubed(number: u32) -> u64 {
    COMPUTED.set(COMPUTED.get() + 1);
    u64::from(number).pow(3)
}

/// Prints how much was computed. The last result is written by no flush of ours, but at the exit.
fn main() {
    let command = std::env::args().nth(1).unwrap_or_default();
    if command == "invalidate" {
        cubed_memo().invalidate(&cubed_key(7));
    }
    let sum: u64 = (0..20).map(cubed).sum();
    assert_eq!(sum, (0..20).map(|n| n * n * n).sum::<u64>());
    assert_eq!(cubed(7), 343);
    let stats = cubed_memo().stats();
    println!("computed {} hits {} entries {}", COMPUTED.get(), stats.hits, stats.entries);
    println!("health {:?}", cubed_memo().health());
    println!("damage {}", cubed_memo().damage().len());
    if command == "compact" {
        println!("compact {:?}", cubed_memo().snapshot());
    }
    if command == "exit" {
        std::process::exit(3);
    }
}
