//! The results of one cache in a tier that machines share, as the cache sees them. Without the feature `remote` no value
//! of these types exists.

#[cfg(feature = "remote")]
use std::sync::Weak;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use crate::cache::entry::Lifetime;
use crate::error::Error;
use crate::function::function_cache::{FunctionCache, NewResult};
#[cfg(feature = "remote")]
use crate::remote::{Follower, Part};
#[cfg(feature = "remote")]
pub(crate) use crate::remote::{HeldLease as Permit, OpenRemoval, Search as Seeking};
use crate::single_flight::flight::Claim;
use crate::statistics::stats::Stats;
use crate::value::keep::Keep;

/// The right to write a result to the tier.
#[cfg(not(feature = "remote"))]
pub(crate) enum Permit {}
/// A removal that the tier has not confirmed.
#[cfg(not(feature = "remote"))]
pub(crate) enum OpenRemoval {}
/// The search for a value in the tier.
#[cfg(not(feature = "remote"))]
pub(crate) enum Seeking {}

/// What came of a search.
pub(crate) enum Sought<H> {
    /// The tier had this value. The claim has ended with it. No hit is counted yet.
    Found(H),
    /// Another machine computes the value, and this older one is served meanwhile, unless memory has one. The claim
    /// stands.
    Busy(Option<H>),
    /// The caller computes the value, which then goes to the tier. The value beside may stand in if the computation
    /// fails.
    Compute(Permit, Option<H>),
    /// The tier cannot be asked, or it does not help: the caller computes the value, for itself and this machine.
    Unavailable,
}

/// The results of one cache in a tier. The parameter `function` of all methods is that cache.
pub(crate) trait SharedResults<K: Keep>: Send + Sync {
    /// Begins to look for the value of `claim`.
    fn seek(&self, function: &FunctionCache<K>, claim: Claim, key: &[u8]) -> Option<Seeking>;

    /// Goes on to look. If there is nothing to do now, `waker` is woken.
    fn poll(
        &self,
        seeking: &mut Seeking,
        function: &FunctionCache<K>,
        claim: Claim,
        key: &[u8],
        waker: &Waker,
    ) -> Poll<Sought<K::Held>>;

    /// Returns when a waiting search has to go on, though nobody wakes it. `Err`: only in case a request has no end.
    fn until(&self, seeking: &Seeking) -> Result<Instant, Instant>;

    /// Returns the value of `key` in the tier. Waits for it no longer than a call does.
    fn get(&self, function: &FunctionCache<K>, key: &[u8]) -> Option<K::Value>;

    /// Returns how long an entry in memory lives: less if changes in the tier do not reach this process.
    fn limit(&self, lifetime: Lifetime) -> Lifetime;

    /// Returns the time after which a result on disk must have been computed to be returned while the tier cannot be
    /// asked, in milliseconds since 1970: changes from before are not known.
    fn known_since(&self) -> u64;

    /// Writes the result of `claim`, if it may be written.
    fn write(
        &self,
        function: &FunctionCache<K>,
        claim: Claim,
        result: &NewResult<'_, K::Held>,
        permit: Option<Permit>,
    );

    /// Begins to remove the entry of `key`, or all. It is not read from the tier any more.
    fn begin_to_remove(&self, key: Option<&[u8]>) -> Option<OpenRemoval>;

    /// Tells the tier, after memory has removed it. Waits no longer than a call does.
    fn remove(&self, removal: &OpenRemoval);

    /// Waits until the tier has everything.
    fn flush(&self, limit: Duration) -> Result<(), Error>;

    /// Returns why the tier cannot be used.
    fn failure(&self) -> Option<Error>;

    /// Called each second.
    fn tick(&self, function: &FunctionCache<K>);

    /// Adds the figures of the tier to `stats`.
    fn report(&self, stats: &mut Stats);

    /// Makes `function` forget from now on what others have changed.
    #[cfg(feature = "remote")]
    fn follow(&self, function: Weak<dyn Follower>);

    /// See [`Follower::forget`].
    #[cfg(feature = "remote")]
    fn forget(&self, function: &FunctionCache<K>, part: &Part);

    /// See [`Follower::forget_all`].
    #[cfg(feature = "remote")]
    fn forget_all(&self, function: &FunctionCache<K>);

    /// See [`Follower::is_cut_off`].
    #[cfg(feature = "remote")]
    fn is_cut_off(&self, function: &FunctionCache<K>, epoch: u64, since: Duration);
}
