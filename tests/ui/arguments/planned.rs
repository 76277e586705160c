use memokit::memoize;

#[memoize(max_bytes = "64MiB", idle = "1m", jitter = 0.1, verify = 0.1)]
fn quote(symbol: u32) -> u32 {
    symbol
}

fn main() {}
