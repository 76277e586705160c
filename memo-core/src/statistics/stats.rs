//! The statistics of one cache.

use std::time::{Duration, SystemTime};

use serde_core::ser::{Serialize, SerializeStruct, Serializer};

use super::counters::mean;
use super::histogram::Histogram;
use crate::advice::summary::Advice;

/// The end of a field's documentation.
macro_rules! kind_text {
    (counter) => {
        "\n\nA counter."
    };
    (gauge) => {
        "\n\nA gauge."
    };
}

/// A field since an earlier time.
macro_rules! field_since {
    (counter $now:expr, $earlier:expr) => {
        Counted::since($now, $earlier)
    };
    (gauge $now:expr, $earlier:expr) => {
        Clone::clone($now)
    };
}

macro_rules! stats {
    ($($(#[$doc:meta])* $kind:ident $field:ident: $type:ty,)*) => {
        /// The statistics of one cache since the process began.
        ///
        /// Each call counts once: as a miss if it computed, else as a hit. A computation that no call waited for is a
        /// refresh, and neither.
        ///
        /// A counter only grows while the process runs; a gauge is what holds at present. Counters are exact: each call
        /// is in one once it has returned.
        #[derive(Debug, Clone, Default)]
        #[non_exhaustive]
        pub struct Stats {
            $($(#[$doc])* #[doc = kind_text!($kind)] pub $field: $type,)*
        }

        impl Stats {
            /// Returns what has happened since `earlier`, which came from the same cache: of counters the difference,
            /// and of gauges the present value. `time_saved` is the hits since then times the present mean time of a
            /// computation.
            #[inline]
            #[must_use]
            pub fn since(&self, earlier: &Self) -> Self {
                let mut since = Self {
                    $($field: field_since!($kind &self.$field, &earlier.$field),)*
                };
                since.time_saved = times(self.mean_compute(), since.hits);
                since
            }
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
    gauge name: String,
    /// Calls that did not compute.
    counter hits: u64,
    /// Calls that computed.
    counter misses: u64,
    /// The current number of entries. If there are more than 4096, expired ones may count for up to two seconds.
    gauge entries: u64,
    /// Entries whose time to live or idle time has ended and that are still held: those that may be served stale, and
    /// those that were not removed yet. `entries` counts these too. If there are more than 4096 entries, it is estimated
    /// from some 4096 of them, within about 2 % of `entries`.
    gauge over: u64,
    /// With `max_bytes`, the sum of the weights of the entries. Otherwise the bytes that the entries take, keys
    /// included, but without the bytes that values own outside themselves.
    gauge bytes: u64,
    /// Whether `max` or `max_bytes` bounds the cache.
    gauge is_bounded: bool,
    /// Entries evicted to stay within `max` and `max_bytes`.
    counter evicted: u64,
    /// Entries removed because their time to live or their idle time ended.
    counter expired: u64,
    /// Entries removed by `invalidate`, `clear` and `retain`.
    counter invalidated: u64,
    /// Hits that waited for another caller's computation.
    counter coalesced: u64,
    /// Hits served after the time to live, while another caller or a refresh computed.
    counter stale: u64,
    /// Misses whose computation returned an error, and that returned an older value instead.
    counter stale_if_error: u64,
    /// Refreshes: computations that ran behind the calls, by `spawn`. The fields below that count misses count them
    /// too.
    counter refreshed: u64,
    /// Misses whose value was not cached: an error, a value that `cache_if` rejected, a value heavier than `max_bytes`,
    /// or a call from within its own computation.
    counter uncached: u64,
    /// Misses whose arguments have no key.
    counter unkeyable: u64,
    /// Misses that did not return: those that panicked, and those whose future or task was dropped.
    counter unfinished: u64,
    /// Misses that panicked.
    counter panics: u64,
    /// Panics of the listener of `on_evict`. They reach no caller.
    counter listener_panics: u64,
    /// Differences found by `verify`.
    counter mismatches: u64,
    /// Time spent in computations that returned, without the time of computations of memoized functions within them
    /// that ran on the same thread or in the same task. So the sum over all caches counts no time twice.
    counter compute_time: Duration,
    /// The time that other runs of the program spent in the computations of the `recovered` entries: their number times
    /// the mean of the times that were recorded with stored results, each within a ninth. Zero if none was recorded. It
    /// is not part of `compute_time`.
    counter recovered_compute_time: Duration,
    /// Hits times the mean time of a computation, as [`Stats::mean_compute`] gives it. It is what computing again would
    /// have taken if the results that are used within were still cached; without these it would have taken longer.
    counter time_saved: Duration,
    /// Entries read back from disk.
    counter recovered: u64,
    /// What was found on disk and not used: how many, and the reason.
    gauge discarded: Vec<(u64, String)>,
    /// Failures to write to disk or to open it.
    counter persist_errors: u64,
    /// The last such failure.
    gauge last_error: Option<String>,
    /// The number of results on disk, or somewhat more: one that was computed again since the last snapshot can count
    /// twice.
    gauge stored: u64,
    /// How many hits were results on disk that were not in memory. `hits` counts these too.
    counter disk_hits: u64,
    /// Hits on results that were only in the tier that machines share. `hits` counts these too.
    counter remote_hits: u64,
    /// Calls that found nothing there, or could not ask.
    counter remote_misses: u64,
    /// Results that were written there.
    counter remote_writes: u64,
    /// Results that were not: the queue was full, or the right to write them had ended. What was computed because the
    /// tier could not be asked has no such right from the start, and is not counted.
    counter remote_drops: u64,
    /// Results that could not be written, encoded or decoded.
    counter remote_errors: u64,
    /// Entries removed from memory because another process has changed them there, or because it cannot be known
    /// whether one has.
    counter remote_invalidated: u64,
    /// Time that calls spent asking there.
    counter remote_time: Duration,
    /// How long computations took that returned, refreshes included, with the time of what they called. If they take
    /// less than 10 µs on average, one in 64 is measured.
    counter compute_latency: Histogram,
    /// How long it took to find, read and decode the results of `disk_hits`.
    counter disk_latency: Histogram,
    /// How long it took until the tier had answered with the results of `remote_hits`.
    counter remote_latency: Histogram,
    /// How long the callers in `coalesced` waited.
    counter wait_latency: Histogram,
    /// The size of the write-ahead log in bytes.
    gauge log_bytes: u64,
    /// The time at which the last snapshot was written.
    gauge last_snapshot: Option<SystemTime>,
    /// With `advise`, advice on the size of the cache, once 1,000 calls were sampled.
    gauge advice: Option<Advice>,
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

/// Returns `time` times `count`.
pub(crate) fn times(time: Duration, count: u64) -> Duration {
    let nanos = time.as_nanos().saturating_mul(u128::from(count));
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

/// Something that grows.
trait Counted {
    /// Returns by how much it has grown. It cannot be less than before, except that counters which are read one after
    /// another may disagree by a call that runs meanwhile.
    fn since(&self, earlier: &Self) -> Self;
}

impl Counted for u64 {
    #[inline]
    fn since(&self, earlier: &Self) -> Self {
        self.saturating_sub(*earlier)
    }
}

impl Counted for Duration {
    #[inline]
    fn since(&self, earlier: &Self) -> Self {
        self.saturating_sub(*earlier)
    }
}

impl Counted for Histogram {
    #[inline]
    fn since(&self, earlier: &Self) -> Self {
        Histogram::since(self, earlier)
    }
}
