use memokit::memoize;

#[memoize]
fn opaque() -> impl Iterator<Item = u32> {
    0..5
}

#[memoize]
fn never() -> ! {
    panic!()
}

fn main() {}
