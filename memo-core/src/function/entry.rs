//! A cached value, with what is known of it.

use std::time::Duration;

use crate::cache::standing::Servable;
use crate::function::function_cache::FunctionCache;
use crate::function::loaded::Loaded;
use crate::platform::clock::{self, Millis, NEVER};
use crate::value::holder::Holder;
use crate::value::keep::Keep;

/// Where a cached value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Layer {
    /// In the memory of this process. It may be on disk and in a tier as well.
    Memory,
    /// In the directory of `persist`.
    Disk,
    /// In the tier of `remote`, which machines share.
    Remote,
}

/// A cached value, with what is known of it. [`Memo::entry`](crate::handle::memo::Memo::entry) returns it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Entry<R> {
    value: R,
    layer: Layer,
    age: Option<Duration>,
    left: Option<Duration>,
    weight: Option<u64>,
    cost: Option<Duration>,
    is_stale: bool,
}

impl<R> Entry<R> {
    /// Returns the value.
    pub fn value(&self) -> &R {
        &self.value
    }

    /// Returns the value.
    pub fn into_value(self) -> R {
        self.value
    }

    /// Returns where the value is. If several places have it: where a call would find it.
    pub fn layer(&self) -> Layer {
        self.layer
    }

    /// Returns how long ago the value was computed or inserted, in this process or another. In memory that is known
    /// only if the function has `ttl` or `ttl_with`.
    #[inline]
    pub fn age(&self) -> Option<Duration> {
        self.age
    }

    /// Returns how long the value is still served, if nobody uses it until then: until `ttl` or `idle` ends, and if it
    /// is stale, until `stale` ends. `None`: without an end.
    pub fn time_left(&self) -> Option<Duration> {
        self.left
    }

    /// Returns the weight of the entry, or `None` if the function has no `max_bytes`. The unit is bytes, unless `weigh`
    /// defines another one.
    pub fn weight(&self) -> Option<u64> {
        self.weight
    }

    /// Returns how long the computation took, without that of others within, to within a ninth. It is kept with results
    /// on disk and in a tier, and not in memory: so it is known with `persist`, and of a value in a tier. Of a value
    /// that was not computed, or whose computation was not measured, it is not known.
    pub fn cost(&self) -> Option<Duration> {
        self.cost
    }

    /// Returns whether the value is served only while it is computed again, or if that fails, because its time to live
    /// has ended.
    pub fn is_stale(&self) -> bool {
        self.is_stale
    }

    pub(crate) fn map<T>(self, f: impl FnOnce(R) -> T) -> Entry<T> {
        let Self { value, layer, age, left, weight, cost, is_stale } = self;
        Entry { value: f(value), layer, age, left, weight, cost, is_stale }
    }
}

impl<K: Keep> FunctionCache<K> {
    /// Returns the value of `key` with what is known of it. A stale one only if there is no other. Counts nothing, and
    /// marks nothing as used.
    pub(crate) fn entry(&self, hash: u64, key: &[u8]) -> Option<Entry<K::Held>> {
        self.follow();
        let here = self.memory.servable(hash, key, Self::is_renewable);
        let here = here.map(|servable| self.entry_here(key, servable));
        if here.as_ref().is_some_and(|entry| !entry.is_stale) {
            return here;
        }
        let elsewhere = self.load_elsewhere(key).map(|loaded| self.entry_elsewhere(key, loaded));
        match (here, elsewhere) {
            (Some(here), Some(elsewhere)) if elsewhere.is_stale => Some(here),
            (here, elsewhere) => elsewhere.or(here),
        }
    }

    fn entry_here(&self, key: &[u8], servable: Servable<K::Held>) -> Entry<K::Held> {
        let Servable { held, computed, left, weight, is_stale } = servable;
        Entry {
            value: held,
            layer: Layer::Memory,
            age: computed.map(age),
            left: time(left),
            weight,
            cost: self.storage.as_ref().and_then(|storage| storage.cost(key)),
            is_stale,
        }
    }

    fn entry_elsewhere(&self, key: &[u8], loaded: Loaded<K::Value>) -> Entry<K::Held> {
        let Loaded { value, lifetime, cost, is_stale, .. } = loaded;
        let end = match lifetime.expires {
            // A tier does not say since when.
            end if is_stale && self.shared.is_none() => end.saturating_add(self.memory.stale()),
            end => end,
        };
        let left = if end == NEVER { NEVER } else { end.saturating_sub(clock::now()) };
        Entry {
            layer: if self.shared.is_some() { Layer::Remote } else { Layer::Disk },
            age: lifetime.computed.map(age),
            left: time(left),
            weight: self.weigh.as_ref().map(|weigh| weigh(&value, key.len())),
            cost,
            is_stale,
            value: K::Holder::own(value),
        }
    }
}

#[inline]
fn age(computed: u64) -> Duration {
    Duration::from_millis(clock::wall().saturating_sub(computed))
}

fn time(left: Millis) -> Option<Duration> {
    (left != NEVER).then(|| Duration::from_millis(left))
}
