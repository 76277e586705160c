//! A report as JSON.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::details::{Details, Outstanding};
use super::report::{Report, program};
use super::samples::Sample;
use super::stats::Stats;
use crate::platform::clock;
use crate::platform::process;

impl Report {
    /// Returns the report as JSON: an object with the program, its process id, the time, and a list of all caches. Each
    /// has its statistics, its settings, its samples (see [`sample_every`](crate::handle::sampling::sample_every)), why
    /// results do not reach the disk or the tier, the damage found, and the entries that stand out. Times of day are
    /// seconds since 1970; durations are objects with `secs` and `nanos`.
    ///
    /// It has arguments of calls, unless the report is [`without_keys`](Report::without_keys). The time that this takes
    /// is proportional to the number of all entries.
    #[must_use]
    pub fn to_json(&self) -> String {
        let details = self.details();
        let caches = self.caches().iter().zip(&details).enumerate();
        let caches: Vec<_> =
            caches.map(|(n, (stats, details))| cache(stats, details, self.samples(n))).collect();
        let document = json!({
            "program": program(),
            "process": process::id(),
            "at": seconds(clock::system_time()),
            "caches": caches,
        });
        document.to_string()
    }
}

fn cache(stats: &Stats, details: &Details, samples: &[Sample]) -> Value {
    let settings = details.settings.iter();
    let settings: serde_json::Map<_, _> =
        settings.map(|setting| (setting.name.to_owned(), json!(setting.value))).collect();
    json!({
        "stats": stats,
        "settings": settings,
        "failure": details.failure,
        "damage": details.damage,
        "largest": outstanding(&details.largest, "bytes"),
        "dearest": outstanding(&details.dearest, "time"),
        "samples": samples.iter().map(sample).collect::<Vec<_>>(),
    })
}

fn outstanding<T: serde_core::Serialize>(entries: &[Outstanding<T>], by: &str) -> Vec<Value> {
    let one =
        |entry: &Outstanding<T>| json!({"key": entry.key, by: entry.by, "is_held": entry.is_held});
    entries.iter().map(one).collect()
}

fn sample(sample: &Sample) -> Value {
    json!({
        "at": seconds(sample.at),
        "hits": sample.hits,
        "misses": sample.misses,
        "entries": sample.entries,
    })
}

fn seconds(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs_f64()
}
