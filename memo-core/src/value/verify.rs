//! Recomputing some hits, to find functions whose result is not decided by their key.

use std::cell::Cell;
use std::hash::{BuildHasher, RandomState};

use serde::Serialize;

use crate::key::Key;
use crate::key::arguments::{Serialized, with_bytes};
use crate::key::write::Fields;
use crate::value::holder::Holder;
use crate::value::keep::Keep;

/// Is this one of the `share` of hits to verify? Random, so that no pattern of calls evades it.
pub(crate) fn is_due(share: f64) -> bool {
    thread_local! {
        static STATE: Cell<u64> = Cell::new(RandomState::new().hash_one(0) | 1);
    }
    let mut x = STATE.get();
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    STATE.set(x);
    // 53 bits are what an f64 between 0 and 1 can tell apart.
    #[expect(clippy::cast_precision_loss, reason = "53 bits are exact")]
    let drawn = (x >> 11) as f64 / (1u64 << 53) as f64;
    drawn < share
}

/// A held value that a recomputed one is compared with.
pub(crate) struct Check<K: Keep> {
    held: K::Held,
    key: Key,
    same: fn(&K::Value, &K::Value) -> bool,
}

impl<K: Keep> Check<K> {
    pub(crate) fn new(held: K::Held, key: Key) -> Self
    where
        K::Value: Serialize,
    {
        Self { held, key, same: same::<K::Value> }
    }

    /// Does `computed` encode as what is held?
    pub(crate) fn passes(&self, computed: &K::Value) -> bool {
        (self.same)(K::Holder::view(&self.held), computed)
    }

    /// Panics in a debug build, where a developer looks.
    pub(crate) fn report(&self, function: &str) {
        if cfg!(debug_assertions) {
            panic!(
                "`{function}` returned another result for the key with hash {:016x} than the one kept: it depends \
                 on something that is not in its key (`verify` found this)",
                self.key.fingerprint(),
            );
        }
    }
}

/// Values that have no encoding cannot be compared, and count as the same.
fn same<T: Serialize>(a: &T, b: &T) -> bool {
    with_bytes(&(Serialized(a), ()), Fields::Sorted, |a| {
        with_bytes(&(Serialized(b), ()), Fields::Sorted, |b| a.is_err() || b.is_err() || a == b)
    })
}
