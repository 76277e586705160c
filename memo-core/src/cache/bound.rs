//! The bound on a cache's entries: insertions take a place or make one.

use std::sync::atomic::Ordering::Relaxed;

use super::Cache;
use super::limbo::Freed;
use super::node::Node;
use super::shard::{Locked, Shard};
use crate::lane::pin;

impl<H: Clone> Cache<H> {
    /// Inserts `node` if `allowed` says so under the lock, within the bound; says whether it was inserted.
    pub(super) fn place(
        &self,
        hash: u64,
        node: Node<H>,
        mut allowed: impl FnMut(&mut Locked<'_, H>) -> bool,
    ) -> (bool, Option<Freed<H>>) {
        if self.max() == 0 {
            allowed(&mut self.shard(hash).lock());
            return (false, None);
        }
        let mut promised = self.promise();
        let mut shard = self.shard(hash).lock();
        let mut known = shard.place(&pin(), hash, node.shared().key());
        if known.is_none() && !promised {
            // From its own shard, unless that holds far less than its share: after the bound was lowered.
            let share = self.count.load(Relaxed) / (2 * self.shards.len());
            promised = shard.len() >= share && shard.evict();
            if !promised {
                drop(shard);
                promised = self.evict_anywhere() || self.promise();
                shard = self.shard(hash).lock();
                known = shard.place(&pin(), hash, node.shared().key());
            }
        }
        let allowed = allowed(&mut shard) && (known.is_some() || promised);
        if allowed {
            if shard.insert(hash, node, known) && promised {
                self.count.fetch_sub(1, Relaxed);
            }
            let swept = shard.sweep(self.stale);
            if swept > 0 {
                self.count.fetch_sub(swept, Relaxed);
            }
            // The bound may have been lowered since a place was promised.
            if self.count.load(Relaxed) > self.max() && shard.evict() {
                self.count.fetch_sub(1, Relaxed);
            }
        } else if promised {
            self.count.fetch_sub(1, Relaxed);
        }
        // What is freed is dropped with no lock held: it runs its owner's `Drop`.
        let waste = shard.waste();
        let crowded = shard.waits();
        drop(shard);
        if crowded {
            // Some reader was interrupted, or is slow: give it time, or dead entries gather.
            std::thread::yield_now();
        }
        (allowed, waste)
    }

    /// Takes a place within the bound, if there is one.
    fn promise(&self) -> bool {
        let max = self.max();
        self.count.fetch_update(Relaxed, Relaxed, |n| (n < max).then_some(n + 1)).is_ok()
    }

    /// Evicts one entry from the fullest shard, or from any.
    fn evict_anywhere(&self) -> bool {
        let evict = |shard| self.change(shard, |shard| shard.evict());
        let fullest = self.shards.iter().max_by_key(|shard| shard.lock().len());
        fullest.is_some_and(evict) || self.shards.iter().any(evict)
    }

    /// Changes a shard, and frees what that took out, or soon after.
    pub(super) fn change<R>(
        &self,
        shard: &Shard<H>,
        change: impl FnOnce(&mut Locked<'_, H>) -> R,
    ) -> R {
        let mut locked = shard.lock();
        let result = change(&mut locked);
        let waste = locked.all_waste();
        drop(locked);
        drop(waste);
        Self::await_readers(shard);
        result
    }

    /// Gives those a moment who are still looking at what was taken out, since nothing may come by later that would.
    pub(super) fn await_readers(shard: &Shard<H>) {
        const MOMENT: usize = 8;
        for _ in 0..MOMENT {
            let mut locked = shard.lock();
            let waste = locked.retry();
            let waits = locked.waits();
            drop(locked);
            drop(waste);
            if !waits {
                break;
            }
            std::thread::yield_now();
        }
    }

    /// Changes the bound, and evicts what is above it.
    pub(crate) fn set_max(&self, max: usize) {
        self.max.store(max, Relaxed);
        self.shards.iter().for_each(|shard| shard.set_share(max / self.shards.len()));
        let mut shards = self.shards.iter().cycle();
        let mut empty = 0;
        while self.count.load(Relaxed) > max && empty < self.shards.len() {
            let Some(shard) = shards.next() else { break };
            let evicted = shard.lock().evict();
            empty = if evicted { 0 } else { empty + 1 };
            self.count.fetch_sub(usize::from(evicted), Relaxed);
        }
        self.shards.iter().for_each(|shard| self.change(shard, |_| ()));
    }
}
