use memokit::memoize;

#[memoize]
fn mapped(n: u32, by: impl Fn(u32) -> u32) -> u32 {
    by(n)
}

#[memoize]
fn shown<T: ToString>(value: T) -> String {
    value.to_string()
}

fn main() {}
