use memokit::memoize;

#[memoize(scope = "thread", persist = "pages")]
fn page(id: u32) -> u32 {
    id
}

#[memoize(key = a)]
fn pattern((a, _): (u32, impl Copy)) -> u32 {
    a
}

fn main() {}
