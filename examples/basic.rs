//! One attribute. Look at the calls in `main`: only the first of two equal ones computes.
//!
//!     cargo run --example basic

use memokit::memoize;

#[memoize(max = 1000)]
fn primes_below(bound: u64) -> usize {
    println!("  computes the primes below {bound}");
    (2..bound).filter(|n| (2..*n).all(|d| n % d != 0)).count()
}

fn main() {
    println!("below 1000: {}", primes_below(1000));
    println!("below 1000: {}", primes_below(1000));
    println!("below 2000: {}", primes_below(2000));

    // For a function `f` there are also `f_memo()`, its cache, and `f_key(..)`, the key of a call.
    let stats = primes_below_memo().stats();
    println!("{} hit, {} misses", stats.hits, stats.misses);
    primes_below_memo().invalidate(&primes_below_key(1000));
    println!("below 1000: {}", primes_below(1000));
    println!("below 2000: {}", primes_below(2000));
}
