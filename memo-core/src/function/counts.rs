//! Counters of one cache, beside those of its calls.

use std::time::Duration;

use crate::statistics::counters::{CallCounters, Counter};
#[cfg(feature = "report")]
use crate::statistics::dearest::Dearest;
use crate::statistics::recorder::Recorder;
use crate::statistics::stats::{Stats, times};

/// Counters of events on misses and on some hits.
#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) coalesced: Counter,
    pub(crate) stale: Counter,
    pub(crate) stale_if_error: Counter,
    pub(crate) refreshed: Counter,
    pub(crate) uncached: Counter,
    pub(crate) unkeyable: Counter,
    pub(crate) panics: Counter,
    pub(crate) invalidated: Counter,
    pub(crate) mismatches: Counter,
    pub(crate) disk_hits: Counter,
    pub(crate) compute_latency: Recorder,
    pub(crate) disk_latency: Recorder,
    pub(crate) remote_latency: Recorder,
    pub(crate) wait_latency: Recorder,
    #[cfg(feature = "report")]
    pub(crate) dearest: Dearest,
}

impl Counts {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn stats(&self, name: &str, calls: &CallCounters) -> Stats {
        let Self {
            coalesced,
            stale,
            stale_if_error,
            refreshed,
            uncached,
            unkeyable,
            panics,
            invalidated,
            mismatches,
            disk_hits,
            ..
        } = self;
        let refreshed = refreshed.get();
        let (hits, misses) = hits_and_misses(calls, refreshed);
        let recovered = calls.recovered();
        let mut stats = Stats {
            name: name.to_owned(),
            hits,
            misses,
            unfinished: calls.unfinished(),
            invalidated: invalidated.get(),
            coalesced: coalesced.get(),
            stale: stale.get(),
            stale_if_error: stale_if_error.get(),
            refreshed,
            uncached: uncached.get(),
            unkeyable: unkeyable.get(),
            panics: panics.get(),
            mismatches: mismatches.get(),
            disk_hits: disk_hits.get(),
            compute_time: Duration::from_nanos(calls.own_nanos()),
            recovered,
            recovered_compute_time: times(calls.recovered_mean(), recovered),
            ..Stats::default()
        };
        stats.time_saved = times(stats.mean_compute(), hits);
        stats
    }

    /// Returns the hits and misses so far.
    #[cfg(feature = "report")]
    pub(crate) fn hits_and_misses(&self, calls: &CallCounters) -> (u64, u64) {
        hits_and_misses(calls, self.refreshed.get())
    }

    /// Adds the distributions of times to `stats`.
    pub(crate) fn report_latencies(&self, stats: &mut Stats) {
        stats.compute_latency = self.compute_latency.histogram();
        stats.disk_latency = self.disk_latency.histogram();
        stats.remote_latency = self.remote_latency.histogram();
        stats.wait_latency = self.wait_latency.histogram();
    }
}

/// Returns the hits and misses so far. `refreshed` was read before, because a refresh is counted before its computation.
fn hits_and_misses(calls: &CallCounters, refreshed: u64) -> (u64, u64) {
    (calls.hits(), calls.misses().saturating_sub(refreshed))
}
