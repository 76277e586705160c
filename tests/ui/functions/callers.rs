use memokit::memoize;

#[memoize]
#[test]
fn a_test() {}

/// Stands for the attributes of an async runtime.
mod runtime {
    pub use core::prelude::v1::test as main;
}

#[memoize]
#[runtime::main]
async fn start() {}

#[memoize]
fn main() {}
