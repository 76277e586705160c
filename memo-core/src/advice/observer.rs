//! Whether the calls of a function are observed. It is a type, so that a function without advice has no code for it.

use super::sampler::Sampler;
use crate::eviction::policy::Policy;

/// What observes the calls of a function: nothing, or a [`Sampler`].
pub trait Observer: Send + Sync + 'static {
    /// Whether it observes nothing.
    const IS_NONE: bool = false;

    /// Makes it. `counts_entries`: the cache is bounded by a number of entries, and not by their weight.
    fn new(counts_entries: bool, policy: Policy) -> Self;

    /// Returns whether a call whose key has this hash is observed.
    fn observes(&self, hash: u64) -> bool;

    /// Calls `tell` with the sampler, if there is one. If not, `tell` is not even built.
    fn tell<R>(&self, tell: impl FnOnce(&Sampler) -> R) -> Option<R>;
}

/// Observes nothing.
#[derive(Debug)]
pub struct Unobserved;

impl Observer for Unobserved {
    const IS_NONE: bool = true;

    fn new(_: bool, _: Policy) -> Self {
        Self
    }

    #[inline(always)]
    fn observes(&self, _: u64) -> bool {
        false
    }

    #[inline(always)]
    fn tell<R>(&self, _: impl FnOnce(&Sampler) -> R) -> Option<R> {
        None
    }
}

impl Observer for Sampler {
    #[inline]
    fn new(counts_entries: bool, policy: Policy) -> Self {
        Self::new(counts_entries, policy)
    }

    #[inline(always)]
    fn observes(&self, hash: u64) -> bool {
        self.samples(hash)
    }

    #[inline(always)]
    fn tell<R>(&self, tell: impl FnOnce(&Sampler) -> R) -> Option<R> {
        Some(tell(self))
    }
}
