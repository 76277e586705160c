use memokit::memoize;

#[memoize(max = 1, ttl = "1s", max = 2)]
fn quote(symbol: u32) -> u32 {
    symbol
}

fn main() {}
