use memokit::memoize;
use serde::Serialize;

#[memoize]
fn same<T: Serialize + Clone + Send + Sync>(value: T) -> T {
    value
}

#[memoize]
fn all<T, U>(first: T, _second: U) -> Result<Vec<T>, std::fmt::Error>
where
    T: Serialize + Clone + Send + Sync,
    U: Serialize,
{
    Ok(vec![first])
}

fn main() {}
