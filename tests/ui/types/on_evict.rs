use memokit::{Departure, Key, memoize};

// The cached part is what is told: here the `Ok`.
#[memoize(on_evict = whole)]
fn parsed(text: &str) -> Result<u32, std::num::ParseIntError> {
    text.parse()
}

fn whole(_: &Key, _: &Result<u32, std::num::ParseIntError>, _: Departure) {}

#[memoize(on_evict = without_a_cause)]
fn length(text: &str) -> usize {
    text.len()
}

fn without_a_cause(_: &Key, _: &usize) {}

fn main() {}
