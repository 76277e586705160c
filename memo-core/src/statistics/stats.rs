//! The statistics of one cache.

use std::time::{Duration, SystemTime};

use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::counters::mean;
use crate::advice::summary::Advice;

macro_rules! stats {
    ($($(#[$doc:meta])* $field:ident: $type:ty,)*) => {
        /// The statistics of one cache since the process began.
        ///
        /// Each call counts once: as a miss if it computed, else as a hit. A computation that no call waited for is a
        /// refresh, and neither.
        #[derive(Debug, Clone, Default)]
        #[non_exhaustive]
        pub struct Stats {
            $($(#[$doc])* pub $field: $type,)*
        }

        impl Serialize for Stats {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let count = [$(stringify!($field)),*].len();
                let mut out = serializer.serialize_struct("Stats", count)?;
                $(out.serialize_field(stringify!($field), &self.$field)?;)*
                out.end()
            }
        }
    };
}

stats! {
    /// The name of the cache: the function with its module, unless `name` replaces it.
    name: String,
    /// Calls that did not compute.
    hits: u64,
    /// Calls that computed.
    misses: u64,
    /// The current number of entries. If there are more than 4096, expired ones may count for up to two seconds.
    entries: u64,
    /// With `max_bytes`, the sum of the weights of the entries. Otherwise the bytes that the entries take, keys
    /// included, but without the bytes that values own outside themselves.
    bytes: u64,
    /// Whether `max` or `max_bytes` bounds the cache.
    is_bounded: bool,
    /// Entries evicted to stay within `max` and `max_bytes`.
    evicted: u64,
    /// Entries removed because their time to live or their idle time ended.
    expired: u64,
    /// Entries removed by `invalidate`, `clear` and `retain`.
    invalidated: u64,
    /// Hits that waited for another caller's computation.
    coalesced: u64,
    /// Hits served after the time to live, while another caller or a refresh computed.
    stale: u64,
    /// Misses whose computation returned an error, and that returned an older value instead.
    stale_if_error: u64,
    /// Refreshes: computations that ran behind the calls, by `spawn`. The fields below that count misses count them
    /// too.
    refreshed: u64,
    /// Misses whose value was not cached: an error, a value that `cache_if` rejected, a value heavier than `max_bytes`,
    /// or a call from within its own computation.
    uncached: u64,
    /// Misses whose arguments have no key.
    unkeyable: u64,
    /// Misses that did not return: those that panicked, and those whose future or task was dropped.
    unfinished: u64,
    /// Misses that panicked.
    panics: u64,
    /// Differences found by `verify`.
    mismatches: u64,
    /// Time spent in computations that returned, without the time of computations of memoized functions within them
    /// that ran on the same thread or in the same task. So the sum over all caches counts no time twice.
    compute_time: Duration,
    /// The time that other runs of the program spent in the computations of the `recovered` entries: their number times
    /// the mean of the times that were recorded with stored results, each within a ninth. Zero if none was recorded. It
    /// is not part of `compute_time`.
    recovered_compute_time: Duration,
    /// Hits times the mean time of a computation, as [`Stats::mean_compute`] gives it. It is what computing again would
    /// have taken if the results that are used within were still cached; without these it would have taken longer.
    time_saved: Duration,
    /// Entries read back from disk.
    recovered: u64,
    /// What was found on disk and not used: how many, and the reason.
    discarded: Vec<(u64, String)>,
    /// Failures to write to disk or to open it.
    persist_errors: u64,
    /// The last such failure.
    last_error: Option<String>,
    /// The number of results on disk, or somewhat more: one that was computed again since the last snapshot can count
    /// twice.
    stored: u64,
    /// How many hits were results on disk that were not in memory. `hits` counts these too.
    disk_hits: u64,
    /// Hits on results that were only in the tier that machines share. `hits` counts these too.
    remote_hits: u64,
    /// Calls that found nothing there, or could not ask.
    remote_misses: u64,
    /// Results that were written there.
    remote_writes: u64,
    /// Results that were not: the queue was full, or the right to write them had ended.
    remote_drops: u64,
    /// Results that could not be written, encoded or decoded.
    remote_errors: u64,
    /// Entries removed from memory because another process has changed them there, or because it cannot be known
    /// whether one has.
    remote_invalidated: u64,
    /// Time that calls spent asking there.
    remote_time: Duration,
    /// The size of the write-ahead log in bytes.
    log_bytes: u64,
    /// The time at which the last snapshot was written.
    last_snapshot: Option<SystemTime>,
    /// With `advise`, advice on the size of the cache, once 1,000 calls were sampled.
    advice: Option<Advice>,
}

impl Stats {
    /// Returns the share of calls that were hits, or 0 if there were no calls.
    #[must_use]
    pub fn hit_ratio(&self) -> f64 {
        let calls = self.hits + self.misses;
        #[expect(clippy::cast_precision_loss, reason = "a ratio")]
        if calls == 0 { 0.0 } else { self.hits as f64 / calls as f64 }
    }

    /// Returns the mean time of a computation, or zero if none is known. The mean is of those that returned and of
    /// those of the `recovered` entries, if their time is known:
    ///
    /// (`compute_time` + `recovered_compute_time`) / (`misses` + `refreshed` - `unfinished` + `recovered`)
    ///
    /// As in `compute_time`, the time of computations within each does not count.
    #[must_use]
    pub fn mean_compute(&self) -> Duration {
        let recovered = if self.recovered_compute_time.is_zero() { 0 } else { self.recovered };
        let count = (self.misses + self.refreshed).saturating_sub(self.unfinished) + recovered;
        mean(self.compute_time.saturating_add(self.recovered_compute_time), count)
    }
}
