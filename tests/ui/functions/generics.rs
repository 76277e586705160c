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

#[memoize(persist = "cache/stored")]
fn stored<T: Serialize + Clone + Send + Sync + 'static>(value: T) -> Vec<T> {
    vec![value]
}

#[memoize]
fn shared<T>(value: T) -> (u32, T)
where
    T: Serialize + 'static,
{
    (1, value)
}

#[memoize]
fn shown<T: ToString>(values: &[T], by: impl Fn(&T) -> String) -> String {
    values.iter().map(by).collect()
}

fn main() {}
