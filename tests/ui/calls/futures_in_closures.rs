// The call begins when its future is polled, after the closure, so nothing would be refreshed.
use std::future::Future;
use std::pin::Pin;

#[memokit::memoize]
async fn page(n: u32) -> u32 {
    n
}

fn boxed(n: u32) -> Pin<Box<dyn Future<Output = u32>>> {
    Box::pin(page(n))
}

async fn refreshed() -> u32 {
    memokit::refresh(|| page(1)).await
}

async fn bypassed() -> u32 {
    memokit::bypass(|| async { page(1).await }).await
}

async fn asked() -> u32 {
    memokit::outcome(|| boxed(1)).into_value().await
}

async fn inherited() -> u32 {
    memokit::inherit(|| page(1))().await
}

async fn warmed() {
    memokit::warm([1, 2], 2, page);
}

fn generic<F: Future<Output = u32>>(call: impl FnOnce() -> F) -> F {
    memokit::refresh(call)
}

fn main() {}
