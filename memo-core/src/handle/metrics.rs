//! Publishes the statistics of all caches by the crate metrics.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use metrics::{
    Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};

use crate::handle::registry;
use crate::platform::sync::usual::Mutex;
use crate::statistics::histogram::Histogram;
use crate::statistics::stats::Stats;

/// A counter: its name, what it counts, and where it stands.
type CounterRow = (&'static str, &'static str, fn(&Stats) -> u64);
/// A gauge, with its unit.
type GaugeRow = (&'static str, Unit, &'static str, fn(&Stats) -> f64);
/// A histogram of seconds.
type HistogramRow = (&'static str, &'static str, fn(&Stats) -> &Histogram);

const COUNTERS: [CounterRow; 25] = [
    ("memokit_hits_total", "Calls that did not compute", |s| s.hits),
    ("memokit_misses_total", "Calls that computed", |s| s.misses),
    ("memokit_disk_hits_total", "Hits on results that were on disk only", |s| s.disk_hits),
    ("memokit_remote_hits_total", "Hits on results that were in the tier only", |s| s.remote_hits),
    ("memokit_coalesced_total", "Hits that waited for another caller", |s| s.coalesced),
    ("memokit_stale_total", "Hits served after the time to live", |s| s.stale),
    ("memokit_stale_if_error_total", "Older values in place of an error", |s| s.stale_if_error),
    ("memokit_refreshed_total", "Computations behind the calls", |s| s.refreshed),
    ("memokit_uncached_total", "Computations whose value was not cached", |s| s.uncached),
    ("memokit_unkeyable_total", "Calls whose arguments have no key", |s| s.unkeyable),
    ("memokit_unfinished_total", "Computations that did not return", |s| s.unfinished),
    ("memokit_panics_total", "Computations that panicked", |s| s.panics),
    ("memokit_listener_panics_total", "Panics of the listener of departures", |s| {
        s.listener_panics
    }),
    ("memokit_mismatches_total", "Differences found by verify", |s| s.mismatches),
    ("memokit_evicted_total", "Entries evicted to make room", |s| s.evicted),
    ("memokit_expired_total", "Entries removed after their time", |s| s.expired),
    ("memokit_invalidated_total", "Entries removed on request", |s| s.invalidated),
    ("memokit_recovered_total", "Results found on disk when it was opened", |s| s.recovered),
    ("memokit_disk_errors_total", "Failures to write to disk or to open it", |s| s.persist_errors),
    ("memokit_remote_misses_total", "Calls that found nothing in the tier", |s| s.remote_misses),
    ("memokit_remote_writes_total", "Results written to the tier", |s| s.remote_writes),
    ("memokit_remote_drops_total", "Results not written to the tier", |s| s.remote_drops),
    ("memokit_remote_errors_total", "Results that failed in the tier", |s| s.remote_errors),
    ("memokit_remote_invalidated_total", "Entries that others have changed", |s| {
        s.remote_invalidated
    }),
    ("memokit_discarded_total", "Results on disk that could not be used", |s| {
        s.discarded.iter().map(|(count, _)| count).sum()
    }),
];

#[expect(clippy::cast_precision_loss, reason = "gauges are f64")]
const GAUGES: [GaugeRow; 7] = [
    ("memokit_entries", Unit::Count, "Entries in memory", |s| s.entries as f64),
    ("memokit_over_entries", Unit::Count, "Entries in memory whose time has ended", |s| {
        s.over as f64
    }),
    ("memokit_held_bytes", Unit::Bytes, "Weight or memory of the entries", |s| s.bytes as f64),
    ("memokit_stored_entries", Unit::Count, "Results on disk", |s| s.stored as f64),
    ("memokit_log_bytes", Unit::Bytes, "Size of the write-ahead log", |s| s.log_bytes as f64),
    ("memokit_spent_seconds", Unit::Seconds, "Time spent in computations", |s| {
        s.compute_time.as_secs_f64()
    }),
    ("memokit_saved_seconds", Unit::Seconds, "Time that hits have saved", |s| {
        s.time_saved.as_secs_f64()
    }),
];

const HISTOGRAMS: [HistogramRow; 4] = [
    ("memokit_compute_seconds", "How long computations took", |s| &s.compute_latency),
    ("memokit_disk_seconds", "How long hits on disk took", |s| &s.disk_latency),
    ("memokit_remote_seconds", "How long hits in the tier took", |s| &s.remote_latency),
    ("memokit_wait_seconds", "How long calls waited for others", |s| &s.wait_latency),
];

/// The statistics that were published last, by cache. Histograms take what is new since then.
static PUBLISHED: LazyLock<Mutex<HashMap<usize, Stats>>> = LazyLock::new(Mutex::default);

/// Publishes the statistics of all caches to the present recorder of the crate metrics: counters, gauges, and
/// histograms in seconds, each with the label `cache`, the name of the cache. Caches of one name are added up; those
/// with `scope = "thread"` are left out, as in [`report`](crate::handle::all_caches::report).
///
/// Calls of memoized functions publish nothing, so a hit pays nothing. Call this before each export: in the handler of
/// the scrape, or from a thread or task at the interval at which the exporter sends. It takes some microseconds for
/// each cache.
///
/// A histogram gets the times since the last call of this function, each as the middle of its bucket, within 12 %. So if
/// the recorder is replaced, the times before belong to the former one.
pub fn record() {
    describe();
    let mut published = PUBLISHED.lock();
    let caches: Vec<_> =
        registry::all().into_iter().map(|cache| (registry::number(cache), cache.stats())).collect();
    let mut by_name: BTreeMap<&str, Vec<&Stats>> = BTreeMap::new();
    for (_, stats) in &caches {
        by_name.entry(&stats.name).or_default().push(stats);
    }
    for (name, stats) in by_name {
        record_named(name, &stats);
    }
    for (id, stats) in caches {
        record_times(&stats, published.get(&id));
        published.insert(id, stats);
    }
}

fn describe() {
    for (name, text, _) in COUNTERS {
        describe_counter!(name, Unit::Count, text);
    }
    for (name, unit, text, _) in GAUGES {
        describe_gauge!(name, unit, text);
    }
    for (name, text, _) in HISTOGRAMS {
        describe_histogram!(name, Unit::Seconds, text);
    }
}

/// Publishes the counters and gauges of the caches of one name.
fn record_named(cache: &str, stats: &[&Stats]) {
    for (name, _, of) in COUNTERS {
        let sum = stats.iter().map(|stats| of(stats)).sum();
        counter!(name, "cache" => cache.to_owned()).absolute(sum);
    }
    for (name, _, _, of) in GAUGES {
        let sum: f64 = stats.iter().map(|stats| of(stats)).sum();
        gauge!(name, "cache" => cache.to_owned()).set(sum);
    }
}

/// Publishes the times of a cache since the last time.
fn record_times(stats: &Stats, before: Option<&Stats>) {
    let nothing = Histogram::default();
    for (name, _, of) in HISTOGRAMS {
        let since = of(stats).since(before.map_or(&nothing, of));
        if since.is_empty() {
            continue;
        }
        let histogram = histogram!(name, "cache" => stats.name.clone());
        for (time, count) in since.middles() {
            histogram.record_many(time.as_secs_f64(), saturated(count));
        }
    }
}

fn saturated(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}
