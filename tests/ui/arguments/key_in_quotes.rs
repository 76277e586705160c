use memokit::memoize;

#[memoize(key = "a")]
fn double(a: u32) -> u32 {
    a * 2
}

#[memoize(persist = "cache/double", codec = "json")]
fn stored(a: u32) -> u32 {
    a * 2
}

#[memoize(key = 0)]
fn constant(a: u32) -> u32 {
    a * 2
}

fn main() {}
