//! Recomputation of a share of the hits. It finds functions whose result depends on more than their key.

use std::cell::Cell;
use std::hash::{BuildHasher, RandomState};

use serde_core::Serialize;

use crate::key::Key;
use crate::key::arguments::{Serialized, with_bytes};
use crate::key::write::Fields;
use crate::value::holder::Holder;
use crate::value::keep::Keep;

/// Reports whether to verify this hit. It is true for `share` of the hits, chosen at random so that no pattern of calls
/// evades verification.
#[inline]
pub(crate) fn should_verify(share: f64) -> bool {
    thread_local! {
        static STATE: Cell<u64> = Cell::new(RandomState::new().hash_one(0) | 1);
    }
    let mut state = STATE.get();
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    STATE.set(state);
    // An f64 between 0 and 1 distinguishes 53 bits.
    #[expect(clippy::cast_precision_loss, reason = "53 bits are exact")]
    let drawn = (state >> 11) as f64 / (1u64 << 53) as f64;
    drawn < share
}

/// A held value, to compare with a recomputed one.
pub(crate) struct Comparison<K: Keep> {
    held: K::Held,
    key: Key,
    is_same: fn(&K::Value, &K::Value) -> bool,
}

impl<K: Keep> Comparison<K> {
    pub(crate) fn new(held: K::Held, key: Key) -> Self
    where
        K::Value: Serialize,
    {
        Self { held, key, is_same: same_encoding::<K::Value> }
    }

    /// Reports whether `computed` has the same encoding as the held value.
    pub(crate) fn passes(&self, computed: &K::Value) -> bool {
        (self.is_same)(K::Holder::view(&self.held), computed)
    }

    /// Panics in debug builds, where a developer sees it.
    pub(crate) fn report(&self, function: &str) {
        if cfg!(debug_assertions) {
            panic!(
                "`{function}` returned another result for the key with hash {:016x} than the cached one: it depends \
                 on something that is not in its key (`verify` found this)",
                self.key.fingerprint(),
            );
        }
    }
}

/// Reports whether both values have the same encoding. Values without an encoding cannot be compared and count as the
/// same.
fn same_encoding<T: Serialize>(a: &T, b: &T) -> bool {
    with_bytes(&(Serialized(a), ()), Fields::Sorted, |a| {
        with_bytes(&(Serialized(b), ()), Fields::Sorted, |b| a.is_err() || b.is_err() || a == b)
    })
}
