use memokit::memoize;

#[memoize(durability = "always")]
fn nothing_on_disk() {}

#[memoize(key = a, skip(b))]
fn key_and_skip(a: u32, b: u32) -> u32 {
    a + b
}

#[memoize(cache_err)]
fn no_result() {}

#[memoize]
#[memoize(max = 5)]
fn memoized_twice() {}

#[memoize(policy = "cost", persist = "cache")]
fn read_again() {}

#[memoize(policy = "cost", remote = redis())]
fn asked_again() {}

fn main() {}
