//! How entries leave on request, or because they are over.

use std::sync::atomic::Ordering::Relaxed;

use super::capacity::Load;
use super::departures::Removing;
#[cfg(feature = "persist")]
use super::entry::Lifetime;
use super::shard::{Locked, Shard};
use super::sharded::ShardedCache;
use crate::platform::clock::{self, Millis};
#[cfg(feature = "persist")]
use crate::statistics::departure::Departure;
use crate::statistics::explanation::{Cause, Remover};
use crate::tags;

impl<H: Clone> ShardedCache<H> {
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
    pub(super) fn clear_locked(&self, locked: &mut [Locked<'_, H>], by: Remover) -> Load {
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

    pub(super) fn expect_expiry(&self) {
        self.shards.iter().for_each(|shard| shard.lock().expect_expiry());
    }
}
