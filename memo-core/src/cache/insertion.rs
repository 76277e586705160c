//! Insertions keep a cache within the bounds on its entries and on the sum of their weights: they use free room, or
//! evict entries to make room.

use std::sync::Arc;

use super::capacity::Load;
use super::entry::{Lifetime, NewEntry, OwnedEntry};
use super::expiry::Expiry;
use super::garbage::Freed;
use super::shard::{Existing, Locked, Shard};
use super::sharded::ShardedCache;
use crate::platform::clock;
use crate::single_flight::flight::{Claim, Flight};
use crate::statistics::departure::Departure;
use crate::statistics::explanation::{Bound, Cause, Refusal};

/// How a claim with a value ended.
pub(crate) struct Finished<H> {
    pub(crate) kept: bool,
    /// Where others wait for the value.
    pub(crate) flight: Option<Arc<Flight<H>>>,
    /// What was removed. It must be dropped while no lock is held, after the waiters were woken.
    pub(crate) removed: (Option<Freed<H>>, Option<(H, Lifetime)>),
}

/// The state of the key of an insertion.
enum KeyState {
    /// The claim was invalidated.
    Invalidated,
    /// There is no entry of the key.
    New,
    /// There is an entry of the key, which is replaced.
    Replaces(Existing),
}

impl KeyState {
    #[inline(always)]
    fn of<H>(claim: Claim, shard: &Locked<'_, H>, expiry: &Expiry) -> Self {
        let Some(claimed) = shard.valid_claim(claim) else { return Self::Invalidated };
        let find = || shard.find_existing(claim.hash, claimed.draft.key(), expiry);
        claimed.may_have_entry.then(find).flatten().map_or(Self::New, Self::Replaces)
    }
}

/// What an insertion has reserved within the bounds.
pub(super) struct Reservation {
    /// Whether a place is reserved.
    reserved: bool,
    key_state: KeyState,
    /// Whether there is room for both: a place, which is new or that of the replaced entry, and the weight.
    fits: bool,
}

/// What an insertion still needs.
#[derive(Clone, Copy)]
enum Shortage {
    Place,
    Weight(u64),
}

impl Shortage {
    /// Returns the bound that has no room.
    fn bound(self) -> Bound {
        match self {
            Self::Place => Bound::Max,
            Self::Weight(_) => Bound::MaxBytes,
        }
    }

    /// Returns how much of it there is in `load`.
    fn of(self, load: Load) -> u64 {
        match self {
            Self::Place => load.entries as u64,
            Self::Weight(_) => load.bytes,
        }
    }
}

/// For this many rounds an insertion tries again if there is neither room nor anything to evict, because other running
/// insertions have reserved all room.
const MAX_FRUITLESS_ROUNDS: usize = 100;

impl<H: Clone> ShardedCache<H> {
    /// Ends `claim` with an entry. There is no entry if the key was invalidated meanwhile, or if the bounds cannot hold
    /// the entry. In the latter case the old entry of the key is removed too.
    #[inline]
    pub(crate) fn finish(&self, claim: Claim, new_entry: NewEntry<H>) -> Finished<H> {
        let (shard, room) = self.reserve_room(claim, &new_entry);
        self.insert_reserved(claim, new_entry, shard, room)
    }

    /// Inserts the entry if there is room for it. Otherwise removes the old entry of its key.
    // Inlined: what is passed on is larger than registers, and a copy of bytes that were just written stalls the
    // processor.
    #[inline(always)]
    pub(super) fn insert_reserved(
        &self,
        claim: Claim,
        new_entry: NewEntry<H>,
        mut shard: Locked<'_, H>,
        room: Reservation,
    ) -> Finished<H> {
        let Reservation { reserved, key_state, fits } = room;
        let (existing, is_invalidated) = match key_state {
            KeyState::Replaces(existing) => (Some(existing), false),
            KeyState::New => (None, false),
            KeyState::Invalidated => (None, true),
        };
        // What is left in these at the end is dropped after the lock is released, because this runs the values' `Drop`.
        let (mut entry, mut unused, mut flight, mut pending) = (None, None, None, None);
        match shard.claims().end(claim) {
            Some(claimed) => {
                (flight, pending) = (claimed.flight, claimed.pending);
                let tags = claimed.tags.map(|tags| tags.close());
                if let (Some(tags), Some(flight)) = (&tags, &flight) {
                    flight.outdate(tags.outdated_from());
                }
                entry = Some(claimed.draft.fill(new_entry, tags.map(Box::new)));
            }
            None => unused = Some(new_entry),
        }
        match entry.take_if(|_| fits) {
            Some(entry) => self.put(&mut shard, claim.hash, entry, existing, reserved),
            None => {
                // What has invalidated it is noted already.
                if let Some(refused) = entry.as_ref().filter(|_| !is_invalidated) {
                    let key_len = refused.shared().key().len();
                    self.note_departure(claim.hash, key_len, Cause::NotKept(Refusal::Room));
                }
                self.capacity.release_places(usize::from(reserved));
                let bound = if self.capacity.weighs() { Bound::MaxBytes } else { Bound::Max };
                self.capacity.release(shard.remove(existing, Departure::evicted(bound)));
            }
        }
        let freed = shard.take_garbage();
        let readers_remain = shard.has_waiting();
        drop(shard);
        drop((entry, unused));
        if readers_remain {
            // A reader was interrupted, or is slow. Yield to it, because otherwise retired entries accumulate.
            std::thread::yield_now();
        }
        Finished { kept: fits, flight, removed: (freed, pending) }
    }

    /// Puts the entry into the table. It has room: its own, or that of the existing entry.
    fn put(
        &self,
        shard: &mut Locked<'_, H>,
        hash: u64,
        entry: OwnedEntry<H>,
        existing: Option<Existing>,
        reserved: bool,
    ) {
        self.capacity.release_places(usize::from(reserved && existing.is_some()));
        if self.expiry.has_idle_limit() {
            self.shard(hash).tick(clock::now());
        }
        shard.insert(hash, entry, existing, &self.expiry);
        self.capacity.release(shard.sweep(&self.expiry));
        // A bound may have been lowered since the place was reserved.
        if let Some(bound) = self.capacity.exceeded() {
            self.capacity.release(shard.evict(bound));
        }
    }

    /// Reserves a place and the weight of an insertion within the bounds, and evicts the least recently used entries to
    /// make room. Returns the locked shard of the key, so that nothing changes in it before the insertion.
    #[inline(always)]
    pub(super) fn reserve_room(
        &self,
        claim: Claim,
        new_entry: &NewEntry<H>,
    ) -> (Locked<'_, H>, Reservation) {
        let reserved = self.capacity.reserve_place();
        let mut shard = self.shard(claim.hash).lock();
        if !self.capacity.weighs() && self.capacity.admits(0) {
            let key_state = KeyState::of(claim, &shard, &self.expiry);
            let fits = match key_state {
                KeyState::Invalidated => Some(false),
                KeyState::New if reserved => Some(true),
                // The place of the evicted entry goes to this one. The shard is locked all the time.
                KeyState::New => {
                    (self.evict_from_own(&mut shard, Shortage::Place).entries == 1).then_some(true)
                }
                KeyState::Replaces(_) => Some(true),
            };
            if let Some(fits) = fits {
                let reserved = reserved || fits && matches!(key_state, KeyState::New);
                return (shard, Reservation { reserved, key_state, fits });
            }
        }
        self.reserve_more_room(claim, new_entry.weight.unwrap_or_default(), shard, reserved)
    }

    /// Like [`Self::reserve_room`], for when more must be evicted, or entries have weights.
    #[inline(never)]
    fn reserve_more_room<'c>(
        &'c self,
        claim: Claim,
        weight: u64,
        mut shard: Locked<'c, H>,
        mut reserved: bool,
    ) -> (Locked<'c, H>, Reservation) {
        let mut fruitless = 0;
        loop {
            let key_state = KeyState::of(claim, &shard, &self.expiry);
            let (has_place, before) = match &key_state {
                KeyState::Invalidated => {
                    return (shard, Reservation { reserved, key_state, fits: false });
                }
                KeyState::New => (reserved, 0),
                KeyState::Replaces(existing) => (true, existing.weight),
            };
            if !self.capacity.admits(weight) || fruitless == MAX_FRUITLESS_ROUNDS {
                return (shard, Reservation { reserved, key_state, fits: false });
            }
            if has_place && self.capacity.replace_weight(before, weight) {
                return (shard, Reservation { reserved, key_state, fits: true });
            }
            let shortage = if has_place { Shortage::Weight(weight) } else { Shortage::Place };
            let mut evicted = self.evict_from_own(&mut shard, shortage);
            if evicted.is_none() {
                drop(shard);
                evicted = self.evict_anywhere(shortage);
                if evicted.is_none() {
                    fruitless += 1;
                    std::thread::yield_now();
                    reserved = reserved || self.capacity.reserve_place();
                }
                shard = self.shard(claim.hash).lock();
            }
            if !has_place && !evicted.is_none() {
                // The place of the evicted entry goes to this one.
                reserved = true;
                evicted.entries -= 1;
            }
            self.capacity.release(evicted);
        }
    }

    /// Evicts one entry, unless the shard holds far less than its share. That can be so after a bound was lowered, or
    /// for a heavy insertion.
    fn evict_from_own(&self, shard: &mut Locked<'_, H>, shortage: Shortage) -> Load {
        let (own, all) = (shortage.of(shard.load()), shortage.of(self.capacity.load()));
        let share = all / (2 * self.shards.len() as u64);
        if own < share { Load::default() } else { shard.evict(shortage.bound()) }
    }

    /// Evicts from the fullest shard, or if that has no entry, from any other. For a place one entry is evicted; for a
    /// weight as many as needed, but at once no more than half of what the shard holds.
    fn evict_anywhere(&self, shortage: Shortage) -> Load {
        let evict = |shard: &Shard<H>| {
            self.change(shard, |shard| {
                let half = shortage.of(shard.load()) / 2;
                let goal = match shortage {
                    Shortage::Place => 0,
                    Shortage::Weight(wanted) => wanted.min(half),
                };
                let mut sum = shard.evict(shortage.bound());
                while sum.bytes < goal {
                    sum += shard.evict(shortage.bound());
                }
                sum
            })
        };
        let fullest = self.shards.iter().max_by_key(|shard| shortage.of(shard.lock().load()));
        let evicted = fullest.map(evict).filter(|evicted| !evicted.is_none());
        let mut others = self.shards.iter().map(evict);
        evicted.or_else(|| others.find(|evicted| !evicted.is_none())).unwrap_or_default()
    }

    /// Changes a shard, and frees what the change removed, at once or soon after.
    pub(super) fn change<R>(
        &self,
        shard: &Shard<H>,
        change: impl FnOnce(&mut Locked<'_, H>) -> R,
    ) -> R {
        let mut locked = shard.lock();
        let result = change(&mut locked);
        let freed = locked.take_all_garbage();
        drop(locked);
        drop(freed);
        Self::wait_for_readers(shard);
        result
    }

    /// Waits for a moment until readers no longer use what was removed, and frees it, because there may be no later
    /// call that would free it.
    pub(super) fn wait_for_readers(shard: &Shard<H>) {
        const ATTEMPTS: usize = 8;
        for _ in 0..ATTEMPTS {
            let mut locked = shard.lock();
            let freed = locked.collect_waiting();
            let readers_remain = locked.has_waiting();
            drop(locked);
            drop(freed);
            if !readers_remain {
                break;
            }
            std::thread::yield_now();
        }
    }

    /// Changes the bound on entries, and evicts what exceeds it.
    pub(crate) fn set_max(&self, max: usize) {
        self.capacity.set_max(max);
        self.shards.iter().for_each(|shard| shard.lock().set_share(max / self.shards.len()));
        self.trim();
    }

    /// Changes the bound on the sum of weights, and evicts what exceeds it. Returns false if entries have no weights.
    pub(crate) fn set_max_bytes(&self, max: u64) -> bool {
        let weighed = self.capacity.set_max_bytes(max);
        // An insertion that took its weight within the former bound did so under the lock of a shard. After each lock
        // was held once, the sum contains all these weights.
        self.shards.iter().for_each(|shard| drop(shard.lock()));
        self.trim();
        weighed
    }

    fn trim(&self) {
        let mut shards = self.shards.iter().cycle();
        let mut empty = 0;
        while let (Some(bound), true) = (self.capacity.exceeded(), empty < self.shards.len()) {
            let Some(shard) = shards.next() else { break };
            let evicted = shard.lock().evict(bound);
            empty = if evicted.is_none() { empty + 1 } else { 0 };
            self.capacity.release(evicted);
        }
        self.shards.iter().for_each(|shard| self.change(shard, |shard| shard.shrink()));
    }
}
