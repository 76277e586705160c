use memokit::memoize;

#[memoize(cache_err)]
fn number(n: u32) -> u32 {
    n
}

fn main() {}
