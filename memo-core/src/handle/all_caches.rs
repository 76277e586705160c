//! What a program does with all its caches at once.

use serde_core::Serialize;

use crate::error::Error;
use crate::function::any_cache::AnyCache;
use crate::function::isolation;
#[cfg(feature = "remote")]
use crate::function::tier_types::{OpenRemoval, Tier, tag_group};
use crate::handle::registry::all;
#[cfg(feature = "report")]
use crate::handle::sampling;
use crate::key::Tag;
#[cfg(feature = "remote")]
use crate::platform::clock;
use crate::statistics::report::{Report, Source};
use crate::tags;

/// Returns the statistics of every memoized function that was called or whose handle was requested with `NAME_memo()`.
/// Functions with `scope = "thread"` are not in the report. In an isolation, of the caches that it has. The time that
/// this takes is proportional to the number of all entries.
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

/// Makes the results of every function with `persist` or `remote` durable, as
/// [`Memo::flush`](crate::handle::memo::Memo::flush) does for one function.
///
/// # Errors
/// The first failure. All functions are flushed in spite of it.
#[inline]
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
#[inline]
pub fn clear_all() {
    if let Some(isolation) = isolation::current() {
        return isolation.caches().iter().for_each(|cache| cache.clear());
    }
    all().into_iter().for_each(AnyCache::clear);
}

/// Invalidates all results that have a tag, of every function with `tags` or `tags_with`, and what is being computed
/// and will have it. See [`Tag`] for which values are the same tag.
///
/// When this returns, no call in this process returns such a result, unless the call had begun before. In memory it
/// takes a time that does not depend on how many entries there are: an entry is looked at when it is met, and a sweep
/// in the background removes those that nobody meets. For each function with `persist` a record is written, so a crash
/// brings nothing back, and processes that share the directory follow it. Of the tier of `remote`, one entry is changed
/// for each tag. Meanwhile it blocks its thread, for each tier no longer than the `read_limit` of its options: in a task,
/// use `spawn_blocking`.
///
/// A function that this process has not called, and whose handle was not requested with `NAME_memo()`, is not known:
/// its directory or its tier is told when the function is called for the first time. So a service that may invalidate
/// before it reads asks for the handles at its start. A failure to write is counted in the
/// statistics of the function, and [`Memo::health`](crate::handle::memo::Memo::health) shows it.
pub fn invalidate_tag<T: Serialize>(tag: T) {
    let tag = Tag::new(&tag);
    if let Some(isolation) = isolation::current() {
        return tags::invalidate(tag.salted(isolation.number()));
    }
    // Functions that are called for the first time from now on find it.
    #[cfg(feature = "persist")]
    tags::note_invalidated(tag);
    let caches = all();
    // Not read from there any more.
    #[cfg(feature = "remote")]
    let removals = begin_to_remove(&caches, tag);
    let ending = tags::Ending::begin(tag);
    caches.iter().for_each(|cache| cache.remove_tag(tag));
    drop(ending);
    #[cfg(feature = "remote")]
    for (tier, removal) in removals {
        tier.remove(&removal, clock::instant() + tier.read_limit());
    }
}

/// Notes in each tier that the entries with a tag are removed.
#[cfg(feature = "remote")]
fn begin_to_remove(
    caches: &[&'static dyn AnyCache],
    tag: Tag,
) -> Vec<(&'static Tier, OpenRemoval)> {
    let mut tiers: Vec<&Tier> = Vec::new();
    for tier in caches.iter().filter_map(|cache| cache.tagged_tier()) {
        if !tiers.iter().any(|known| known.is(tier)) {
            tiers.push(tier);
        }
    }
    let begin =
        |tier: &'static Tier| (tier, tier.begin_to_clear(&tag_group(tier.namespace(), tag)));
    tiers.into_iter().map(begin).collect()
}
