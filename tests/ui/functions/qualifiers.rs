use memokit::memoize;

#[memoize]
const fn constant(a: u32) -> u32 {
    a
}

fn main() {}
