use memokit::memoize;

#[memoize(remote = redis(), jitter = 0.1, verify = 0.1)]
fn quote(symbol: u32) -> u32 {
    symbol
}

fn main() {}
