use memokit::memoize;

#[memoize]
#[test]
fn a_test() {}

/// Stands for the attributes of an async runtime.
mod runtime {
    pub use core::prelude::v1::test as async_recursion;
    pub use core::prelude::v1::test as main;
}

#[memoize]
#[runtime::main]
async fn start() {}

#[memoize]
#[runtime::async_recursion]
async fn steps(n: u32) -> u32 {
    if n == 0 { 0 } else { steps(n - 1).await + 1 }
}

#[memoize]
fn main() {}
