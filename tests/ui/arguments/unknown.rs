use memokit::memoize;

#[memoize(tll = "30s", capacity = 5, persits = "cache", xyzzy)]
fn quote(symbol: u32) -> u32 {
    symbol
}

fn main() {
    quote(1);
    quote_memo();
    quote_key(1);
    quote_uncached(1);
}
