use memokit::memoize;

#[memoize(remote = "redis://localhost", jitter = 0.1, verify = 0.1)]
fn quote(symbol: &str) -> u32 {
    symbol.len() as u32
}

fn main() {
    quote("ACME");
}
