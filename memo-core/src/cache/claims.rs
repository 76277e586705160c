//! Which keys of a shard are being computed.

use std::iter;
use std::sync::Arc;

use super::entry::Draft;
use super::index::Index;
use crate::key::{self, KeyBytes};
use crate::platform::clock::Millis;
use crate::single_flight::flight::{Claim, Flight};

/// The claims of a shard, one a key that is not void.
pub(super) struct Claims<H> {
    /// Where in `all` those of a hash are.
    index: Index,
    all: Vec<ClaimState<H>>,
}

/// A claim that has not ended, and what belongs to it.
pub(super) struct ClaimState<H> {
    pub(super) claim: Claim,
    /// The entry to be, with its key.
    pub(super) draft: Draft<H>,
    /// Where others wait for it: made by the first, since mostly nobody does.
    pub(super) flight: Option<Arc<Flight<H>>>,
    /// The entry to be, once its record is queued and until it is in the table: a checkpoint meanwhile must find it.
    pub(super) pending: Option<(H, Millis)>,
    /// There was an entry of the key before, or one may have come.
    pub(super) replaces: bool,
    /// Its key was invalidated: what is computed goes to those who wait, and is not kept. It is another's to claim.
    invalidated: bool,
}

impl<H> Claims<H> {
    pub(super) const fn new() -> Self {
        Self { index: Index::new(), all: Vec::new() }
    }

    /// The claim on `key`.
    pub(super) fn find(&mut self, hash: u64, key: &[u8]) -> Option<&mut ClaimState<H>> {
        let at = self.index_of(hash, key)?;
        Some(&mut self.all[at])
    }

    /// Is there one?
    pub(super) fn has(&self, hash: u64, key: &[u8]) -> bool {
        self.index_of(hash, key).is_some()
    }

    #[inline]
    fn index_of(&self, hash: u64, key: &[u8]) -> Option<usize> {
        let all = &self.all;
        self.index.find(hash, |at| !all[at].invalidated && key::same(all[at].draft.key(), key))
    }

    /// This very claim, unless it has ended or its key was invalidated.
    pub(super) fn get(&self, claim: Claim) -> Option<&ClaimState<H>> {
        Some(&self.all[self.position(claim)?]).filter(|state| !state.invalidated)
    }

    /// The same, to be changed.
    pub(super) fn get_mut(&mut self, claim: Claim) -> Option<&mut ClaimState<H>> {
        let at = self.position(claim)?;
        Some(&mut self.all[at]).filter(|state| !state.invalidated)
    }

    fn position(&self, claim: Claim) -> Option<usize> {
        self.index.find(claim.hash, |at| self.all[at].claim.id == claim.id)
    }

    /// `replaces`: there is an entry of the key.
    pub(super) fn add(&mut self, claim: Claim, draft: Draft<H>, replaces: bool) {
        self.index.push(claim.hash);
        // Made where it stays: a copy of what was just written waits.
        self.all.extend(iter::once_with(|| {
            let (flight, pending, invalidated) = (None, None, false);
            ClaimState { claim, draft, flight, pending, replaces, invalidated }
        }));
    }

    /// Ends this very claim.
    #[inline(always)]
    pub(super) fn end(&mut self, claim: Claim) -> Option<ClaimState<H>> {
        let at = self.position(claim)?;
        self.index.swap_remove(at);
        Some(self.all.swap_remove(at))
    }

    /// Voids the claim on `key`, or ends it where nobody waits. What it held is to be dropped with no lock held.
    pub(super) fn invalidate(&mut self, hash: u64, key: &[u8]) -> Option<(H, Millis)> {
        let claimed = self.find(hash, key)?;
        claimed.invalidated = true;
        let pending = claimed.pending.take();
        if claimed.flight.is_none() {
            let claim = claimed.claim;
            self.end(claim);
        }
        pending
    }

    /// The same of all.
    pub(super) fn invalidate_all(&mut self) -> Vec<(H, Millis)> {
        let mut pending = Vec::new();
        for at in (0..self.all.len()).rev() {
            let claimed = &mut self.all[at];
            claimed.invalidated = true;
            pending.extend(claimed.pending.take());
            if claimed.flight.is_none() {
                self.index.swap_remove(at);
                self.all.swap_remove(at);
            }
        }
        pending
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &ClaimState<H>> {
        self.all.iter().filter(|state| !state.invalidated)
    }
}

impl<H: Clone> ClaimState<H> {
    /// Where to wait for it.
    pub(super) fn join(&mut self) -> Arc<Flight<H>> {
        let flight = || Arc::new(Flight::new(self.claim, KeyBytes::new(self.draft.key())));
        Arc::clone(self.flight.get_or_insert_with(flight))
    }
}
