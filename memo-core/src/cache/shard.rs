//! A shard is a part of a cache. It has a table that hits read without a lock. What hits do not need is behind a lock:
//! the claims on keys, the order of eviction, and the garbage.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use super::capacity::Load;
use super::claims::{ClaimState, Claims};
use super::departures::{Departures, Removing};
use super::entry::{Draft, Entry, EntryRef, OwnedEntry, Words, low_half};
use super::expiry::{Expiry, stamp_of};
use super::free_list::FreeList;
use super::garbage::{Freed, Garbage};
use super::listening::Listening;
use super::retries::Retries;
use super::sweep::{BUCKETS_AT_ONCE, Sweep, Sweeps};
use super::table::{Entries, ReadGuard, Root, Table};
use crate::epoch::participant::pin;
use crate::eviction::order::Order;
use crate::eviction::policy::Policy;
use crate::eviction::slot::SlotIndex;
use crate::eviction::stamps::Stamps;
use crate::eviction::steps::EXACT;
use crate::eviction::uses::Uses;
use crate::front::versions::Versions;
use crate::key;
use crate::platform::clock::{self, Millis};
use crate::platform::sync::{Mutex, MutexGuard};
use crate::single_flight::flight::Claim;
use crate::statistics::departure::Departure;
use crate::statistics::explanation::{Bound, Cause, Remover};

/// How many entries are freed together: few in a small shard, more in a large one.
const BATCH_SIZES: std::ops::RangeInclusive<usize> = 128..=512;

#[repr(align(128))]
struct Padded<T>(T);

#[repr(align(128))]
pub(super) struct Shard<H> {
    root: Root<H>,
    stamps: Stamps,
    /// Where departures are noted, if they are remembered.
    departures: Option<Arc<Departures>>,
    /// By these a thread knows that what it remembers still counts.
    versions: Versions,
    state: Padded<Mutex<ShardState<H>>>,
}

/// What may be changed only under the lock.
pub(super) struct ShardState<H> {
    claims: Claims<H>,
    eviction: Order,
    retries: Retries,
    garbage: Garbage<H>,
    /// The memory of freed entries, for new entries.
    free_list: FreeList<H>,
    load: Load,
    sweeps: Sweeps,
    /// What is told of each entry that leaves.
    listening: Option<Arc<Listening<H>>>,
    /// The memory that the entries take, in bytes.
    size: u64,
    /// The bucket that was last searched for expired entries.
    sweep_bucket: usize,
    evicted: u64,
    /// How many entries were removed after their expiry time.
    expired: u64,
}

/// An entry in the table. Valid as long as its shard is locked and nothing is inserted or removed.
#[derive(Clone, Copy)]
pub(super) struct Existing {
    slot: SlotIndex,
    pub(super) weight: u64,
    /// Whether it is served no more, or only stale: its time has ended, or a tag was invalidated.
    pub(super) expired: bool,
    /// Whether a tag was invalidated.
    invalidated: bool,
}

impl Existing {
    /// Returns how many entries leave as expired if this one leaves.
    fn count_expired(self) -> u64 {
        u64::from(self.expired && !self.invalidated)
    }
}

/// Not inlined, so that a removal has one branch for it.
#[cold]
#[inline(never)]
fn note_entry<H>(departures: &Departures, entry: Option<EntryRef<'_, H>>, cause: Cause) {
    if let Some(entry) = entry {
        departures.note_key(entry.key(), cause);
    }
}

/// A locked shard.
pub(super) struct Locked<'a, H> {
    shard: &'a Shard<H>,
    state: MutexGuard<'a, ShardState<H>>,
}

impl<H> Shard<H> {
    /// `share`: the shard's part of the bound on entries. `weighed`: whether there is a bound on weight too.
    pub(super) fn new(
        exact: bool,
        share: usize,
        weighed: bool,
        policy: Policy,
        departures: Option<Arc<Departures>>,
    ) -> Self {
        let stamps = Stamps::new(exact, share, weighed, Order::count_mask(policy));
        let state = ShardState {
            claims: Claims::new(),
            eviction: Order::new(policy),
            retries: Retries::new(),
            garbage: Garbage::new(),
            free_list: FreeList::new(),
            load: Load::default(),
            sweeps: Sweeps::new(),
            listening: None,
            size: 0,
            sweep_bucket: 0,
            evicted: 0,
            expired: 0,
        };
        Self {
            root: Root::new(),
            stamps,
            departures,
            versions: Versions::new(),
            state: Padded(Mutex::new(state)),
        }
    }

    #[inline]
    pub(super) fn find<'p>(
        &'p self,
        guard: ReadGuard<'p>,
        hash: u64,
        matches: impl Fn(&[u8]) -> bool,
    ) -> Option<EntryRef<'p, H>> {
        Some(self.root.read(guard).find(guard, hash, matches)?.1)
    }

    /// Calls `each` with the entries of every `stride`-th bucket, until it returns false. Takes no lock, and is pinned
    /// for a few buckets at a time. So it may miss or repeat entries that are moved meanwhile.
    pub(super) fn visit(&self, stride: usize, mut each: impl FnMut(EntryRef<'_, H>) -> bool) {
        let mut bucket = 0;
        loop {
            let pin = pin();
            let guard = ReadGuard::of_pin(&pin);
            let table = self.root.read(guard);
            for _ in 0..BUCKETS_AT_ONCE {
                if bucket >= table.buckets() {
                    return;
                }
                let mut entries =
                    Table::<H>::slots_of(bucket).filter_map(|slot| table.at(guard, slot));
                if !entries.all(&mut each) {
                    return;
                }
                bucket += stride;
            }
        }
    }

    /// Marks `entry` as used now, unless it was a short while ago.
    #[inline]
    pub(super) fn touch(&self, guard: ReadGuard<'_>, entry: &Entry<H>) {
        if self.stamps.noted_until(entry.stamp()) < self.stamps.uses() {
            self.stamps.mark(entry.stamp(), self.root.read(guard).capacity());
        }
    }

    #[inline]
    pub(super) fn stamps(&self) -> &Stamps {
        &self.stamps
    }

    #[inline]
    pub(super) fn versions(&self) -> &Versions {
        &self.versions
    }

    /// Raises the stamps of later uses to the time `now` at least. Where entries have an idle limit, a stamp tells the
    /// time of a use as well as the order of uses.
    pub(super) fn tick(&self, now: Millis) {
        self.stamps.raise(stamp_of(now));
    }

    /// Returns what tells a policy of the entry in a slot. For use under the lock.
    fn look<'p>(&'p self, guard: ReadGuard<'p>) -> impl Fn(SlotIndex) -> Option<Uses<'p>> {
        move |slot| Some(self.root.read(guard).at(guard, slot)?.uses())
    }

    pub(super) fn lock(&self) -> Locked<'_, H> {
        Locked { shard: self, state: self.state.0.lock() }
    }
}

impl<H> Locked<'_, H> {
    #[allow(unsafe_code)]
    pub(super) fn guard(&self) -> ReadGuard<'_> {
        // SAFETY: this guard is used only for the table of this shard, and entries removed from it go to this garbage.
        unsafe { ReadGuard::of_shard_lock(&self.state.garbage) }
    }

    fn table(&self) -> &Table<H> {
        self.shard.root.read(self.guard())
    }

    pub(super) fn find(&self, hash: u64, key: &[u8]) -> Option<EntryRef<'_, H>> {
        Some(self.locate(hash, key)?.1)
    }

    /// Returns the entry of `key`.
    pub(super) fn find_existing(&self, hash: u64, key: &[u8], expiry: &Expiry) -> Option<Existing> {
        let (slot, entry) = self.locate(hash, key)?;
        let expired = expiry.is_expired(entry);
        let invalidated = expired && entry.has_ended();
        Some(Existing { slot, weight: entry.weight(), expired, invalidated })
    }

    // Not inlined, so that it is compiled once for both callers.
    #[inline(never)]
    fn locate(&self, hash: u64, key: &[u8]) -> Option<(SlotIndex, EntryRef<'_, H>)> {
        self.table().find(self.guard(), hash, |stored| key::same_key(stored, key))
    }

    /// Inserts an entry. It replaces `existing`, the entry with the same key, if there is one.
    pub(super) fn insert(
        &mut self,
        hash: u64,
        entry: OwnedEntry<H>,
        existing: Option<Existing>,
        expiry: &Expiry,
    ) {
        // A value that is stale already, from disk, is no success.
        if !self.state.retries.is_empty() && entry.shared().expires() > clock::now() {
            self.state.retries.reset(hash);
        }
        let load = Load::of(entry.shared());
        let stamp = self.shard.stamps.insertion(self.table().capacity());
        entry.shared().stamp().store(stamp, Relaxed);
        self.state.sweeps.note(expiry.unservable_from(entry.shared()));
        self.state.size += entry.shared().size() as u64;
        if let Some(existing) = existing {
            let changing = self.shard.versions.change(low_half(hash));
            let before = self.table().replace(existing.slot, entry);
            drop(changing);
            if let Some(before) = before {
                self.keep_count(existing.slot, before.entry().stamp().load(Relaxed));
                let removed = existing.invalidated;
                let why = if removed { Departure::Invalidated } else { Departure::Replaced };
                self.tell(before.entry(), why);
                self.state.load -= Load::of(before.entry());
                self.state.size -= before.entry().size() as u64;
                self.state.garbage.retire(before);
            }
            self.state.load += load;
            self.state.expired += existing.count_expired();
            return;
        }
        if self.state.load.entries == self.table().capacity() {
            self.grow();
        }
        let slot = self.table().insert(hash, entry);
        self.state.load += load;
        self.record(stamp, slot);
    }

    /// Sets the shard's part of the bound on entries.
    pub(super) fn set_share(&self, share: usize) {
        self.note_earlier(self.shard.stamps.set_share(share));
    }

    /// Tells those who remember entries if their uses are to be noted earlier than was said. Who reads a version of now
    /// also reads what was said since.
    fn note_earlier(&self, earlier: bool) {
        if earlier {
            self.shard.versions.all_removed();
        }
    }

    /// Gives the uses that the stamp of a replaced entry counted to the entry in its slot.
    fn keep_count(&self, slot: SlotIndex, stamp: u64) {
        let count = self.shard.stamps.count_of(stamp);
        let entry = || self.table().at(self.guard(), slot);
        if let Some(entry) = (count > 0).then(entry).flatten() {
            entry.stamp().fetch_or(count, Relaxed);
        }
    }

    fn record(&mut self, stamp: u64, slot: SlotIndex) {
        let len = self.state.load.entries;
        // Without the pin for a look at the entry.
        if let Order::Lru(recency) = &mut self.state.eviction {
            return recency.record(stamp, slot, len);
        }
        let pin = pin();
        let look = self.shard.look(ReadGuard::of_pin(&pin));
        self.state.eviction.record(stamp, slot, len, &look);
    }

    #[cold]
    fn grow(&mut self) {
        self.state.eviction.forget();
        if self.state.load.entries > EXACT {
            self.note_earlier(self.shard.stamps.count_in_steps());
        }
        if let Some(outgrown) = self.shard.root.grow(self.guard()) {
            self.state.garbage.retire_table(outgrown);
        }
    }

    /// Replaces the table by a smaller one if the entries fit into a quarter of it. A table that is only half empty may
    /// soon be needed again, and a small one takes little.
    pub(super) fn shrink(&mut self) {
        const SMALL: usize = 8;
        let len = self.state.load.entries;
        if self.table().buckets() <= SMALL || len > self.table().capacity() / 4 {
            return;
        }
        if let Some(outgrown) = self.shard.root.shrink(self.guard(), len) {
            self.state.eviction.forget();
            self.state.sweeps.restart();
            self.state.garbage.retire_table(outgrown);
        }
    }

    /// Notes from now on in `listening` which entries leave.
    pub(super) fn listen(&mut self, listening: Arc<Listening<H>>) {
        self.state.listening = Some(listening);
    }

    /// Notes that an entry leaves, if somebody listens.
    fn tell(&self, entry: EntryRef<'_, H>, why: Departure) {
        if let Some(listening) = &self.state.listening {
            listening.note(entry, why);
        }
    }

    /// Removes the entry, if there is one.
    pub(super) fn remove(&mut self, existing: Option<Existing>, why: Departure) -> Load {
        existing.map_or(Load::default(), |existing| self.remove_at(existing.slot, why))
    }

    /// Removes the entry, if there is one, and counts it as expired if its time has ended.
    pub(super) fn remove_counted(&mut self, existing: Option<Existing>) -> Load {
        self.state.expired += existing.map_or(0, Existing::count_expired);
        self.remove(existing, Departure::Invalidated)
    }

    /// Notes why the entry in a slot leaves, if departures are remembered.
    fn note_departure(&self, slot: SlotIndex, cause: Cause) {
        if let Some(departures) = &self.shard.departures {
            note_entry(departures, self.table().at(self.guard(), slot), cause);
        }
    }

    /// Notes a removal of a key, if there is something to remove. The caller removes it next.
    pub(super) fn note_removal(
        &self,
        hash: u64,
        key: &[u8],
        existing: Option<Existing>,
        removing: Removing,
    ) {
        let Some(departures) = &self.shard.departures else { return };
        if removing.elsewhere || existing.is_some() || self.state.claims.has(hash, key) {
            departures.note(hash, key.len(), Cause::Invalidated(removing.by));
        }
    }

    /// Notes why entries leave, for as many as are remembered. The caller removes all of them next.
    pub(super) fn note_entries(&self, cause: Cause) {
        let Some(departures) = &self.shard.departures else { return };
        for (_, entry) in self.entries().take(departures.max()) {
            departures.note_key(entry.key(), cause);
        }
    }

    /// Notes why nothing that is being computed will be kept.
    pub(super) fn note_claims(&self, cause: Cause) {
        let Some(departures) = &self.shard.departures else { return };
        for claimed in self.claimed() {
            departures.note(claimed.claim.hash, claimed.draft.key().len(), cause);
        }
    }

    fn remove_at(&mut self, slot: SlotIndex, why: Departure) -> Load {
        let Some(removed) = self.table().remove(slot) else { return Load::default() };
        self.shard.versions.removed(removed.entry().low_hash());
        self.tell(removed.entry(), why);
        let load = Load::of(removed.entry());
        self.state.size -= removed.entry().size() as u64;
        self.state.garbage.retire(removed);
        self.state.load -= load;
        load
    }

    /// Removes the entry that the policy names, if there is any. Its place is then free for another entry.
    pub(super) fn evict(&mut self, bound: Bound) -> Load {
        let evicted = self.evict_one(bound);
        self.state.evicted += evicted.entries as u64;
        evicted
    }

    fn evict_one(&mut self, bound: Bound) -> Load {
        if !self.state.eviction.is_filed() {
            self.begin_evicting();
        }
        let pin = pin();
        let look = self.shard.look(ReadGuard::of_pin(&pin));
        let Some(slot) = self.state.eviction.take(&look) else { return Load::default() };
        // The next eviction first reads memory that is not in the processor's cache. Prefetch it now.
        let (next, after) = self.state.eviction.next();
        self.table().prefetch(self.guard(), after, next);
        self.note_departure(slot, Cause::Evicted(bound));
        self.remove_at(slot, Departure::evicted(bound))
    }

    /// Files all entries by their stamps. From now on their order is kept.
    #[cold]
    fn begin_evicting(&mut self) {
        let mut entries = Vec::with_capacity(self.state.load.entries);
        for (slot, entry) in self.entries() {
            entries.push((entry.stamp().load(Relaxed), slot.0));
        }
        let pin = pin();
        self.state.eviction.file_all(entries, &self.shard.look(ReadGuard::of_pin(&pin)));
        // If there is a bound on weight, the current number of entries is what fits into it.
        let share = (self.state.load.bytes > 0).then_some(self.state.load.entries);
        self.note_earlier(self.shard.stamps.evict(share));
    }

    /// Looks through one bucket for entries that cannot be served any more, and removes them. This is done at each
    /// insertion, so each slot is visited again after a limited number of insertions.
    pub(super) fn sweep(&mut self, expiry: &Expiry) -> Load {
        if !self.state.sweeps.is_due() {
            return Load::default();
        }
        let next = self.state.sweep_bucket + 1;
        self.state.sweep_bucket = if next < self.table().buckets() { next } else { 0 };
        self.sweep_buckets(self.state.sweep_bucket..self.state.sweep_bucket + 1, expiry, |_| ())
    }

    /// Removes the entries in these buckets that cannot be served any more. Returns what was removed, and tells `stays`
    /// from when on each other entry cannot be served.
    fn sweep_buckets(
        &mut self,
        buckets: Range<usize>,
        expiry: &Expiry,
        mut stays: impl FnMut(Millis),
    ) -> Load {
        let (now, mut swept, mut expired) = (clock::now(), Load::default(), 0);
        for slot in buckets.flat_map(Table::<H>::slots_of) {
            let Some(entry) = self.table().at(self.guard(), slot) else { continue };
            let unservable_from = expiry.unservable_from(entry);
            if unservable_from <= now {
                let why = expiry.departure(entry, now);
                let is_invalidated = why == Departure::Invalidated;
                let cause = Cause::Invalidated(Remover::Tag);
                self.note_departure(slot, if is_invalidated { cause } else { Cause::Expired });
                expired += u64::from(!is_invalidated);
                swept += self.remove_at(slot, why);
            } else {
                stays(unservable_from);
            }
        }
        self.state.expired += expired;
        swept
    }

    /// Begins to remove all entries that cannot be served any more. Returns `None` if there are none.
    pub(super) fn begin_sweep(&mut self) -> Option<Sweep> {
        let buckets = self.table().buckets();
        self.state.sweeps.is_due().then(|| self.state.sweeps.begin(buckets))
    }

    /// Makes a sweep due, because entries may end earlier than was noted.
    pub(super) fn expect_expiry(&mut self) {
        self.state.sweeps.note(0);
    }

    /// Continues with some buckets. Returns what was removed.
    pub(super) fn continue_sweep(&mut self, sweep: &mut Sweep, expiry: &Expiry) -> Load {
        let buckets = sweep.next_buckets(self.table().buckets());
        let swept = self.sweep_buckets(buckets, expiry, |expiry| sweep.note(expiry));
        self.state.sweeps.end(sweep);
        swept
    }

    /// Returns whether an entry becomes unservable some time.
    pub(super) fn has_expiring(&self) -> bool {
        self.state.sweeps.has_expiring()
    }

    /// Returns the memory that the entries take, in bytes.
    pub(super) fn size(&self) -> u64 {
        self.state.size
    }

    /// Returns how many entries were evicted, and how many were removed after their expiry time.
    pub(super) fn removed(&self) -> (u64, u64) {
        (self.state.evicted, self.state.expired)
    }

    /// Removes all entries.
    pub(super) fn clear(&mut self) -> Load {
        if let Some(listening) = &self.state.listening {
            self.entries().for_each(|(_, entry)| listening.note(entry, Departure::Cleared));
        }
        if let Some(table) = self.shard.root.empty() {
            self.state.garbage.retire_table(table);
        }
        self.shard.versions.all_removed();
        self.state.eviction.forget();
        self.state.size = 0;
        std::mem::take(&mut self.state.load)
    }

    pub(super) fn entries(&self) -> Entries<'_, H> {
        self.table().iter(self.guard())
    }

    /// Returns what can be freed, if it is time to try. Freeing needs a system call, so many entries are freed
    /// together. Values that may be large are freed in smaller batches, so that they do not hold much memory.
    pub(super) fn take_garbage(&mut self) -> Option<Freed<H>> {
        let due = self.batch_size();
        if self.state.garbage.is_due(due, self.state.load.bytes / 8) {
            return Some(self.collect());
        }
        self.state.garbage.has_waiting().then(|| self.state.garbage.collect_waiting())
    }

    /// Returns how many entries are freed together. Smaller for values with a `Drop`, because these may be large.
    fn batch_size(&self) -> usize {
        let entries = self.state.load.entries;
        if std::mem::needs_drop::<H>() {
            (entries / 8).clamp(1, *BATCH_SIZES.start())
        } else {
            (entries / 16).clamp(*BATCH_SIZES.start(), *BATCH_SIZES.end())
        }
    }

    #[cold]
    fn collect(&mut self) -> Freed<H> {
        let mut freed = self.state.garbage.collect();
        if !std::mem::needs_drop::<H>() {
            // Dropping these values runs no code of the user, and the next insertions need this many drafts.
            while self.state.free_list.len() < self.batch_size() {
                let Some(entry) = freed.pop() else { break };
                self.state.free_list.keep(entry.into_draft());
            }
        }
        freed
    }

    /// Returns a draft of an entry.
    pub(super) fn draft(&mut self, hash: u64, key: &[u8], words: Words) -> Draft<H> {
        self.state.free_list.draft(hash, key, words)
    }

    /// Returns whether something that was removed waits for readers.
    pub(super) fn has_waiting(&self) -> bool {
        self.state.garbage.has_waiting()
    }

    pub(super) fn collect_waiting(&mut self) -> Freed<H> {
        self.state.garbage.collect_waiting()
    }

    pub(super) fn load(&self) -> Load {
        self.state.load
    }

    /// Returns what can be freed of all that was removed.
    pub(super) fn take_all_garbage(&mut self) -> Freed<H> {
        self.state.garbage.collect()
    }

    pub(super) fn claims(&mut self) -> &mut Claims<H> {
        &mut self.state.claims
    }

    pub(super) fn retries(&mut self) -> &mut Retries {
        &mut self.state.retries
    }

    /// Returns the state of `claim`, unless the claim has ended or its key was invalidated.
    pub(super) fn valid_claim(&self, claim: Claim) -> Option<&ClaimState<H>> {
        self.state.claims.get(claim)
    }

    /// Returns the entry that the value of `claim` is to replace, unless the claim has ended or its key was
    /// invalidated.
    pub(super) fn entry_before(&self, claim: Claim) -> Option<EntryRef<'_, H>> {
        self.find(claim.hash, self.valid_claim(claim)?.draft.key())
    }

    /// Returns whether a value of `key` is being computed, or was attempted so recently that the next attempt waits.
    pub(super) fn has_attempt(&self, hash: u64, key: &[u8]) -> bool {
        self.state.claims.has(hash, key) || self.state.retries.is_postponed(hash, clock::now())
    }

    /// Returns the claims that are not invalidated.
    pub(super) fn claimed(&self) -> impl Iterator<Item = &ClaimState<H>> {
        self.state.claims.iter()
    }
}
