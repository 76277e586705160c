//! The store of one function: shards, bounds on their sum, expiry, and the flights of keys being computed.
//!
//! No user code runs under a shard's lock: holders clone without it (see `keep`), keys compare by bytes, and whatever is
//! taken out is handed back to be dropped outside.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use super::capacity::{self, Capacity, EXACT, Limits, Load};
use super::entry::{Entry, EntryRef};
use super::expiry::{Age, Expiry};
use super::recency;
use super::shard::{Locked, Shard};
use super::table::ReadGuard;
use crate::epoch::participant::pin;
use crate::key::hash::Seed;
use crate::key::{self, KeyBytes};
use crate::platform::clock::{self, Millis};
use crate::single_flight::flight::{Claim, Flight};
use crate::statistics::counters::CallCounters;

pub(crate) struct ShardedCache<H> {
    pub(crate) seed: Seed,
    pub(super) shards: Box<[Shard<H>]>,
    pub(super) capacity: Capacity,
    pub(super) expiry: Expiry,
    pub(crate) calls: CallCounters,
}

/// What a caller who missed has to do.
pub(crate) enum ClaimOutcome<H> {
    /// The value is there: another was faster, or computes its successor.
    Hit(H),
    /// The same, of a value whose time to live has ended.
    Stale(H),
    /// Another computes: wait for it.
    Join(Arc<Flight<H>>),
    /// Compute.
    Lead(Claim),
}

impl<H: Clone> ShardedCache<H> {
    pub(crate) fn new(limits: Limits) -> Self {
        let Limits { max, max_bytes, shards, stale, idle } = limits;
        let shards = capacity::shard_count(shards, max, max_bytes);
        // How many entries come to a weight is not known.
        let exact = max <= EXACT || max_bytes.is_some();
        Self {
            seed: Seed::random(),
            shards: (0..shards)
                .map(|_| Shard::new(exact, max / shards, max_bytes.is_some()))
                .collect(),
            capacity: Capacity::new(max, max_bytes),
            expiry: Expiry::new(stale, idle),
            calls: CallCounters::new(),
        }
    }

    #[inline]
    pub(super) fn shard(&self, hash: u64) -> &Shard<H> {
        // The table takes its bucket from the low half and its tag from the highest byte.
        let index = (hash >> 40) as usize & (self.shards.len() - 1);
        &self.shards[index]
    }

    /// What `then` makes of the value of a live entry whose key `matches`, which is marked as used. No lock is held
    /// meanwhile, but entries that are removed are not freed until both have returned. It counts as a hit if `then`
    /// returns something.
    #[inline]
    pub(crate) fn get<R>(
        &self,
        hash: u64,
        matches: impl Fn(&[u8]) -> bool,
        then: impl FnOnce(&H) -> Option<R>,
    ) -> Option<R> {
        let pin = pin();
        let result = then(self.find(ReadGuard::of_pin(&pin), hash, matches)?.entry().held())?;
        self.calls.hit(&pin);
        Some(result)
    }

    #[inline]
    fn find<'p>(
        &'p self,
        guard: ReadGuard<'p>,
        hash: u64,
        matches: impl Fn(&[u8]) -> bool,
    ) -> Option<EntryRef<'p, H>> {
        let shard = self.shard(hash);
        let entry = shard.find(guard, hash, matches)?;
        if !self.expiry.is_timeless(entry.entry()) && !self.is_fresh(shard, entry.entry()) {
            return None;
        }
        shard.touch(guard, entry.entry());
        Some(entry)
    }

    /// Is it a hit, by its end and by when it was used? Then it is about to be marked.
    #[inline(never)]
    fn is_fresh(&self, shard: &Shard<H>, entry: &Entry<H>) -> bool {
        let now = clock::now();
        let fresh = self.expiry.is_fresh(entry, now);
        if fresh && self.expiry.has_idle_limit() {
            shard.tick(now);
        }
        fresh
    }

    /// The value of the entry of `key`, which is not marked.
    pub(crate) fn peek(&self, hash: u64, key: &[u8]) -> Option<H> {
        let pin = pin();
        let guard = ReadGuard::of_pin(&pin);
        let entry = self.shard(hash).find(guard, hash, |stored| key::same(stored, key))?;
        (!self.expiry.is_expired(entry.entry())).then(|| entry.held().clone())
    }

    /// Looks again, and joins or opens the flight of `key`: in one step, so that of all who miss one leads. A value that
    /// is due is hit by those who come while another computes, unless `renewable` says that it ends when it ends.
    // Of one piece with what follows: a copy of what was just written waits.
    #[inline(always)]
    pub(crate) fn claim_or_join(
        &self,
        hash: u64,
        key: &[u8],
        renewable: impl Fn(&H) -> bool,
    ) -> ClaimOutcome<H> {
        let mut shard = self.shard(hash).lock();
        let mut replaces = false;
        if let Some(entry) = shard.find(hash, key) {
            replaces = true;
            let age = self.expiry.age(entry.entry(), &renewable);
            if age == Age::Fresh || age != Age::Expired && shard.is_claimed(hash, key) {
                if self.expiry.has_idle_limit() {
                    self.shard(hash).tick(clock::now());
                }
                self.shard(hash).touch(shard.guard(), entry.entry());
                let held = entry.held().clone();
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
        ClaimOutcome::Lead(self.claim(&mut shard, hash, key, replaces))
    }

    #[inline]
    fn claim(&self, shard: &mut Locked<'_, H>, hash: u64, key: &[u8], replaces: bool) -> Claim {
        let draft = shard.draft(hash, key, self.capacity.weighs());
        let claim = Claim { hash, id: pin().unique_id() };
        shard.claims().add(claim, draft, replaces);
        claim
    }

    /// So long before their end entries are computed anew.
    pub(crate) fn ahead(&self) -> Millis {
        self.expiry.refresh_window()
    }

    /// Has entries computed anew so long before they end.
    pub(crate) fn set_ahead(&self, ahead: Millis) {
        self.expiry.set_refresh_window(ahead);
    }

    /// Claims `key` in the place of who computes it, whose value is then not kept: for an insertion from outside, which
    /// is newer.
    pub(crate) fn take_over(&self, hash: u64, key: &[u8]) -> Claim {
        let mut shard = self.shard(hash).lock();
        let pending = shard.claims().invalidate(hash, key);
        let claim = self.claim(&mut shard, hash, key, true);
        drop(shard);
        drop(pending);
        claim
    }

    /// Runs `then` if `claim` still stands, before any invalidation can void it; with `pending`, the entry to be
    /// counts from here on among those that [`ShardedCache::for_each`] shows. `then` is told the key, and whether there is an
    /// older entry.
    pub(crate) fn announce(
        &self,
        claim: Claim,
        pending: Option<(H, Millis)>,
        then: &mut dyn FnMut(&[u8], bool),
    ) {
        let mut shard = self.shard(claim.hash).lock();
        if let Some(claimed) = shard.claims().get_mut(claim) {
            claimed.pending = pending;
        }
        if let Some(claimed) = shard.valid_claim(claim) {
            let key = claimed.draft.key();
            then(key, claimed.replaces && shard.find(claim.hash, key).is_some());
        }
    }

    /// How many bytes the key of `claim` has; none if it was invalidated.
    pub(crate) fn key_len(&self, claim: Claim) -> usize {
        let shard = self.shard(claim.hash).lock();
        shard.valid_claim(claim).map_or(0, |claimed| claimed.draft.key().len())
    }

    /// Gives `claim` up without an entry: to one of those who wait, or for good. `led`: the caller had it.
    pub(crate) fn abandon(&self, claim: Claim, led: bool) {
        let mut shard = self.shard(claim.hash).lock();
        // Who waits for one that was invalidated has to begin anew.
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

    /// Has those who come from now on wait elsewhere than at `flight`, whose value is not its leader's.
    pub(crate) fn detach(&self, flight: &Arc<Flight<H>>) {
        let mut shard = self.shard(flight.claim.hash).lock();
        if let Some(claimed) = shard.claims().get_mut(flight.claim) {
            // The caller has it too, so nothing is dropped here.
            claimed.flight.take_if(|joined| Arc::ptr_eq(joined, flight));
        }
    }

    /// Keys being computed.
    pub(crate) fn claimed(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().claimed().count()).sum()
    }

    /// Brings the end of every entry forward, and then to `latest` at most.
    pub(crate) fn shorten_lifetimes(&self, by: Millis, latest: Millis) {
        self.shards.iter().for_each(|shard| shard.lock().shorten_lifetimes(by, latest));
    }

    /// Removes the entry of `key` and ends its flight; `then` runs in the same step. Says whether there was an entry.
    pub(crate) fn remove(&self, hash: u64, key: &[u8], then: &mut dyn FnMut()) -> bool {
        let (removed, _pending) = self.change(self.shard(hash), |shard| {
            let existing = shard.find_existing(hash, key, &self.expiry);
            let live = existing.as_ref().is_some_and(|existing| !existing.expired);
            self.capacity.release(shard.remove(existing));
            // To be dropped with no lock held.
            let pending = shard.claims().invalidate(hash, key);
            then();
            (live, pending)
        });
        removed
    }

    /// Removes all entries and ends all flights; `then` runs while every shard is locked. Says how many entries.
    pub(crate) fn clear(&self, then: &mut dyn FnMut()) -> usize {
        let mut locked: Vec<_> = self.shards.iter().map(Shard::lock).collect();
        let mut cleared = Load::default();
        locked.iter_mut().for_each(|shard| cleared += shard.clear());
        self.capacity.release(cleared);
        then();
        // What is freed is dropped with no lock held.
        let pending: Vec<_> =
            locked.iter_mut().map(|shard| shard.claims().invalidate_all()).collect();
        let freed: Vec<_> = locked.iter_mut().map(Locked::take_all_garbage).collect();
        drop(locked);
        drop((pending, freed));
        self.shards.iter().for_each(Self::wait_for_readers);
        cleared.entries
    }

    /// CallCounters `f` for the live entries, those announced included, with no lock held: shard by shard, the least recently
    /// used of each first.
    pub(crate) fn for_each(&self, f: &mut dyn FnMut(&KeyBytes, &H, Millis)) {
        for shard in &self.shards {
            let live = self.live(&shard.lock());
            let mut order: Vec<(u64, u32)> =
                live.iter().map(|copied| copied.stamp).zip(0..).collect();
            recency::sort(&mut order);
            for (_, at) in order {
                let EntryCopy { key, held, expires, .. } = &live[at as usize];
                f(key, held, *expires);
            }
        }
    }

    /// Entries and weight for which the bounds have room.
    pub(crate) fn room(&self) -> (usize, u64) {
        let Load { entries, bytes } = self.capacity.room();
        (entries, bytes)
    }

    /// Can the bounds hold an entry of this weight?
    pub(crate) fn admits(&self, weight: Option<u64>) -> bool {
        self.capacity.admits(weight.unwrap_or_default())
    }

    /// Entries, expired ones included.
    pub(crate) fn count(&self) -> usize {
        self.capacity.load().entries
    }

    /// Live entries.
    pub(crate) fn len(&self) -> usize {
        let mut live = 0;
        // Shard by shard, while entries come and go: no more than there may be.
        for shard in &self.shards {
            for (_, entry) in shard.lock().entries() {
                live += usize::from(!self.expiry.is_expired(entry.entry()));
            }
        }
        live.min(self.max())
    }

    /// Live entries and their weights or, where they have none, the bytes they take, their keys included.
    pub(crate) fn usage(&self) -> (u64, u64) {
        let max_bytes = self.max_bytes();
        let (mut entries, mut bytes) = (0, 0_u64);
        for shard in &self.shards {
            for (_, entry) in shard.lock().entries() {
                if !self.expiry.is_expired(entry.entry()) {
                    entries += 1;
                    let size = || entry.size() as u64;
                    bytes = bytes.saturating_add(max_bytes.map_or_else(size, |_| entry.weight()));
                }
            }
        }
        (entries.min(self.max() as u64), bytes.min(max_bytes.unwrap_or(u64::MAX)))
    }

    /// Entries that were evicted to make room, and entries that were removed after their end.
    pub(crate) fn removed(&self) -> (u64, u64) {
        let (mut evicted, mut expired) = (0, 0);
        for shard in &self.shards {
            let removed = shard.lock().removed();
            evicted += removed.0;
            expired += removed.1;
        }
        (evicted, expired)
    }

    pub(crate) fn max(&self) -> usize {
        self.capacity.max()
    }

    pub(crate) fn max_bytes(&self) -> Option<u64> {
        self.capacity.max_bytes()
    }

    fn live(&self, shard: &Locked<'_, H>) -> Vec<EntryCopy<H>> {
        let mut live = Vec::with_capacity(shard.load().entries);
        for (_, e) in shard.entries() {
            if !self.expiry.is_expired(e.entry()) {
                let (stamp, key) = (e.stamp().load(Relaxed), KeyBytes::new(e.key()));
                live.push(EntryCopy { stamp, key, held: e.held().clone(), expires: e.expires() });
            }
        }
        for claimed in shard.claimed() {
            if let Some((held, expires)) = claimed.pending.clone() {
                let key = KeyBytes::new(claimed.draft.key());
                live.push(EntryCopy { stamp: u64::MAX, key, held, expires });
            }
        }
        live
    }
}

/// An entry as it was under the lock.
struct EntryCopy<H> {
    stamp: u64,
    key: KeyBytes,
    held: H,
    expires: Millis,
}
