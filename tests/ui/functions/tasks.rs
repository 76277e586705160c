use std::future::Future;

use memokit::memoize;

#[memoize]
async fn borrowed(a: &str) -> &str {
    a
}

#[memoize]
async fn changed(a: &mut u32) -> u32 {
    *a
}

#[memoize]
async fn later(a: u32) -> impl Future<Output = u32> {
    std::future::ready(a)
}

#[memoize]
async fn for_ever(_a: u32) -> ! {
    std::future::pending().await
}

fn main() {}
