//! Which keys of a shard are being computed.

use std::sync::Arc;

use hashbrown::HashTable;

use crate::clock::Millis;
use crate::flight::{Claim, Flight};
use crate::key;

/// The claims of a shard, one a key.
pub(super) struct Claims<H>(HashTable<Claimed<H>>);

/// A claim that has not ended, and what belongs to it.
pub(super) struct Claimed<H> {
    pub(super) claim: Claim,
    /// Where others wait for it: made by the first, since mostly nobody does.
    pub(super) flight: Option<Arc<Flight<H>>>,
    /// The entry to be, once its record is queued and until it is in the table: a checkpoint meanwhile must find it.
    pub(super) pending: Option<(H, Millis)>,
    /// Its key was invalidated: what is computed goes to those who wait, and is not kept. It is another's to claim.
    void: bool,
}

impl<H> Claims<H> {
    pub(super) const fn new() -> Self {
        Self(HashTable::new())
    }

    /// The claim on `key`.
    pub(super) fn find(&mut self, hash: u64, key: &[u8]) -> Option<&mut Claimed<H>> {
        // Mostly there is none at all.
        if self.0.is_empty() {
            return None;
        }
        self.0.find_mut(hash, |of| !of.void && of.is_of(hash, key))
    }

    /// This very claim, unless it has ended or its key was invalidated.
    pub(super) fn get(&mut self, claim: &Claim) -> Option<&mut Claimed<H>> {
        self.0.find_mut(claim.hash, |of| !of.void && of.claim.id == claim.id)
    }

    pub(super) fn add(&mut self, claim: Claim) {
        let claimed = Claimed { claim, flight: None, pending: None, void: false };
        self.0.insert_unique(claimed.claim.hash, claimed, |of| of.claim.hash);
    }

    /// Ends this very claim.
    pub(super) fn end(&mut self, claim: &Claim) -> Option<Claimed<H>> {
        let found = self.0.find_entry(claim.hash, |of| of.claim.id == claim.id).ok()?;
        Some(found.remove().0)
    }

    /// Voids the claim on `key`, or ends it where nobody waits. What it held is to be dropped with no lock held.
    pub(super) fn void(&mut self, hash: u64, key: &[u8]) -> Option<(H, Millis)> {
        let claimed = self.find(hash, key)?;
        claimed.void = true;
        let pending = claimed.pending.take();
        if claimed.flight.is_none() {
            let claim = claimed.claim.clone();
            self.end(&claim);
        }
        pending
    }

    /// The same of all.
    pub(super) fn void_all(&mut self) -> Vec<(H, Millis)> {
        let pending = self.0.iter_mut().filter_map(|of| of.pending.take()).collect();
        self.0.retain(|of| of.flight.is_some());
        self.0.iter_mut().for_each(|of| of.void = true);
        pending
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Claimed<H>> {
        self.0.iter().filter(|of| !of.void)
    }
}

impl<H: Clone> Claimed<H> {
    /// Where to wait for it.
    pub(super) fn join(&mut self) -> Arc<Flight<H>> {
        let flight = || Arc::new(Flight::new(self.claim.clone()));
        Arc::clone(self.flight.get_or_insert_with(flight))
    }
}

impl<H> Claimed<H> {
    fn is_of(&self, hash: u64, key: &[u8]) -> bool {
        self.claim.hash == hash && key::same(self.claim.key.as_slice(), key)
    }

    /// Was its key not invalidated?
    pub(super) fn stands(&self) -> bool {
        !self.void
    }
}
