//! Values that are read from elsewhere than memory.

use std::time::Duration;

use crate::cache::entry::Lifetime;
use crate::key::Tag;
use crate::platform::clock::{self, Millis, NEVER};
use crate::statistics::explanation::Explanation;
use crate::value::keep::Keep;
use crate::value::selection::Selection;

/// A value that was read from elsewhere than memory.
pub(crate) struct Loaded<V> {
    pub(crate) value: V,
    pub(crate) lifetime: Lifetime,
    /// The time that its computation took, if it is known.
    pub(crate) cost: Option<Duration>,
    /// What it belongs to.
    pub(crate) tags: Box<[Tag]>,
    /// Its time to live has ended: it may only stand in.
    pub(crate) is_stale: bool,
}

/// What the disk had for a claim.
pub(crate) enum Stored<H> {
    /// Nothing that counts. The claim stands.
    Nothing,
    /// This value. The claim has ended with it.
    Value(H),
    /// A value that may be served stale. Memory has it now, and the claim has ended.
    Older,
}

impl<V> Loaded<V> {
    /// Returns a value that is stored on this machine, of a function whose time to live is `ttl` now. `None` if it is an
    /// error and has expired.
    pub(crate) fn stored<K: Keep<Value = V>>(
        ttl: Millis,
        value: V,
        lifetime: Lifetime,
        cost: Option<Duration>,
        tags: Box<[Tag]>,
    ) -> Option<Self> {
        let expires = limited(lifetime.expires, ttl);
        let is_stale = expires <= clock::now();
        let is_kept = !is_stale || !K::Selection::is_error(&value);
        let lifetime = Lifetime { expires, ..lifetime };
        is_kept.then_some(Self { value, lifetime, cost, tags, is_stale })
    }

    /// Returns the explanation of its key, which is not in memory. `stale`: for how long it is served after its end.
    pub(crate) fn explained(&self, stale: Millis) -> Explanation {
        if !self.is_stale {
            return Explanation::Stored;
        }
        let ago = clock::now().saturating_sub(self.lifetime.expires);
        let stale_for = stale.checked_sub(ago).filter(|&left| left > 0);
        let stale_for = stale_for.map(Duration::from_millis);
        Explanation::Over { ago: Duration::from_millis(ago), stale_for }
    }
}

/// Returns `expires`, or the end of the present time to live if that is earlier.
fn limited(expires: Millis, ttl: Millis) -> Millis {
    if ttl == NEVER { expires } else { expires.min(clock::now().saturating_add(ttl)) }
}
