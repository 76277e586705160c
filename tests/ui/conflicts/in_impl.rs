use memokit::memoize;

#[memoize(in_impl)]
fn free(n: u32) -> u32 {
    n
}

fn main() {}
