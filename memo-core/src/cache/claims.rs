//! The keys of a shard whose values are being computed.

use std::iter;
use std::sync::Arc;

use super::entry::{Draft, Lifetime};
use super::index::Index;
use crate::key::{self, KeyBytes};
use crate::single_flight::flight::{Claim, Flight};
use crate::single_flight::leader_task::LeaderTask;
use crate::tags::OpenTags;

/// The claims of a shard. A key has at most one claim that is not invalidated.
pub(super) struct Claims<H> {
    /// Finds the positions in `all` by hash.
    index: Index,
    all: Vec<ClaimState<H>>,
}

/// A claim that has not ended, with its state.
pub(super) struct ClaimState<H> {
    pub(super) claim: Claim,
    /// The draft of the entry, with its key.
    pub(super) draft: Draft<H>,
    /// Where others wait for the value. It is made by the first waiter, because most claims have no waiter.
    pub(super) flight: Option<Arc<Flight<H>>>,
    /// The value of the entry and its times, from when the record is queued until the entry is in the table. A
    /// checkpoint during that time must find it.
    pub(super) pending: Option<(H, Lifetime)>,
    /// The leader, if it is a task that was polled and is not done.
    pub(super) leader_task: Option<Arc<LeaderTask>>,
    /// Whether the table may have an entry of the key.
    pub(super) may_have_entry: bool,
    /// What the result belongs to, in a cache whose entries have tags. To invalidate a tag is to invalidate the key.
    pub(super) tags: Option<Box<OpenTags>>,
    /// Whether the key was invalidated. If so, the computed value goes to the waiters and is not kept, and another
    /// caller can claim the key.
    invalidated: bool,
}

impl<H> Claims<H> {
    pub(super) const fn new() -> Self {
        Self { index: Index::new(), all: Vec::new() }
    }

    /// Returns the claim on `key`.
    pub(super) fn find(&mut self, hash: u64, key: &[u8]) -> Option<&mut ClaimState<H>> {
        let at = self.index_of(hash, key)?;
        Some(&mut self.all[at])
    }

    /// Returns whether there is a claim on `key`.
    pub(super) fn has(&self, hash: u64, key: &[u8]) -> bool {
        self.index_of(hash, key).is_some()
    }

    #[inline]
    fn index_of(&self, hash: u64, key: &[u8]) -> Option<usize> {
        let all = &self.all;
        let is_valid = |at: usize| !all[at].is_invalidated();
        self.index.find(hash, |at| is_valid(at) && key::same_key(all[at].draft.key(), key))
    }

    /// Returns the state of `claim`, unless the claim has ended or its key was invalidated.
    pub(super) fn get(&self, claim: Claim) -> Option<&ClaimState<H>> {
        Some(&self.all[self.position(claim)?]).filter(|state| !state.is_invalidated())
    }

    /// Like [`Self::get`], but mutable.
    pub(super) fn get_mut(&mut self, claim: Claim) -> Option<&mut ClaimState<H>> {
        let at = self.position(claim)?;
        Some(&mut self.all[at]).filter(|state| !state.is_invalidated())
    }

    fn position(&self, claim: Claim) -> Option<usize> {
        self.index.find(claim.hash, |at| self.all[at].claim.id == claim.id)
    }

    /// Adds a claim. `may_have_entry`: whether there is an entry of the key.
    pub(super) fn add(
        &mut self,
        claim: Claim,
        draft: Draft<H>,
        may_have_entry: bool,
        tags: Option<Box<OpenTags>>,
    ) {
        self.index.push(claim.hash);
        // Constructed in its final place, because a copy of bytes that were just written stalls the processor.
        self.all.extend(iter::once_with(|| ClaimState {
            claim,
            draft,
            flight: None,
            pending: None,
            leader_task: None,
            may_have_entry,
            tags,
            invalidated: false,
        }));
    }

    /// Ends `claim`, and returns its state.
    #[inline(always)]
    pub(super) fn end(&mut self, claim: Claim) -> Option<ClaimState<H>> {
        let at = self.position(claim)?;
        self.index.swap_remove(at);
        Some(self.all.swap_remove(at))
    }

    /// Invalidates the claim on `key`. If it has no waiters, ends it. The returned value must be dropped while no lock
    /// is held.
    pub(super) fn invalidate(&mut self, hash: u64, key: &[u8]) -> Option<(H, Lifetime)> {
        let claimed = self.find(hash, key)?;
        claimed.invalidated = true;
        let pending = claimed.pending.take();
        if claimed.flight.is_none() {
            let claim = claimed.claim;
            self.end(claim);
        }
        pending
    }

    /// Like [`Self::invalidate`], for all claims.
    pub(super) fn invalidate_all(&mut self) -> Vec<(H, Lifetime)> {
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
        self.all.iter().filter(|state| !state.is_invalidated())
    }
}

impl<H> ClaimState<H> {
    fn is_invalidated(&self) -> bool {
        self.invalidated || self.tags.as_ref().is_some_and(|tags| tags.have_ended())
    }
}

impl<H: Clone> ClaimState<H> {
    /// Returns the flight of the claim. Creates it if there is none.
    pub(super) fn join(&mut self) -> Arc<Flight<H>> {
        let flight = || {
            let key = KeyBytes::new(self.draft.key());
            Arc::new(Flight::new(self.claim, key, self.leader_task.take()))
        };
        Arc::clone(self.flight.get_or_insert_with(flight))
    }
}
