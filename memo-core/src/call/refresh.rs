//! A call of a `fn` with `spawn`: if the cache has an older value that may be served, the call returns it, and the
//! computation of the next value runs behind the call, on another thread. Tasks are in `spawned`.
//!
//! The call claims the key before it hands the computation over. So one refresh of a key runs at a time, and a refresh
//! that is dropped before it ran gives up the claim.

use crate::call::isolated::Surroundings;
use crate::call::lookup::{Hit, Lookup, Miss};
use crate::function::computation::Computation;
use crate::statistics::source::Watch;
use crate::value::keep::Keep;

/// What is left of a call that may refresh behind its caller.
pub enum Behind<K: Keep, C> {
    /// The value of the call: a hit, or computed by the caller because there was no older value.
    Value(K::Return),
    /// The older value, and the refresh to hand over.
    Refresh(Hit<K>, Refresh<K, C>),
}

/// A computation that was not begun yet. If it is dropped, the older value stays and the next attempt is postponed, as
/// after a failure.
#[must_use = "the value is not computed again"]
pub struct Refresh<K: Keep, C> {
    surroundings: Surroundings,
    computation: Computation<K>,
    compute: C,
}

impl<K: Keep> Lookup<K> {
    /// Ends the call, except for a refresh. `compute` computes the value and stores it by the [`Miss`].
    pub fn behind<C: FnOnce(Miss<K>) -> K::Return>(self, compute: C) -> Behind<K, C> {
        match self {
            Self::Hit(hit) => Behind::Value(hit.value()),
            Self::Miss(miss) => match miss.behind() {
                Ok((computation, older)) => {
                    let surroundings = Surroundings::current();
                    Behind::Refresh(older, Refresh { surroundings, computation, compute })
                }
                Err(miss) => Behind::Value(compute(miss)),
            },
        }
    }
}

impl<K: Keep, C: FnOnce(Miss<K>) -> K::Return> Refresh<K, C> {
    /// Computes the value and stores it.
    pub fn run(self) {
        let Self { surroundings, mut computation, compute } = self;
        // Whoever watches this thread asks for other calls.
        let _unwatched = Watch::begin();
        computation.begin();
        surroundings.run(|| drop(compute(Miss::new(computation))));
    }
}

/// Gives `task` to `spawn`, and ignores what it returns. A function, so that `spawn` may be a closure whose parameter
/// has no type.
pub fn hand_over<T, R>(task: T, spawn: impl FnOnce(T) -> R) {
    drop(spawn(task));
}
