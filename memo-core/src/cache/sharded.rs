//! The cache of one function: shards, the bounds on all of them together, expiry, and the flights of keys being
//! computed.
//!
//! No user code runs under a shard's lock: cloning a holder runs none (see `keep`), keys are compared by bytes, and
//! whatever is removed is returned to the caller, which drops it after the lock is released.

use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

use super::capacity::{self, Capacity, EXACT, Limits, Load};
use super::departures::{Departures, Removing};
use super::entry::{EntryRef, Lifetime, NEVER_EXPIRES, Words};
use super::expiry::{Age, Expiry};
use super::key_copy::KeyCopy;
use super::listening::{Listener, Listening};
use super::recency;
use super::shard::{Locked, Shard};
use super::table::ReadGuard;
use crate::epoch::participant::pin;
use crate::key::hash::Seed;
use crate::key::{self, KeyBytes, Tag};
use crate::platform::clock::{self, Millis, NEVER};
use crate::single_flight::flight::{Claim, Flight};
use crate::single_flight::leader_task::LeaderTask;
use crate::statistics::counters::CallCounters;
#[cfg(feature = "persist")]
use crate::statistics::departure::Departure;
use crate::statistics::explanation::{Cause, Remover};
use crate::tags::{self, OpenTags, TagSet};

pub(crate) struct ShardedCache<H> {
    pub(crate) seed: Seed,
    pub(super) shards: Box<[Shard<H>]>,
    pub(super) capacity: Capacity,
    pub(super) expiry: Expiry,
    pub(super) departures: Option<Arc<Departures>>,
    listening: OnceLock<Arc<Listening<H>>>,
    /// What stands behind the key of each entry.
    words: Words,
    /// See [`Limits::tagged`].
    tag_salt: u64,
    /// The epoch of tags at which it was last arranged that invalidated entries are removed.
    swept_epoch: AtomicU64,
    /// And when.
    swept_at: AtomicU64,
    pub(crate) calls: CallCounters,
}

/// Up to this many entries are looked at one by one for the statistics.
const FEW: usize = 4096;

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
    #[cfg(test)]
    pub(crate) fn new(limits: Limits) -> Self {
        Self::counted(limits, CallCounters::new())
    }

    /// Makes an empty store whose calls `calls` counts.
    pub(crate) fn counted(limits: Limits, calls: CallCounters) -> Self {
        let Limits { max, max_bytes, shards, stale, idle, timed, tagged, departures } = limits;
        let shards = capacity::shard_count(shards, max, max_bytes);
        // It is not known how many entries a bound on weight allows.
        let exact = max <= EXACT || max_bytes.is_some();
        let seed = Seed::random();
        let departures = (departures > 0).then(|| Arc::new(Departures::new(seed, departures)));
        let shard = |_| Shard::new(exact, max / shards, max_bytes.is_some(), departures.clone());
        Self {
            seed,
            shards: (0..shards).map(shard).collect(),
            departures: departures.clone(),
            listening: OnceLock::new(),
            capacity: Capacity::new(max, max_bytes),
            expiry: Expiry::new(stale, idle, tagged.is_some()),
            words: Words { weight: max_bytes.is_some(), time: timed, tags: tagged.is_some() },
            tag_salt: tagged.unwrap_or(0),
            swept_epoch: AtomicU64::new(0),
            swept_at: AtomicU64::new(0),
            calls,
        }
    }

    #[inline]
    pub(super) fn shard(&self, hash: u64) -> &Shard<H> {
        // The table takes the bucket from the lower half of the hash and the tag from the highest byte.
        let index = (hash >> 40) as usize & (self.shards.len() - 1);
        &self.shards[index]
    }

    /// Returns the value of a live entry for whose key `matches` returns true, and marks the entry as used. `counted`:
    /// this is a hit. No lock is held while `matches` runs, but no thread can free memory meanwhile. So it must not run
    /// code of a user.
    // The compiler would not always inline this and `find` into a hit, which takes a tenth more instructions then.
    #[inline(always)]
    pub(crate) fn get(
        &self,
        hash: u64,
        matches: impl Fn(&[u8]) -> bool,
        counted: bool,
    ) -> Option<H> {
        let pin = pin();
        let held = self.find(ReadGuard::of_pin(&pin), hash, matches)?.entry().held().clone();
        if counted {
            self.calls.hit(&pin);
        }
        Some(held)
    }

    /// Like [`Self::get`], but with a `matches` that runs code of a user. It gets a copy of the key, so that nothing
    /// waits for it. An entry with the same lower half of the hash and the same tag hides others. Then this finds
    /// nothing, and the caller finds the entry in [`ShardedCache::claim_or_join`].
    #[inline]
    pub(crate) fn get_by_copy(
        &self,
        hash: u64,
        matches: impl FnOnce(&[u8]) -> bool,
        counted: bool,
    ) -> Option<H> {
        let pinned = pin();
        let entry = self.find(ReadGuard::of_pin(&pinned), hash, |_| true)?;
        let (key, held) = (KeyCopy::of(entry.key()), entry.entry().held().clone());
        drop(pinned);
        let found = matches(&key);
        if found && counted {
            self.calls.hit(&pin());
        }
        found.then_some(held)
    }

    #[inline(always)]
    fn find<'p>(
        &'p self,
        guard: ReadGuard<'p>,
        hash: u64,
        matches: impl Fn(&[u8]) -> bool,
    ) -> Option<EntryRef<'p, H>> {
        let shard = self.shard(hash);
        let entry = shard.find(guard, hash, matches)?;
        if !self.expiry.is_timeless(entry)
            && !self.is_current(entry)
            && !self.is_fresh(shard, entry)
        {
            return None;
        }
        shard.touch(guard, entry.entry());
        Some(entry)
    }

    /// Returns whether the entry has no end but by its tags, and none of these was invalidated. Inlined, so that a hit on
    /// such an entry calls nothing.
    #[inline(always)]
    fn is_current(&self, entry: EntryRef<'_, H>) -> bool {
        entry.packed_is_at_least(NEVER_EXPIRES)
            && !self.expiry.has_idle_limit()
            && entry.tags().is_some_and(TagSet::is_valid)
    }

    /// Returns whether the entry is a hit, by its tags, its expiry time and its last use. If so, the caller marks it
    /// next.
    #[inline(never)]
    fn is_fresh(&self, shard: &Shard<H>, entry: EntryRef<'_, H>) -> bool {
        if self.expiry.has_ended(entry) {
            return false;
        }
        let now = clock::now();
        let fresh = self.expiry.is_fresh(entry, now);
        if fresh && self.expiry.has_idle_limit() {
            shard.tick(now);
        }
        fresh
    }

    /// Returns the value of the entry of `key`, without marking it as used.
    pub(crate) fn peek(&self, hash: u64, key: &[u8]) -> Option<H> {
        let pin = pin();
        let guard = ReadGuard::of_pin(&pin);
        let entry = self.shard(hash).find(guard, hash, |stored| key::same_key(stored, key))?;
        (!self.expiry.is_expired(entry)).then(|| entry.held().clone())
    }

    #[cfg(feature = "remote")]
    /// Returns whether there is an entry of `key`, of whatever age, or a claim on it.
    pub(crate) fn knows(&self, hash: u64, key: &[u8]) -> bool {
        let mut shard = self.shard(hash).lock();
        shard.find(hash, key).is_some() || shard.claims().has(hash, key)
    }

    /// Returns when the value of the entry of `key` was computed, if that is known.
    pub(crate) fn computed(&self, hash: u64, key: &[u8]) -> Option<u64> {
        if !self.words.time {
            return None;
        }
        let pin = pin();
        let guard = ReadGuard::of_pin(&pin);
        let entry = self.shard(hash).find(guard, hash, |stored| key::same_key(stored, key))?;
        entry.lifetime().computed
    }

    /// Does the same for the entry that the value of `claim` is to replace.
    pub(crate) fn computed_of(&self, claim: Claim) -> Option<u64> {
        self.shard(claim.hash).lock().entry_before(claim)?.lifetime().computed
    }

    /// Returns whether entries have the time at which they were computed.
    pub(crate) fn is_timed(&self) -> bool {
        self.words.time
    }

    /// Looks again, and then joins the flight of `key` or claims `key`, whose result has `tags`. This is one step under the lock, so that of all
    /// callers that missed one leads. A value that is due or stale is a hit for the callers that come while another
    /// computes, if `renewable` returns true for it. If not, the value is a hit until its expiry time.
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
    pub(crate) fn has_older(&self, claim: Claim) -> bool {
        let shard = self.shard(claim.hash).lock();
        shard.entry_before(claim).is_some_and(|entry| !self.expiry.has_ended(entry))
    }

    /// Returns the value of an entry, and marks the entry as used.
    #[inline]
    fn serve(&self, hash: u64, shard: &Locked<'_, H>, entry: EntryRef<'_, H>) -> H {
        if self.expiry.has_idle_limit() {
            self.shard(hash).tick(clock::now());
        }
        self.shard(hash).touch(shard.guard(), entry.entry());
        entry.held().clone()
    }

    #[inline]
    fn claim(
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

    /// Makes `listener` hear of each entry that leaves, in place of an earlier one.
    pub(crate) fn listen(&self, listener: Listener<H>) {
        let mut first = Some(listener);
        let listening = self.listening.get_or_init(|| {
            let listener = first.take().expect("it is made once");
            Arc::new(Listening::new(listener))
        });
        match first {
            Some(listener) => listening.set(listener),
            None => {
                self.shards.iter().for_each(|shard| shard.lock().listen(Arc::clone(listening)));
            }
        }
    }

    /// Returns what is told of the entries that leave, if somebody listens.
    #[inline]
    pub(crate) fn listening(&self) -> Option<&Listening<H>> {
        self.listening.get().map(|listening| &**listening)
    }

    /// Returns how long before their expiry time entries are computed again, in ms.
    pub(crate) fn refresh_window(&self) -> Millis {
        self.expiry.refresh_window()
    }

    /// Sets how long before their expiry time entries are computed again, in ms.
    pub(crate) fn set_refresh_window(&self, window: Millis) {
        self.expiry.set_refresh_window(window);
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

    fn replace_claim(&self, hash: u64, key: &[u8], tags: Option<&[Tag]>, renews: bool) -> Claim {
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
    fn salted<'t>(&self, tags: &'t [Tag]) -> Cow<'t, [Tag]> {
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

    /// Returns whether entries have tags.
    pub(crate) fn is_tagged(&self) -> bool {
        self.words.tags
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

    /// Removes the entry of `key` and invalidates its claim; `then` runs under the same lock. Returns whether there was
    /// a live entry.
    pub(crate) fn remove(
        &self,
        hash: u64,
        key: &[u8],
        by: Removing,
        then: &mut dyn FnMut(),
    ) -> bool {
        let (removed, _pending) = self.change(self.shard(hash), |shard| {
            let existing = shard.find_existing(hash, key, &self.expiry);
            shard.note_removal(hash, key, existing, by);
            let live = existing.as_ref().is_some_and(|existing| !existing.expired);
            self.capacity.release(shard.remove_counted(existing));
            shard.shrink();
            // Must be dropped while no lock is held.
            let pending = shard.claims().invalidate(hash, key);
            then();
            (live, pending)
        });
        removed
    }

    /// Invalidates all claims, so that no value that is being computed is kept.
    pub(crate) fn invalidate_claims(&self, by: Remover) {
        for shard in &self.shards {
            let mut locked = shard.lock();
            locked.note_claims(Cause::Invalidated(by));
            let pending = locked.claims().invalidate_all();
            // Dropped while no lock is held.
            drop(locked);
            drop(pending);
        }
    }

    /// Removes all entries and invalidates all claims; `then` runs while every shard is locked. Returns the number of
    /// removed entries.
    pub(crate) fn clear(&self, by: Remover, then: &mut dyn FnMut()) -> usize {
        let mut locked: Vec<_> = self.shards.iter().map(Shard::lock).collect();
        let cleared = self.clear_locked(&mut locked, by);
        then();
        // What is freed must be dropped while no lock is held.
        let pending: Vec<_> =
            locked.iter_mut().map(|shard| shard.claims().invalidate_all()).collect();
        let freed: Vec<_> = locked.iter_mut().map(Locked::take_all_garbage).collect();
        drop(locked);
        drop((pending, freed));
        self.shards.iter().for_each(Self::wait_for_readers);
        cleared.entries
    }

    /// Removes the entry of `key` and invalidates its claim, without freeing anything: the `Drop` of values runs when
    /// what is returned is dropped, and in [`Self::free_removed`].
    #[cfg(feature = "persist")]
    pub(crate) fn end(&self, hash: u64, key: &[u8], by: Removing) -> Option<(H, Lifetime)> {
        let mut shard = self.shard(hash).lock();
        let existing = shard.find_existing(hash, key, &self.expiry);
        shard.note_removal(hash, key, existing, by);
        self.capacity.release(shard.remove(existing, Departure::Invalidated));
        shard.claims().invalidate(hash, key)
    }

    /// Does the same for all entries and claims.
    #[cfg(feature = "persist")]
    pub(crate) fn end_all(&self, by: Remover) -> Vec<(H, Lifetime)> {
        let mut locked: Vec<_> = self.shards.iter().map(Shard::lock).collect();
        self.clear_locked(&mut locked, by);
        locked.iter_mut().flat_map(|shard| shard.claims().invalidate_all()).collect()
    }

    /// Removes all entries while every shard is locked, and notes that they and the claims are not kept.
    fn clear_locked(&self, locked: &mut [Locked<'_, H>], by: Remover) -> Load {
        let mut cleared = Load::default();
        for shard in locked {
            shard.note_claims(Cause::Invalidated(by));
            shard.note_entries(Cause::Invalidated(by));
            cleared += shard.clear();
        }
        self.capacity.release(cleared);
        cleared
    }

    /// Frees what [`Self::end`] has removed.
    #[cfg(feature = "persist")]
    pub(crate) fn free_removed(&self) {
        self.shards.iter().for_each(|shard| self.change(shard, |shard| shard.shrink()));
    }

    /// Calls `f` for the live entries, announced ones included, while no lock is held: shard by shard, in each shard
    /// the least recently used first.
    pub(crate) fn for_each(&self, f: &mut dyn FnMut(&EntryCopy<H>)) {
        for shard in &self.shards {
            let live = self.live(&shard.lock());
            let mut order: Vec<(u64, u32)> =
                live.iter().map(|copied| copied.stamp).zip(0..).collect();
            recency::sort(&mut order);
            for (_, at) in order {
                f(&live[at as usize]);
            }
        }
    }

    /// Returns the weights and the keys of the heaviest entries, the heaviest first; none if entries have no weights.
    /// It takes no lock, and may miss entries that are moved meanwhile.
    #[cfg(feature = "report")]
    pub(crate) fn heaviest(&self, count: usize) -> Vec<(u64, Vec<u8>)> {
        let mut found: Vec<(u64, Vec<u8>)> = Vec::new();
        let shards = self.max_bytes().map(|_| &self.shards);
        for shard in shards.into_iter().flatten() {
            shard.visit(1, |entry| {
                let (weight, key) = (entry.weight(), entry.key());
                let is_heavy =
                    found.len() < count || found.last().is_some_and(|(least, _)| *least < weight);
                // One that is moved can be seen twice.
                if is_heavy
                    && !self.expiry.is_expired(entry)
                    && found.iter().all(|(_, known)| *known != key)
                {
                    let at = found.partition_point(|(known, _)| *known >= weight);
                    found.insert(at, (weight, key.to_vec()));
                    found.truncate(count);
                }
                true
            });
        }
        found
    }

    /// Returns whether the bounds can hold an entry of this weight.
    pub(crate) fn admits(&self, weight: Option<u64>) -> bool {
        self.capacity.admits(weight.unwrap_or_default())
    }

    /// Returns the number of entries, expired ones included.
    pub(crate) fn count(&self) -> usize {
        self.capacity.load().entries
    }

    /// Returns the number of live entries.
    pub(crate) fn len(&self) -> usize {
        let mut live = 0;
        // Shards are counted one after another while entries are inserted and removed, so the sum may exceed the bound.
        for shard in &self.shards {
            for (_, entry) in shard.lock().entries() {
                live += usize::from(!self.expiry.is_expired(entry));
            }
        }
        live.min(self.max())
    }

    /// Returns the number of entries whose time has ended. Of many entries it looks at some, and estimates. It takes no
    /// lock while it looks.
    pub(crate) fn over(&self) -> u64 {
        if !self.has_expiring() {
            return 0;
        }
        let entries = self.count();
        // Keys are spread over the buckets by a random seed, so every n-th bucket is a fair sample.
        let stride = entries.div_ceil(FEW).max(1);
        let (mut seen, mut over) = (0_u64, 0_u64);
        for shard in &self.shards {
            shard.visit(stride, |entry| {
                seen += 1;
                over += u64::from(self.expiry.is_expired(entry));
                true
            });
        }
        if stride == 1 || seen == 0 { over } else { over * entries as u64 / seen }
    }

    /// Returns the number of entries and the sum of their weights. If they have no weights, the latter is the memory
    /// that they take in bytes, their keys included. Of many entries, those that expired and are not removed yet count
    /// too.
    pub(crate) fn usage(&self) -> (u64, u64) {
        if self.count() <= FEW {
            self.remove_expired();
        }
        let max_bytes = self.max_bytes();
        let (mut entries, mut bytes) = (0, 0_u64);
        for shard in &self.shards {
            let shard = shard.lock();
            entries += shard.load().entries as u64;
            let size = || shard.size();
            bytes = bytes.saturating_add(max_bytes.map_or_else(size, |_| shard.load().bytes));
        }
        (entries.min(self.max() as u64), bytes.min(max_bytes.unwrap_or(u64::MAX)))
    }

    /// Returns whether entries with this expiry time can expire.
    pub(crate) fn can_expire(&self, expires: Millis) -> bool {
        expires != NEVER || self.expiry.has_idle_limit() || self.words.tags
    }

    /// Removes and frees the entries that cannot be served any more. Returns how many these were.
    pub(crate) fn remove_expired(&self) -> usize {
        let mut removed = 0;
        for shard in &self.shards {
            let sweep = shard.lock().begin_sweep();
            if let Some(mut sweep) = sweep {
                while !sweep.is_done() {
                    let mut locked = shard.lock();
                    let swept = locked.continue_sweep(&mut sweep, &self.expiry);
                    self.capacity.release(swept);
                    removed += swept.entries;
                    let freed = locked.take_garbage();
                    drop(locked);
                    // Dropped while no lock is held, because the `Drop` of values runs.
                    drop(freed);
                    // The lock is not fair, so callers that wait for it get it only if this thread does not run.
                    std::thread::yield_now();
                }
                self.change(shard, |shard| shard.shrink());
            }
        }
        removed
    }

    /// Makes the next sweep look at all entries, if a tag was invalidated since this was called last, and if that is at
    /// least so long ago.
    pub(crate) fn expect_invalidated(&self, pause: Millis) {
        if !self.words.tags {
            return;
        }
        let (epoch, now) = (tags::epoch(), clock::now());
        let (before, at) = (self.swept_epoch.load(Relaxed), self.swept_at.load(Relaxed));
        if before != epoch && now >= at.saturating_add(pause) {
            self.swept_epoch.store(epoch, Relaxed);
            self.swept_at.store(now, Relaxed);
            self.expect_expiry();
        }
    }

    /// Returns whether there may be entries that will expire.
    pub(crate) fn has_expiring(&self) -> bool {
        self.words.tags && self.count() > 0
            || self.shards.iter().any(|shard| shard.lock().has_expiring())
    }

    /// Returns how many entries were evicted to make room, and how many were removed after their expiry time.
    pub(crate) fn removed(&self) -> (u64, u64) {
        let (mut evicted, mut expired) = (0, 0);
        for shard in &self.shards {
            let removed = shard.lock().removed();
            evicted += removed.0;
            expired += removed.1;
        }
        (evicted, expired)
    }

    /// Returns for how long after its last use an entry lives, in ms.
    pub(crate) fn idle(&self) -> Option<Millis> {
        self.expiry.idle_limit()
    }

    /// Returns for how long after its expiry time an entry may be served, in ms.
    #[cfg(any(feature = "remote", feature = "report"))]
    pub(crate) fn stale(&self) -> Millis {
        self.expiry.stale_for()
    }

    /// Sets it.
    pub(crate) fn set_stale(&self, stale: Millis) {
        self.expiry.set_stale_for(stale);
        self.expect_expiry();
    }

    /// Sets for how long after its last use an entry lives, in ms. Returns false if uses have no times.
    pub(crate) fn set_idle(&self, idle: Option<Millis>) -> bool {
        let is_set = self.expiry.set_idle_limit(idle);
        if is_set {
            self.expect_expiry();
        }
        is_set
    }

    fn expect_expiry(&self) {
        self.shards.iter().for_each(|shard| shard.lock().expect_expiry());
    }

    /// Returns whether there is a bound on entries or on their weight.
    pub(crate) fn is_bounded(&self) -> bool {
        self.max() != capacity::UNBOUNDED || self.max_bytes().is_some()
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
            if !self.expiry.is_expired(e) {
                let (stamp, key) = (e.stamp().load(Relaxed), KeyBytes::new(e.key()));
                let (held, lifetime) = (e.held().clone(), e.lifetime());
                let tags = e.tags().map_or_else(Vec::new, TagSet::tags);
                live.push(EntryCopy { stamp, key, held, lifetime, tags });
            }
        }
        for claimed in shard.claimed() {
            if let Some((held, lifetime)) = claimed.pending.clone() {
                let key = KeyBytes::new(claimed.draft.key());
                let tags = claimed.tags.as_ref().map_or_else(Vec::new, |tags| tags.tags());
                live.push(EntryCopy { stamp: u64::MAX, key, held, lifetime, tags });
            }
        }
        live
    }
}

/// A copy of an entry, taken under the lock.
pub(crate) struct EntryCopy<H> {
    stamp: u64,
    pub(crate) key: KeyBytes,
    pub(crate) held: H,
    pub(crate) lifetime: Lifetime,
    pub(crate) tags: Vec<Tag>,
}
