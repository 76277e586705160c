//! A part of a cache under one lock: a table of indexes into a slab, recency, and the flights of its keys.
//!
//! Recency is exact LRU without a list. A hit writes a stamp, under the shared lock. To evict, the oldest eighth by
//! stamp is sorted into a queue and taken from its front; an entry used since has another stamp and is passed over.
//! What is taken is the least recently used: whatever is not in the queue was used later than all that was in it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use hashbrown::HashTable;

use super::entry::{Entry, Slab};
use crate::clock::{Millis, NEVER};
use crate::flight::Flight;
use crate::key;

pub(super) struct Shard<H> {
    table: HashTable<u32>,
    slab: Slab<H>,
    pub(super) flights: HashTable<Arc<Flight<H>>>,
    /// Candidates for eviction with the stamp they had, the oldest last.
    queue: Vec<(u64, u32)>,
    /// The stamp of the next use.
    uses: AtomicU64,
    /// Hits since `uses` last moved, in a shard whose recency is counted in steps.
    since: AtomicU64,
    /// The next place to look at for an expired entry.
    hand: u32,
}

impl<H> Shard<H> {
    pub(super) fn new() -> Self {
        Self {
            table: HashTable::new(),
            slab: Slab::new(),
            flights: HashTable::new(),
            queue: Vec::new(),
            uses: AtomicU64::new(1),
            since: AtomicU64::new(0),
            hand: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    #[inline]
    pub(super) fn find(&self, hash: u64, matches: impl Fn(&[u8]) -> bool) -> Option<&Entry<H>> {
        let slab = &self.slab;
        let same = |index: &u32| {
            slab.get(*index).is_some_and(|e| e.hash == hash && matches(e.key.as_slice()))
        };
        slab.get(*self.table.find(hash, same)?)
    }

    /// Marks `entry` as used now. A larger shard counts in steps of a 16th of its entries, so that a hot entry is
    /// written once a step and not at every hit; entries used in one step are equally recent.
    #[inline]
    pub(super) fn touch(&self, entry: &Entry<H>, exact: bool) {
        if exact {
            entry.stamp.fetch_max(self.uses.fetch_add(1, Relaxed), Relaxed);
            return;
        }
        let now = self.uses.load(Relaxed);
        if entry.stamp() != now {
            entry.stamp.store(now, Relaxed);
            // A count lost to another thread makes the step a little longer, no more.
            let since = self.since.load(Relaxed) + 1;
            self.since.store(since, Relaxed);
            if since * 16 > self.table.len() as u64 {
                self.since.store(0, Relaxed);
                self.uses.fetch_add(1, Relaxed);
            }
        }
    }

    /// A stamp between all that were given and all that will be.
    fn next_use(&mut self) -> u64 {
        let uses = self.uses.get_mut();
        *uses += 2;
        *uses - 1
    }

    /// Puts `entry` in the place of the one with its key, which is returned, or of none.
    pub(super) fn insert(&mut self, mut entry: Entry<H>) -> Option<Entry<H>> {
        *entry.stamp.get_mut() = self.next_use();
        if let Some(index) = self.index_of(entry.hash, entry.key.as_slice()) {
            return Some(std::mem::replace(self.slab.get_mut(index)?, entry));
        }
        let hash = entry.hash;
        let index = self.slab.insert(entry);
        let slab = &self.slab;
        self.table.insert_unique(hash, index, |&i| slab.get(i).map_or(0, |e| e.hash));
        None
    }

    fn index_of(&self, hash: u64, key: &[u8]) -> Option<u32> {
        let slab = &self.slab;
        let same = |i: &u32| {
            slab.get(*i).is_some_and(|e| e.hash == hash && key::same(e.key.as_slice(), key))
        };
        self.table.find(hash, same).copied()
    }

    pub(super) fn remove(&mut self, hash: u64, key: &[u8]) -> Option<Entry<H>> {
        let index = self.index_of(hash, key)?;
        self.remove_at(index)
    }

    fn remove_at(&mut self, index: u32) -> Option<Entry<H>> {
        let entry = self.slab.remove(index)?;
        if let Ok(found) = self.table.find_entry(entry.hash, |&i| i == index) {
            found.remove();
        }
        Some(entry)
    }

    /// Takes out the least recently used entry.
    pub(super) fn evict(&mut self) -> Option<Entry<H>> {
        loop {
            while let Some((stamp, index)) = self.queue.pop() {
                if self.slab.get(index).is_some_and(|entry| entry.stamp() == stamp) {
                    return self.remove_at(index);
                }
            }
            if self.table.is_empty() {
                return None;
            }
            self.fill_queue();
        }
    }

    fn fill_queue(&mut self) {
        // A use from now on must differ from every stamp in the queue.
        self.next_use();
        self.queue.extend(self.slab.iter().map(|(index, entry)| (entry.stamp(), index)));
        let wanted = (self.queue.len() / 8).max(16);
        if wanted < self.queue.len() {
            self.queue.select_nth_unstable(wanted);
            self.queue.truncate(wanted);
        }
        self.queue.sort_unstable_by(|a, b| b.cmp(a));
        if self.queue.capacity() > 4 * wanted {
            self.queue.shrink_to(wanted);
        }
    }

    /// Looks at a few places and takes out an entry that has expired: done at each insertion, this passes every place
    /// in a time bounded by the insertions.
    pub(super) fn sweep(&mut self, now: Millis) -> Option<Entry<H>> {
        const LOOKS: u32 = 4;
        let places = self.slab.places();
        for _ in 0..LOOKS.min(places) {
            self.hand = if self.hand + 1 < places { self.hand + 1 } else { 0 };
            if self.slab.get(self.hand).is_some_and(|e| e.expires != NEVER && e.expires <= now) {
                return self.remove_at(self.hand);
            }
        }
        None
    }

    pub(super) fn take_all(&mut self) -> (Slab<H>, HashTable<Arc<Flight<H>>>) {
        self.table.clear();
        self.queue.clear();
        let slab = std::mem::replace(&mut self.slab, Slab::new());
        (slab, std::mem::take(&mut self.flights))
    }

    pub(super) fn shorten(&mut self, by: Millis, latest: Millis) {
        for entry in self.slab.iter_mut() {
            let by = if entry.expires == NEVER { 0 } else { by };
            entry.expires = entry.expires.saturating_sub(by).min(latest);
        }
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = &Entry<H>> {
        self.slab.iter().map(|(_, entry)| entry)
    }

    pub(super) fn flight(&self, hash: u64, key: &[u8]) -> Option<&Arc<Flight<H>>> {
        self.flights.find(hash, |f| f.hash == hash && key::same(f.key.as_slice(), key))
    }

    pub(super) fn register(&mut self, flight: Arc<Flight<H>>) {
        self.flights.insert_unique(flight.hash, flight, |f| f.hash);
    }

    /// Ends the registration of this very flight; false when it had ended before.
    pub(super) fn unregister(&mut self, flight: &Arc<Flight<H>>) -> bool {
        match self.flights.find_entry(flight.hash, |f| Arc::ptr_eq(f, flight)) {
            Ok(found) => {
                found.remove();
                true
            }
            Err(_) => false,
        }
    }

    /// Ends the registration of whatever flight has this key.
    pub(super) fn unregister_key(&mut self, hash: u64, key: &[u8]) -> bool {
        match self.flights.find_entry(hash, |f| f.hash == hash && key::same(f.key.as_slice(), key))
        {
            Ok(found) => {
                found.remove();
                true
            }
            Err(_) => false,
        }
    }
}
