use memokit::memoize;

#[memoize(max = 0, tll = "30s", durability = "os", persist = "", skip(symbl), jitter = 0.1)]
fn quote(symbol: &mut u32) -> &u32 {
    symbol
}

fn main() {
    quote_key(&mut 1);
    quote_uncached(&mut 1);
}
