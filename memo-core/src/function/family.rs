//! The caches of one function whose objects have a cache each.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Weak};

use crate::function::common::Common;
use crate::function::function_cache::{FunctionCache, Statistics};
use crate::function::settings::Settings;
use crate::platform::maintenance::Maintain;
use crate::platform::sync::usual::Mutex;
use crate::statistics::stats::Stats;
use crate::value::keep::Keep;

/// The caches of one function. It counts for all of them, so what dropped objects have counted stays.
pub(crate) struct Family<K: Keep> {
    this: Weak<Self>,
    name: Arc<str>,
    pub(in crate::function) common: Common,
    /// See [`Limits::tagged`](crate::cache::capacity::Limits::tagged).
    tag_salt: u64,
    members: Mutex<Members<K>>,
    /// Whether it was called outside of an isolation.
    is_used: AtomicBool,
}

struct Members<K: Keep> {
    /// By their addresses. A weak reference keeps the address from being used again.
    caches: HashMap<usize, Weak<FunctionCache<K>>>,
    /// The entries that the caches of dropped objects have evicted, and removed after their expiry time.
    removed: (u64, u64),
    /// How often their listeners have panicked.
    listener_panics: u64,
    /// Whether the last cache that was made has a bound.
    is_bounded: bool,
}

impl<K: Keep<Held: Send + Sync>> Family<K> {
    pub(crate) fn new(name: String, tag_salt: u64) -> Arc<Self> {
        let members = Members {
            caches: HashMap::new(),
            removed: (0, 0),
            listener_panics: 0,
            is_bounded: false,
        };
        Arc::new_cyclic(|this| Self {
            this: Weak::clone(this),
            name: name.into(),
            common: Common::new(),
            tag_salt,
            members: Mutex::new(members),
            is_used: AtomicBool::new(false),
        })
    }

    /// Notes that it was called outside of an isolation.
    pub(crate) fn mark_used(&self) {
        self.is_used.store(true, Relaxed);
    }

    pub(crate) fn is_used(&self) -> bool {
        self.is_used.load(Relaxed)
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Makes the cache of a new object.
    pub(crate) fn add(&self, settings: Settings<K>) -> Arc<FunctionCache<K>> {
        let (name, common) = (Arc::clone(&self.name), self.common.clone());
        let member = settings.member(name, common, &self.this, self.tag_salt);
        let mut members = self.members.lock();
        members.is_bounded = member.memory.is_bounded();
        members.caches.insert(address(&member), Arc::downgrade(&member));
        drop(members);
        member
    }

    /// Takes leave of the cache of an object that is being dropped.
    pub(crate) fn remove(&self, member: &FunctionCache<K>) {
        let mut members = self.members.lock();
        if members.caches.remove(&address(member)).is_some() {
            let (evicted, expired) = member.memory.removed();
            members.removed.0 += evicted;
            members.removed.1 += expired;
            members.listener_panics += member.listener_panics();
        }
    }

    /// Returns the caches of all objects. They are dropped while no lock is held, since that may run code of users.
    pub(crate) fn members(&self) -> Vec<Arc<FunctionCache<K>>> {
        self.members.lock().upgraded()
    }

    pub(crate) fn clear(&self) {
        self.members().iter().for_each(|member| member.clear());
    }

    fn has_to_tell(&self) -> bool {
        self.members().iter().any(|member| member.has_to_tell())
    }

    /// Returns whether a tick goes on: as long as it is needed.
    fn maintenance_goes_on(&self, is_needed: impl Fn() -> bool) -> bool {
        is_needed() || self.common.maintenance.end_unless(is_needed)
    }

    fn needs_ticks(&self) -> bool {
        self.members().iter().any(|member| member.needs_ticks())
    }
}

impl<K: Keep> Members<K> {
    fn upgraded(&self) -> Vec<Arc<FunctionCache<K>>> {
        self.caches.values().filter_map(Weak::upgrade).collect()
    }
}

fn address<K: Keep>(member: &FunctionCache<K>) -> usize {
    std::ptr::from_ref(member).addr()
}

impl<K: Keep<Held: Send + Sync>> Statistics for Family<K> {
    fn stats(&self) -> Stats {
        let Common { counts, calls, .. } = &self.common;
        let mut stats = counts.stats(&self.name, calls);
        counts.report_latencies(&mut stats);
        let members = self.members.lock();
        let caches = members.upgraded();
        (stats.evicted, stats.expired) = members.removed;
        stats.is_bounded = members.is_bounded;
        stats.listener_panics = members.listener_panics;
        drop(members);
        for member in caches {
            let (evicted, expired) = member.memory.removed();
            let (entries, bytes) = member.memory.usage();
            stats.evicted += evicted;
            stats.expired += expired;
            stats.entries += entries;
            stats.bytes = stats.bytes.saturating_add(bytes);
            stats.over += member.memory.over().min(entries);
            stats.listener_panics += member.listener_panics();
            // As for the cache of a function.
            member.tell_listener_behind();
        }
        stats
    }
}

impl<K: Keep<Held: Send + Sync>> Maintain for Family<K> {
    fn tick(&self) -> bool {
        // In an isolation the caches go by another clock than this thread.
        if cfg!(feature = "test-util") && !self.is_used() {
            self.members().iter().for_each(|member| member.tell_listener());
            return self.maintenance_goes_on(|| self.has_to_tell());
        }
        for member in self.members() {
            member.sweep_behind();
        }
        self.maintenance_goes_on(|| self.needs_ticks())
    }
}
