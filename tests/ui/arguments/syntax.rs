use memokit::memoize;

#[memoize(max =, ttl "30s", name = "quotes" persist = "cache")]
fn quote(symbol: u32) -> u32 {
    symbol
}

#[memoize(1000)]
fn number() -> u32 {
    1
}

#[memoize("cache")]
fn text() -> u32 {
    1
}

fn main() {}
