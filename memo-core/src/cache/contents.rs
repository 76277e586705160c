//! What a cache holds: how many entries, how large they are, and walks over them.

use std::sync::atomic::Ordering::Relaxed;

use super::entry::Lifetime;
use super::shard::Locked;
use super::sharded::ShardedCache;
use crate::key::{KeyBytes, Tag};
use crate::platform::{clock, sort};
use crate::tags::TagSet;

/// Up to this many entries are looked at one by one for the statistics.
const FEW: usize = 4096;

impl<H: Clone> ShardedCache<H> {
    /// Calls `f` for the entries that may be served, also stale, announced ones included, while no lock is held: shard by
    /// shard, in each shard the least recently used first.
    pub(crate) fn for_each(&self, f: &mut dyn FnMut(&EntryCopy<H>)) {
        for shard in &self.shards {
            let live = self.servable_entries(&shard.lock());
            let mut order: Vec<(u64, u32)> =
                live.iter().map(|copied| copied.stamp).zip(0..).collect();
            sort::sort(&mut order);
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

    fn servable_entries(&self, shard: &Locked<'_, H>) -> Vec<EntryCopy<H>> {
        let mut live = Vec::with_capacity(shard.load().entries);
        let now = clock::now();
        for (_, e) in shard.entries() {
            if self.expiry.unservable_from(e) > now {
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
