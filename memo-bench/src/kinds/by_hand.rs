//! Calls of caches without an annotation: get, and on a miss compute and insert.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

use quick_cache::Equivalent;

pub(crate) type Quick<K> = quick_cache::sync::Cache<K, u64>;
pub(crate) type Moka<K> = moka::sync::Cache<K, u64>;
pub(crate) type Map<K> = Mutex<HashMap<K, u64>>;

#[inline]
pub(crate) fn quick<K: Hash + Eq, Q: Hash + Equivalent<K> + ?Sized>(
    cache: &Quick<K>,
    asked: &Q,
    own: impl FnOnce() -> K,
    compute: impl FnOnce() -> u64,
) -> u64 {
    cache.get(asked).unwrap_or_else(|| {
        let value = compute();
        cache.insert(own(), value);
        value
    })
}

#[inline]
pub(crate) fn moka<K: Hash + Eq + Send + Sync + 'static, Q: Hash + Equivalent<K> + ?Sized>(
    cache: &Moka<K>,
    asked: &Q,
    own: impl FnOnce() -> K,
    compute: impl FnOnce() -> u64,
) -> u64 {
    cache.get(asked).unwrap_or_else(|| {
        let value = compute();
        cache.insert(own(), value);
        value
    })
}

#[inline]
pub(crate) fn map<K: Hash + Eq + Borrow<Q>, Q: Hash + Eq + ?Sized>(
    map: &Map<K>,
    asked: &Q,
    own: impl FnOnce() -> K,
    compute: impl FnOnce() -> u64,
) -> u64 {
    let mut map = locked(map);
    map.get(asked).copied().unwrap_or_else(|| {
        let value = compute();
        map.insert(own(), value);
        value
    })
}

#[inline]
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs the pending tasks too, so that the entries are removed here and not in the calls that are timed.
pub(crate) fn clear_moka<K: Hash + Eq + Send + Sync + 'static>(cache: &Moka<K>) {
    cache.invalidate_all();
    cache.run_pending_tasks();
}
