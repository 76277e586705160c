use memokit::memoize;

#[memoize]
fn of_type<T: Into<u64>>(a: T) -> u64 {
    a.into()
}

#[memoize]
fn of_const<const N: usize>(a: [u32; N]) -> usize {
    a.len()
}

#[memoize]
fn of_impl(a: impl Into<u64>) -> u64 {
    a.into()
}

fn main() {
    of_type_key(1u32);
    of_impl_uncached(1u32);
}
