//! What a cache did.

use std::time::{Duration, SystemTime};

use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::counters::mean;

macro_rules! stats {
    ($($(#[$doc:meta])* $field:ident: $type:ty,)*) => {
        /// What one cache did since the process began.
        ///
        /// A call counts once: as a hit when it was answered without computing, as a miss when it computed.
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
    /// The function, with its module.
    name: String,
    /// CallCounters answered without computing.
    hits: u64,
    /// CallCounters that computed.
    misses: u64,
    /// Entries now, those that have expired not counted.
    entries: u64,
    /// With `max_bytes` the sum of the entries' weights. Else the bytes that they take, their keys included; what values
    /// own outside themselves is not known.
    bytes: u64,
    /// Entries evicted to stay within `max` and `max_bytes`.
    evicted: u64,
    /// Entries removed after their time to live, or after the time that they may be idle.
    expired: u64,
    /// Entries removed by `invalidate`, `clear` and `retain`.
    invalidated: u64,
    /// Hits that waited for another caller's computation.
    coalesced: u64,
    /// Hits served after the time to live, while another caller computed.
    stale: u64,
    /// Misses whose value was not kept: an error, one that `cache_if` turned down, one heavier than `max_bytes`, or
    /// a call from within its own computation.
    uncached: u64,
    /// Misses whose arguments have no key.
    unkeyable: u64,
    /// Misses that panicked.
    panics: u64,
    /// Differences found by `verify`.
    mismatches: u64,
    /// Time spent in the function.
    compute_time: Duration,
    /// Hits times the mean computation.
    time_saved: Duration,
    /// Entries read back from disk.
    recovered: u64,
    /// What was found on disk and not used, with the reason.
    discarded: Vec<(u64, String)>,
    /// Failures to write to disk or to open it.
    persist_errors: u64,
    /// The last of these.
    last_error: Option<String>,
    /// Bytes of the log.
    log_bytes: u64,
    /// When the last snapshot was written.
    last_snapshot: Option<SystemTime>,
}

impl Stats {
    /// The share of calls that were hits; 0 when there were none.
    #[must_use]
    pub fn hit_ratio(&self) -> f64 {
        let calls = self.hits + self.misses;
        #[expect(clippy::cast_precision_loss, reason = "a ratio")]
        if calls == 0 { 0.0 } else { self.hits as f64 / calls as f64 }
    }

    /// The mean time of a computation; zero when there was none.
    #[must_use]
    pub fn mean_compute(&self) -> Duration {
        mean(self.compute_time, self.misses)
    }
}
