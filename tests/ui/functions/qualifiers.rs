use memokit::memoize;

#[memoize]
const fn constant(a: u32) -> u32 {
    a
}

#[memoize]
unsafe extern "C" fn variadic(a: u32, more: ...) -> u32 {
    a
}

fn main() {}
