//! A part of a cache: a table that hits read without a lock, and behind a lock what they do not need: the claims on
//! its keys, the order of eviction, what waits to be freed.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};

use super::capacity::{EXACT, Load};
use super::claims::{ClaimState, Claims};
use super::entry::{Draft, Entry, EntryRef, OwnedEntry};
use super::expiry::{Expiry, stamp_of};
use super::free_list::FreeList;
use super::garbage::{Freed, Garbage};
use super::recency::Recency;
use super::table::{Entries, Place, ReadGuard, Root, Table};
use crate::epoch::participant::pin;
use crate::key;
use crate::platform::clock::{self, Millis, NEVER};
use crate::platform::sync::{Mutex, MutexGuard};
use crate::single_flight::flight::Claim;

/// In how many steps a full shard counts as many uses as it has entries.
const STEPS: usize = 64;
/// For so many steps an entry that was used is not marked again, once entries are evicted; for none in a small shard.
const LAZY: usize = 4;

/// So many entries are freed together: few of a small shard, and more of a large one.
const BATCH: std::ops::RangeInclusive<usize> = 128..=512;

#[repr(align(128))]
struct Padded<T>(T);

#[repr(align(128))]
pub(super) struct Shard<H> {
    root: Root<H>,
    /// The stamp of the next use.
    uses: AtomicU64,
    /// Every use has a stamp of its own; else they are counted in steps. Until the shard outgrows [`EXACT`] entries.
    exact: AtomicBool,
    /// An entry that was marked is not marked again while no more than so many later stamps are in use.
    lazy: AtomicU64,
    /// Entries were evicted, or may be before it is known how many there is room for.
    evicts: AtomicBool,
    /// The shard's part of the bound.
    share: AtomicUsize,
    /// Uses since `uses` last moved. On a line of its own: written far more often than the rest.
    since: Padded<AtomicU64>,
    own: Padded<Mutex<ShardState<H>>>,
}

/// What the one who has the lock may change.
pub(super) struct ShardState<H> {
    claims: Claims<H>,
    recency: Recency,
    garbage: Garbage<H>,
    /// Entries without values, for those to come.
    free_list: FreeList<H>,
    load: Load,
    /// Did an entry ever come that can expire?
    mortal: bool,
    /// The next bucket to look through for expired entries.
    hand: usize,
    evicted: u64,
    /// Removed after their end.
    expired: u64,
}

/// An entry that is there, for as long as its shard is locked and nothing is inserted or removed.
#[derive(Clone, Copy)]
pub(super) struct Known {
    place: Place,
    pub(super) weight: u64,
    /// Its time has ended.
    pub(super) over: bool,
}

/// A shard that is locked.
pub(super) struct Locked<'a, H> {
    shard: &'a Shard<H>,
    own: MutexGuard<'a, ShardState<H>>,
}

impl<H> Shard<H> {
    /// `share` of the bound on entries is its own; `weighed`: there is one on weight as well.
    pub(super) fn new(exact: bool, share: usize, weighed: bool) -> Self {
        let own = ShardState {
            claims: Claims::new(),
            recency: Recency::new(),
            garbage: Garbage::new(),
            free_list: FreeList::new(),
            load: Load::default(),
            mortal: false,
            hand: 0,
            evicted: 0,
            expired: 0,
        };
        let shard = Self {
            root: Root::new(),
            uses: AtomicU64::new(1),
            exact: AtomicBool::new(exact),
            lazy: AtomicU64::new(0),
            evicts: AtomicBool::new(weighed),
            share: AtomicUsize::new(share),
            since: Padded(AtomicU64::new(0)),
            own: Padded(Mutex::new(own)),
        };
        shard.set_lazy();
        shard
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

    /// Marks `entry` as used now. A larger shard counts in steps of a 64th of its entries, and an entry that was marked
    /// some steps ago or less is not marked again, so that a hot one is not written at every hit, and none in a cache
    /// that never fills; entries used in one step are equally recent.
    #[inline]
    pub(super) fn touch(&self, guard: ReadGuard<'_>, entry: &Entry<H>) {
        // A later one is that of a use by another thread meanwhile.
        if entry.stamp().load(Relaxed) + self.lazy.load(Relaxed) < self.uses.load(Relaxed) {
            self.mark(entry, self.root.read(guard).capacity());
        }
    }

    #[cold]
    fn mark(&self, entry: &Entry<H>, capacity: usize) {
        if self.exact.load(Relaxed) {
            entry.stamp().fetch_max(self.uses.fetch_add(1, Relaxed), Relaxed);
        } else {
            entry.stamp().store(self.uses.load(Relaxed), Relaxed);
            self.step(capacity);
        }
    }

    /// Has stamps from here on be of this time or later: where entries can be idle for too long, a stamp says when an
    /// entry was used as well as in which order.
    pub(super) fn tick(&self, now: Millis) {
        let first = stamp_of(now);
        if self.uses.load(Relaxed) < first {
            self.uses.fetch_max(first, Relaxed);
        }
    }

    /// Counts a use. One that is lost to another thread makes the step a little longer, no more.
    fn step(&self, capacity: usize) {
        let since = self.since.0.load(Relaxed) + 1;
        let full = self.share.load(Relaxed).min(4 * capacity);
        if since * STEPS as u64 > full as u64 {
            self.since.0.store(0, Relaxed);
            self.uses.fetch_add(1, Relaxed);
        } else {
            self.since.0.store(since, Relaxed);
        }
    }

    /// Tells the shard its part of the bound.
    pub(super) fn set_share(&self, share: usize) {
        self.share.store(share, Relaxed);
        self.set_lazy();
    }

    /// Until entries are evicted nobody need tell those in the more recently used half from one another; then the
    /// order counts, but for a few steps. In a small shard each use is a step, and counts, unless it is of the entry that
    /// was used last.
    fn set_lazy(&self) {
        let share = self.share.load(Relaxed);
        let lazy = if self.exact.load(Relaxed) {
            1
        } else if self.evicts.load(Relaxed) {
            (share / STEPS).min(LAZY)
        } else {
            (share / 2 / (share / STEPS + 1)).saturating_sub(1)
        };
        self.lazy.store(lazy as u64, Relaxed);
    }

    pub(super) fn lock(&self) -> Locked<'_, H> {
        Locked { shard: self, own: self.own.0.lock() }
    }
}

impl<H> Locked<'_, H> {
    #[allow(unsafe_code)]
    pub(super) fn guard(&self) -> ReadGuard<'_> {
        // SAFETY: where it is used it is for this shard's table, from which entries go to this garbage.
        unsafe { ReadGuard::of_shard_lock(&self.own.garbage) }
    }

    fn table(&self) -> &Table<H> {
        self.shard.root.read(self.guard())
    }

    pub(super) fn find(&self, hash: u64, key: &[u8]) -> Option<EntryRef<'_, H>> {
        Some(self.locate(hash, key)?.1)
    }

    /// The entry of `key`.
    pub(super) fn known(&self, hash: u64, key: &[u8], expiry: &Expiry) -> Option<Known> {
        let (place, entry) = self.locate(hash, key)?;
        Some(Known { place, weight: entry.weight(), over: expiry.is_expired(entry.entry()) })
    }

    // Built once for both.
    #[inline(never)]
    fn locate(&self, hash: u64, key: &[u8]) -> Option<(Place, EntryRef<'_, H>)> {
        self.table().find(self.guard(), hash, |stored| key::same(stored, key))
    }

    /// Puts an entry in the place of the one with its key, which is `known`, or of none.
    pub(super) fn insert(&mut self, hash: u64, node: OwnedEntry<H>, known: Option<Known>) {
        let load = Load::of(node.shared());
        self.own.mortal |= node.shared().expires() != NEVER;
        let stamp = self.stamp();
        node.shared().stamp().store(stamp, Relaxed);
        if let Some(Known { place, over, .. }) = known {
            if let Some(before) = self.table().replace(place, node) {
                self.own.load -= Load::of(before.entry());
                self.own.garbage.retire(before);
            }
            self.own.load += load;
            self.own.expired += u64::from(over);
            return;
        }
        if self.own.load.entries == self.table().capacity() {
            self.grow();
        }
        let place = self.table().insert(hash, node);
        self.own.load += load;
        let len = self.own.load.entries;
        self.own.recency.record(stamp, place, len);
    }

    #[cold]
    fn grow(&mut self) {
        self.own.recency.forget();
        if self.own.load.entries > EXACT {
            self.shard.exact.store(false, Relaxed);
            self.shard.set_lazy();
        }
        if let Some(outgrown) = self.shard.root.grow(self.guard()) {
            self.own.garbage.retire_table(outgrown);
        }
    }

    /// The stamp of an insertion.
    fn stamp(&self) -> u64 {
        if self.shard.exact.load(Relaxed) {
            return self.shard.uses.fetch_add(1, Relaxed);
        }
        self.shard.step(self.table().capacity());
        self.shard.uses.load(Relaxed)
    }

    /// Removes an entry, if there is one.
    pub(super) fn remove(&mut self, known: Option<Known>) -> Load {
        known.map_or(Load::default(), |known| self.remove_at(known.place))
    }

    fn remove_at(&mut self, place: Place) -> Load {
        let Some(removed) = self.table().remove(place) else { return Load::default() };
        let load = Load::of(removed.entry());
        self.own.garbage.retire(removed);
        self.own.load -= load;
        load
    }

    /// Removes the least recently used entry, if there is any; its place is then free for another.
    pub(super) fn evict(&mut self) -> Load {
        let evicted = self.evict_oldest();
        self.own.evicted += evicted.entries as u64;
        evicted
    }

    fn evict_oldest(&mut self) -> Load {
        if !self.own.recency.is_complete() {
            self.begin_evicting();
        }
        let (shard, pin) = (self.shard, pin());
        let guard = ReadGuard::of_pin(&pin);
        let stamp_at = |place| Some(shard.root.read(guard).at(guard, place)?.stamp().load(Relaxed));
        let Some(oldest) = self.own.recency.take(&stamp_at) else { return Load::default() };
        // What the next eviction looks at first is far from the processor: have it come by then.
        let (next, after) = self.own.recency.next();
        self.table().prefetch(self.guard(), after, next);
        self.remove_at(oldest)
    }

    /// Files all entries by their stamps, from where on order counts.
    #[cold]
    fn begin_evicting(&mut self) {
        let mut entries = Vec::with_capacity(self.own.load.entries);
        for (place, entry) in self.entries() {
            entries.push((entry.stamp().load(Relaxed), place.0));
        }
        self.own.recency.complete(entries);
        self.shard.evicts.store(true, Relaxed);
        self.shard.set_lazy();
        if self.own.load.bytes > 0 {
            // The bound is on weight: this many are what it comes to.
            self.shard.set_share(self.own.load.entries);
        }
    }

    /// Looks through one bucket for entries that nobody will be given any more, and removes them: done at each insertion,
    /// this passes every place in a time bounded by the insertions.
    pub(super) fn sweep(&mut self, expiry: &Expiry) -> Load {
        if !self.own.mortal && !expiry.has_idle_limit() {
            return Load::default();
        }
        self.sweep_at(clock::now(), expiry)
    }

    fn sweep_at(&mut self, now: Millis, expiry: &Expiry) -> Load {
        let mut swept = Load::default();
        let next = self.own.hand + 1;
        self.own.hand = if next < self.table().buckets() { next } else { 0 };
        for place in self.table().places(self.own.hand) {
            let entry = self.table().at(self.guard(), place);
            if entry.is_some_and(|entry| expiry.is_gone(entry.entry(), now)) {
                swept += self.remove_at(place);
            }
        }
        self.own.expired += swept.entries as u64;
        swept
    }

    /// Entries that were evicted, and those that were removed after their end.
    pub(super) fn removed(&self) -> (u64, u64) {
        (self.own.evicted, self.own.expired)
    }

    /// Takes out everything.
    pub(super) fn clear(&mut self) -> Load {
        if let Some(table) = self.shard.root.empty() {
            self.own.garbage.retire_table(table);
        }
        self.own.recency.forget();
        std::mem::take(&mut self.own.load)
    }

    pub(super) fn shorten_lifetimes(&mut self, by: Millis, latest: Millis) {
        let mut mortal = false;
        for (_, entry) in self.entries() {
            let by = if entry.expires() == NEVER { 0 } else { by };
            let expires = entry.expires().saturating_sub(by).min(latest);
            mortal |= expires != NEVER;
            entry.set_expires(expires);
        }
        self.own.mortal |= mortal;
    }

    pub(super) fn entries(&self) -> Entries<'_, H> {
        self.table().iter(self.guard())
    }

    /// What can be freed of what was taken out, if that is worth a look by now. Freeing takes a system call, so it is
    /// done for many at once; values that may be large are not held back in a number that matters.
    pub(super) fn take_garbage(&mut self) -> Option<Freed<H>> {
        let due = self.batch();
        if self.own.garbage.is_due(due, self.own.load.bytes / 8) {
            return Some(self.collect());
        }
        self.own.garbage.has_waiting().then(|| self.own.garbage.collect_waiting())
    }

    /// How many entries are freed together: of values that may be large not so many that it matters.
    fn batch(&self) -> usize {
        let entries = self.own.load.entries;
        if std::mem::needs_drop::<H>() {
            (entries / 8).clamp(1, *BATCH.start())
        } else {
            (entries / 16).clamp(*BATCH.start(), *BATCH.end())
        }
    }

    #[cold]
    fn collect(&mut self) -> Freed<H> {
        let mut freed = self.own.garbage.collect();
        if !std::mem::needs_drop::<H>() {
            // To drop them runs no code of anyone's, and the next insertions need as many.
            while self.own.free_list.len() < self.batch() {
                let Some(node) = freed.pop() else { break };
                self.own.free_list.keep(node.into_draft());
            }
        }
        freed
    }

    /// An entry to be.
    pub(super) fn draft(&mut self, hash: u64, key: &[u8], weighed: bool) -> Draft<H> {
        self.own.free_list.draft(hash, key, weighed)
    }

    /// Does anything that was taken out wait for readers?
    pub(super) fn has_waiting(&self) -> bool {
        self.own.garbage.has_waiting()
    }

    pub(super) fn collect_waiting(&mut self) -> Freed<H> {
        self.own.garbage.collect_waiting()
    }

    pub(super) fn load(&self) -> Load {
        self.own.load
    }

    /// What can be freed of what was taken out.
    pub(super) fn take_all_garbage(&mut self) -> Freed<H> {
        self.own.garbage.collect()
    }

    pub(super) fn claims(&mut self) -> &mut Claims<H> {
        &mut self.own.claims
    }

    /// This very claim, unless it has ended or its key was invalidated.
    pub(super) fn standing(&self, claim: Claim) -> Option<&ClaimState<H>> {
        self.own.claims.get(claim)
    }

    /// Is a value of `key` being computed?
    pub(super) fn is_claimed(&self, hash: u64, key: &[u8]) -> bool {
        self.own.claims.has(hash, key)
    }

    /// Claims that stand.
    pub(super) fn claimed(&self) -> impl Iterator<Item = &ClaimState<H>> {
        self.own.claims.iter()
    }
}
