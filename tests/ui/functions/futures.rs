use std::future::Future;
use std::pin::Pin;

use memokit::memoize;

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

#[memoize]
fn boxed(n: u32) -> Pin<Box<dyn Future<Output = u32> + Send>> {
    Box::pin(async move { n })
}

#[memoize]
fn opaque(n: u32) -> impl Future<Output = u32> {
    async move { n }
}

#[memoize]
fn called_so(n: u32) -> BoxFuture<'static, u32> {
    Box::pin(async move { n })
}

/// A method as `#[async_trait]` expands it.
#[memoize]
fn made_by_a_macro<'async_trait>(
    n: u32,
) -> ::core::pin::Pin<Box<dyn ::core::future::Future<Output = u32> + Send + 'async_trait>> {
    Box::pin(async move { n })
}

fn main() {}
