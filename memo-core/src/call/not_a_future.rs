//! A closure that returns a future has begun no call: that begins when the future is polled, after the closure. So the
//! functions that act while a closure runs do not compile with such a one.

use std::future::Future;

/// What a closure may return to [`refresh`](super::renewal::refresh), [`bypass`](super::bypass::bypass),
/// [`outcome`](super::outcome::outcome), [`warm`](super::warming::warm) or [`inherit`](super::isolated::inherit): any
/// type but a future.
///
/// Every type implements it, and a future does so for two `Kind`s, so that the compiler cannot tell which is meant.
/// What it prints then are the names here, which say what to do. A call whose value is meant to be a future, such as the
/// handle of a task, returns it in a tuple: `refresh(|| (started(),)).0`.
pub trait NotAFuture<Kind> {}

/// The kind of every type.
#[derive(Debug)]
pub enum AnyValue {}

/// The second kind of a future: `refresh_async(f()).await` in place of `refresh(|| f()).await`.
#[derive(Debug)]
pub enum AFutureTakesTheAsyncForm {}

impl<R> NotAFuture<AnyValue> for R {}

impl<F: Future> NotAFuture<AFutureTakesTheAsyncForm> for F {}
