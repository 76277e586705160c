//! What a report says of a function's cache beside its statistics.

use std::cmp::Reverse;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use crate::cache::capacity::UNBOUNDED;
use crate::function::counts::Counts;
use crate::function::family::Family;
use crate::function::function_cache::FunctionCache;
use crate::key::Key;
use crate::platform::clock::{self, Millis, NEVER};
use crate::statistics::details::{Details, Inspect, Outstanding, Setting, TOLD, shortened};
use crate::statistics::report::size;
use crate::statistics::samples::Sample;
use crate::value::keep::Keep;

impl<K: Keep<Held: Send + Sync>> Inspect for FunctionCache<K> {
    fn details(&self, keys: bool) -> Details {
        Details {
            settings: self.settings(),
            failure: self.health().err().map(|error| error.to_string()),
            damage: self.damage().iter().map(ToString::to_string).collect(),
            largest: if keys { self.largest() } else { Vec::new() },
            dearest: if keys { dearest(&self.counts, |key| self.holds(key)) } else { Vec::new() },
        }
    }
}

impl<K: Keep<Held: Send + Sync>> Inspect for Family<K> {
    fn details(&self, keys: bool) -> Details {
        let members = self.members();
        let objects = Setting { name: "objects", value: members.len().to_string() };
        // Each object has the same settings, unless they are expressions.
        let settings = members.first().map(|member| member.settings()).unwrap_or_default();
        let is_held = |key: &[u8]| members.iter().any(|member| member.holds(key));
        let mut largest: Vec<_> = members.iter().flat_map(|member| member.largest()).collect();
        largest.sort_by_key(|outstanding| Reverse(outstanding.by));
        largest.truncate(if keys { TOLD } else { 0 });
        Details {
            settings: [objects].into_iter().chain(settings).collect(),
            largest,
            dearest: if keys { dearest(&self.common.counts, is_held) } else { Vec::new() },
            ..Details::default()
        }
    }
}

impl<K: Keep<Held: Send + Sync>> Family<K> {
    /// Returns the counters at this moment.
    pub(crate) fn sample(&self) -> Sample {
        let (hits, misses) = self.common.counts.hits_and_misses(&self.common.calls);
        let entries = self.members().iter().map(|member| member.memory.count() as u64).sum();
        Sample { at: clock::system_time(), hits, misses, entries }
    }
}

impl<K: Keep> FunctionCache<K> {
    /// Returns the counters at this moment.
    pub(crate) fn sample(&self) -> Sample {
        let (hits, misses) = self.counts.hits_and_misses(&self.memory.calls);
        Sample { at: clock::system_time(), hits, misses, entries: self.memory.count() as u64 }
    }

    fn settings(&self) -> Vec<Setting> {
        let max = match self.memory.max() {
            UNBOUNDED => (!self.memory.is_bounded()).then(|| "unbounded".to_owned()),
            max => Some(max.to_string()),
        };
        let shown = [
            ("max", max),
            ("max_bytes", self.memory.max_bytes().map(size)),
            ("ttl", time(self.ttl.load(Relaxed))),
            ("ttl_with", self.ttl_with.as_ref().map(|_| "set".to_owned())),
            ("cache_err", time(self.error_ttl)),
            ("idle", self.memory.idle_asked().and_then(time)),
            ("stale", time(self.memory.stale())),
            ("refresh_ahead", self.refresh_ahead.map(|share| share.to_string())),
            ("jitter", (self.jitter > 0.0).then(|| self.jitter.to_string())),
            ("wait_limit", self.wait_limit.map(written)),
            ("persist", self.storage.as_ref().map(|storage| storage.place())),
            ("max_disk", self.max_disk().map(size)),
            ("on_evict", self.memory.listening().map(|_| "set".to_owned())),
            ("remote", self.shared.as_ref().map(|_| "set".to_owned())),
        ];
        let setting = |(name, value): (_, Option<String>)| Some(Setting { name, value: value? });
        shown.into_iter().filter_map(setting).collect()
    }

    /// Returns the entries with the largest weights, if entries have weights.
    fn largest(&self) -> Vec<Outstanding<u64>> {
        let found = self.memory.heaviest(TOLD).into_iter();
        found.map(|(by, key)| outstanding(&key, by, self.holds(&key))).collect()
    }

    /// Returns whether memory has the value of a key.
    fn holds(&self, key: &[u8]) -> bool {
        self.hash_key(key).is_some_and(|hash| self.memory.peek(hash, key).is_some())
    }
}

/// Returns the keys that took longest to compute. `is_held`: whether memory has the value of a key.
fn dearest(counts: &Counts, is_held: impl Fn(&[u8]) -> bool) -> Vec<Outstanding<Duration>> {
    let dearest = counts.dearest.all().into_iter();
    dearest.map(|(by, key)| outstanding(&key, by, is_held(&key))).collect()
}

fn outstanding<T>(key: &[u8], by: T, is_held: bool) -> Outstanding<T> {
    Outstanding { key: shortened(&Key::from_bytes(key)), by, is_held }
}

fn time(time: Millis) -> Option<String> {
    (time > 0 && time != NEVER).then(|| written(Duration::from_millis(time)))
}

/// Returns a time as an argument has it, such as `1h 30m`.
fn written(time: Duration) -> String {
    humantime::format_duration(time).to_string()
}
