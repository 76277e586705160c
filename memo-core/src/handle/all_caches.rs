//! What a program does with all its caches at once.

use crate::error::Error;
use crate::function::any_cache::AnyCache;
use crate::function::isolation;
use crate::handle::registry::all;
#[cfg(feature = "report")]
use crate::handle::sampling;
use crate::statistics::report::{Report, Source};

/// Returns the statistics of every memoized function that was called or whose handle was requested with `NAME_memo()`.
/// Functions with `scope = "thread"` are not in the report. In an isolation, of the caches that it has. The time that this takes is proportional to the number of
/// all entries.
#[must_use]
#[inline]
pub fn report() -> Report {
    if let Some(isolation) = isolation::current() {
        return Report::of(
            isolation.caches().iter().map(|cache| (cache.stats(), isolated(&**cache))).collect(),
        );
    }
    Report::of(all().into_iter().map(|cache| (cache.stats(), source(cache))).collect())
}

#[cfg(not(feature = "report"))]
fn source(_: &'static dyn AnyCache) -> Source {}

#[cfg(feature = "report")]
fn source(cache: &'static dyn AnyCache) -> Source {
    Source { cache: cache.inspected(), samples: sampling::samples(cache) }
}

#[cfg(not(feature = "report"))]
fn isolated(_: &dyn AnyCache) -> Source {}

#[cfg(feature = "report")]
fn isolated(cache: &dyn AnyCache) -> Source {
    Source { cache: cache.inspected(), samples: Vec::new() }
}

/// Makes the results of every function with `persist` durable, as [`Memo::flush`](crate::handle::memo::Memo::flush)
/// does for one function.
///
/// # Errors
/// The first failure. All functions are flushed in spite of it.
pub fn flush_all() -> Result<(), Error> {
    if isolation::is_on() {
        return Ok(());
    }
    all().into_iter().map(AnyCache::flush).fold(Ok(()), Result::and)
}

/// Removes all results of every memoized function that was called or whose handle was requested with `NAME_memo()`, as
/// [`Memo::clear`](crate::handle::memo::Memo::clear) does for one function: in memory, on disk and in the tier.
///
/// Functions with `scope = "thread"` are left out, and so are functions that this process has not used, whose results
/// may be on disk.
pub fn clear_all() {
    if let Some(isolation) = isolation::current() {
        return isolation.caches().iter().for_each(|cache| cache.clear());
    }
    all().into_iter().for_each(AnyCache::clear);
}
