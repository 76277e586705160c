//! What a tier has done for one cache.

use std::time::Duration;

use crate::error::Error;
use crate::platform::sync::usual::Mutex;
use crate::remote::Written;
use crate::statistics::counters::Counter;
use crate::statistics::stats::Stats;

#[derive(Default)]
pub(crate) struct TierCounts {
    pub(crate) hits: Counter,
    pub(crate) misses: Counter,
    writes: Counter,
    drops: Counter,
    pub(crate) errors: Counter,
    pub(crate) invalidated: Counter,
    pub(crate) nanos: Counter,
    /// Why a result could not be encoded.
    unwritable: Mutex<Option<Error>>,
}

impl TierCounts {
    pub(crate) fn unwritable(&self, error: &Error) {
        self.errors.add(1);
        *self.unwritable.lock() = Some(error.clone());
    }

    pub(crate) fn written(&self, written: &Written) {
        match written {
            Written::Yes => self.writes.add(1),
            Written::Refused | Written::Dropped => self.drops.add(1),
            Written::Failed(_) => self.errors.add(1),
        }
    }

    /// Returns why a result could not be encoded.
    pub(crate) fn failure(&self) -> Option<Error> {
        self.unwritable.lock().clone()
    }

    /// Returns that once.
    pub(crate) fn take_failure(&self) -> Option<Error> {
        self.unwritable.lock().take()
    }

    /// Adds the figures to `stats`.
    pub(crate) fn report(&self, stats: &mut Stats) {
        let Self { hits, misses, writes, drops, errors, invalidated, nanos, unwritable: _ } = self;
        stats.remote_hits = hits.get();
        stats.remote_misses = misses.get();
        stats.remote_writes = writes.get();
        stats.remote_drops = drops.get();
        stats.remote_errors = errors.get();
        stats.remote_invalidated = invalidated.get();
        stats.remote_time = Duration::from_nanos(nanos.get());
    }
}
