//! What callers do with the claim on a key: take it, give it up, and ask what it stands for.

use std::borrow::Cow;
use std::sync::Arc;

use super::entry::{EntryRef, Lifetime};
use super::expiry::Age;
use super::shard::Locked;
use super::sharded::ShardedCache;
use crate::epoch::participant::pin;
use crate::key::Tag;
use crate::platform::clock;
use crate::single_flight::flight::{Claim, Flight};
use crate::single_flight::leader_task::LeaderTask;
use crate::tags::OpenTags;

/// What a caller must do after a miss.
pub(crate) enum ClaimOutcome<H> {
    /// The value is in the cache: another caller was faster, or is computing the next value.
    Hit(H),
    /// Like `Hit`, but the time to live of the value has ended.
    Stale(H),
    /// Another caller computes the value: wait for it.
    Join(Arc<Flight<H>>),
    /// Compute the value.
    Lead(Claim),
}

impl<H: Clone> ShardedCache<H> {
    /// Does the same for the entry that the value of `claim` is to replace.
    pub(crate) fn computed_of(&self, claim: Claim) -> Option<u64> {
        self.shard(claim.hash).lock().entry_before(claim)?.lifetime().computed
    }

    /// Looks again, and then joins the flight of `key` or claims `key`, whose result has `tags`. This is one step under
    /// the lock, so that of all callers that missed one leads. A value that is due or stale is a hit for the callers
    /// that come while another computes, if `renewable` returns true for it. If not, the value is a hit until its
    /// expiry time.
    // Inlined, because a copy of bytes that were just written stalls the processor.
    #[inline(always)]
    pub(crate) fn claim_or_join(
        &self,
        hash: u64,
        key: &[u8],
        tags: &[Tag],
        renewable: impl Fn(&H) -> bool,
    ) -> ClaimOutcome<H> {
        let mut shard = self.shard(hash).lock();
        let mut may_have_entry = false;
        if let Some(entry) = shard.find(hash, key) {
            may_have_entry = true;
            let age = self.expiry.age(entry, &renewable);
            let is_computed = age == Age::Due || age == Age::Stale;
            if age == Age::Fresh || is_computed && shard.has_attempt(hash, key) {
                let held = self.serve(hash, &shard, entry);
                return if age == Age::Stale {
                    ClaimOutcome::Stale(held)
                } else {
                    ClaimOutcome::Hit(held)
                };
            }
        }
        if let Some(claimed) = shard.claims().find(hash, key) {
            return ClaimOutcome::Join(claimed.join());
        }
        ClaimOutcome::Lead(self.claim(&mut shard, hash, key, tags, [may_have_entry, false]))
    }

    /// Claims `key`, whose result has `tags`, to replace its entry, if it has one. If others compute it, joins their
    /// flight.
    pub(crate) fn claim_to_renew(
        &self,
        hash: u64,
        key: &[u8],
        tags: &[Tag],
    ) -> Result<Claim, Arc<Flight<H>>> {
        let mut shard = self.shard(hash).lock();
        if let Some(claimed) = shard.claims().find(hash, key) {
            return Err(claimed.join());
        }
        Ok(self.claim(&mut shard, hash, key, tags, [true, true]))
    }

    /// Returns the value of the entry that the value of `claim` is to replace, if callers get it meanwhile, and whether
    /// its time to live has ended. Marks the entry as used.
    pub(crate) fn older(&self, claim: Claim, renewable: impl Fn(&H) -> bool) -> Option<(H, bool)> {
        let shard = self.shard(claim.hash).lock();
        let entry = shard.entry_before(claim)?;
        let age = self.expiry.age(entry, renewable);
        let is_served = age != Age::Expired;
        is_served.then(|| (self.serve(claim.hash, &shard, entry), age == Age::Stale))
    }

    /// Returns whether there is an entry that the value of `claim` is to replace.
    #[cfg(any(feature = "remote", feature = "web"))]
    pub(crate) fn has_older(&self, claim: Claim) -> bool {
        self.older_is_over(claim).is_some()
    }

    /// Returns whether the time to live of the entry has ended that the value of `claim` is to replace. `None`: there is
    /// none.
    pub(crate) fn older_is_over(&self, claim: Claim) -> Option<bool> {
        let shard = self.shard(claim.hash).lock();
        let entry = shard.entry_before(claim).filter(|entry| !entry.has_ended())?;
        Some(self.expiry.is_expired(entry))
    }

    /// Returns the value of an entry, and marks the entry as used.
    #[inline]
    pub(super) fn serve(&self, hash: u64, shard: &Locked<'_, H>, entry: EntryRef<'_, H>) -> H {
        if self.expiry.has_idle_limit() {
            self.shard(hash).tick(clock::now());
        }
        self.shard(hash).touch(shard.guard(), entry.entry());
        entry.held().clone()
    }

    #[inline]
    pub(super) fn claim(
        &self,
        shard: &mut Locked<'_, H>,
        hash: u64,
        key: &[u8],
        tags: &[Tag],
        [may_have_entry, renews]: [bool; 2],
    ) -> Claim {
        let tags = self.words.tags.then(|| Box::new(OpenTags::begin(&self.salted(tags))));
        let draft = shard.draft(hash, key, self.words);
        let claim = Claim { hash, id: pin().unique_id(), leader: 0, renews };
        shard.claims().add(claim, draft, may_have_entry, tags);
        claim
    }

    /// Claims `key`, and invalidates the claim of the caller that computes it, so that its value is not kept. Used for
    /// an insertion from outside, which is newer. It has `tags`, or if these are not known, those of the present entry.
    pub(crate) fn take_over(&self, hash: u64, key: &[u8], tags: Option<&[Tag]>) -> Claim {
        self.replace_claim(hash, key, tags, false)
    }

    /// Does the same for a computation that begins now.
    pub(crate) fn take_over_to_renew(&self, hash: u64, key: &[u8], tags: &[Tag]) -> Claim {
        self.replace_claim(hash, key, Some(tags), true)
    }

    pub(super) fn replace_claim(
        &self,
        hash: u64,
        key: &[u8],
        tags: Option<&[Tag]>,
        renews: bool,
    ) -> Claim {
        let mut shard = self.shard(hash).lock();
        let pending = shard.claims().invalidate(hash, key);
        let present = || Some(self.salted(&shard.find(hash, key)?.tags()?.tags()).into_owned());
        let tags = tags.map_or_else(|| present().unwrap_or_default(), <[Tag]>::to_vec);
        let claim = self.claim(&mut shard, hash, key, &tags, [true, renews]);
        drop(shard);
        drop(pending);
        claim
    }

    /// Adds tags to the result of `claim`, in a cache whose entries have tags.
    pub(crate) fn add_tags(&self, claim: Claim, tags: &[Tag]) {
        let mut shard = self.shard(claim.hash).lock();
        if let Some(open) = shard.claims().get_mut(claim).and_then(|claimed| claimed.tags.as_mut())
        {
            open.add(&self.salted(tags));
        }
    }

    /// Returns tags as entries of this cache have them, or the other way round.
    pub(super) fn salted<'t>(&self, tags: &'t [Tag]) -> Cow<'t, [Tag]> {
        match self.tag_salt {
            0 => Cow::Borrowed(tags),
            salt => tags.iter().map(|tag| tag.salted(salt)).collect(),
        }
    }

    /// Returns the tags of the result of `claim`, in a cache whose entries have tags.
    pub(crate) fn tags_of(&self, claim: Claim) -> Vec<Tag> {
        if !self.words.tags {
            return Vec::new();
        }
        let shard = self.shard(claim.hash).lock();
        let tags = shard.valid_claim(claim).and_then(|claimed| claimed.tags.as_ref());
        tags.map_or_else(Vec::new, |tags| tags.tags())
    }

    /// Runs `then` if `claim` is not invalidated, under the lock, so that no invalidation can come before it. If
    /// `pending` is given, [`ShardedCache::for_each`] shows it from now on. `then` gets the key, and whether there is
    /// an older entry.
    pub(crate) fn announce(
        &self,
        claim: Claim,
        pending: Option<(H, Lifetime)>,
        then: &mut dyn FnMut(&[u8], bool),
    ) {
        let mut shard = self.shard(claim.hash).lock();
        if let Some(claimed) = shard.claims().get_mut(claim) {
            claimed.pending = pending;
        }
        if let Some(claimed) = shard.valid_claim(claim) {
            let key = claimed.draft.key();
            then(key, claimed.may_have_entry && shard.find(claim.hash, key).is_some());
        }
    }

    #[cfg(any(feature = "remote", feature = "report"))]
    /// Returns the key of `claim`, or `None` if the key was invalidated.
    pub(crate) fn key_of(&self, claim: Claim) -> Option<Vec<u8>> {
        let shard = self.shard(claim.hash).lock();
        shard.valid_claim(claim).map(|claimed| claimed.draft.key().to_vec())
    }

    /// Returns the length of the key of `claim` in bytes, or 0 if the key was invalidated.
    pub(crate) fn key_len(&self, claim: Claim) -> usize {
        let shard = self.shard(claim.hash).lock();
        shard.valid_claim(claim).map_or(0, |claimed| claimed.draft.key().len())
    }

    /// Records that `task` leads the computation of `claim`, for those who wait.
    pub(crate) fn set_leader_task(&self, claim: Claim, task: Arc<LeaderTask>) {
        let mut shard = self.shard(claim.hash).lock();
        let Some(claimed) = shard.claims().get_mut(claim) else { return };
        let (flight, mut task) = (claimed.flight.clone(), Some(task));
        if flight.is_none() {
            task = std::mem::replace(&mut claimed.leader_task, task);
        }
        drop(shard);
        // What is replaced is dropped while no lock is held, because dropping a waker runs code of an executor.
        if let (Some(flight), Some(task)) = (flight, task) {
            flight.set_leader_task(task);
        }
    }

    /// Gives up `claim` without an entry. A waiter becomes the leader; if there is none, the claim ends. `led`: the
    /// number under which the caller was the leader, if it was.
    pub(crate) fn abandon(&self, claim: Claim, led: Option<u32>) {
        let mut shard = self.shard(claim.hash).lock();
        // If the key was invalidated, the waiters must start again.
        let next_leader =
            shard.valid_claim(claim).and_then(|claimed| claimed.flight.as_ref()?.pass_on(led));
        let ended = if next_leader.is_none() { shard.claims().end(claim) } else { None };
        drop(shard);
        if let Some(next_leader) = next_leader {
            next_leader.wake();
        } else if let Some(flight) = ended.and_then(|ended| ended.flight) {
            flight.complete(None);
        }
    }

    /// Returns the value of the entry that `claim` was to replace, if it can still be served, and postpones the next
    /// attempt to replace it.
    pub(crate) fn fall_back(&self, claim: Claim) -> Option<H> {
        let mut shard = self.shard(claim.hash).lock();
        let entry = shard.entry_before(claim)?;
        let now = clock::now();
        let left = self.expiry.unservable_from(entry).saturating_sub(now);
        let held = (left > 0).then(|| entry.held().clone())?;
        shard.retries().postpone(claim.hash, now, left);
        Some(held)
    }

    /// Postpones the next attempt to replace the entry that `claim` was to replace.
    pub(crate) fn postpone(&self, claim: Claim) {
        // Dropped while no lock is held.
        drop(self.fall_back(claim));
    }

    /// Removes `flight` from its claim, so that later callers wait at another flight. Used when the value of `flight`
    /// is not its leader's.
    pub(crate) fn detach(&self, flight: &Arc<Flight<H>>) {
        let mut shard = self.shard(flight.claim.hash).lock();
        if let Some(claimed) = shard.claims().get_mut(flight.claim) {
            // The caller also has a reference to the flight, so no value is dropped here.
            claimed.flight.take_if(|joined| Arc::ptr_eq(joined, flight));
        }
    }

    /// Returns the number of keys being computed.
    pub(crate) fn claimed_count(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().claimed().count()).sum()
    }
}
