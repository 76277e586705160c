//! Holds entries and tables that left the table, until they are freed.
#![allow(unsafe_code)]

use super::entry::OwnedEntry;
use super::table::{Retired, RetiredTable};
use crate::epoch::participant;

/// What left the table of a shard and is not freed yet.
pub(super) struct Garbage<H> {
    retired: Vec<RetiredItem<H>>,
    /// Retired earlier. Each list has the epoch that must be over before the list is freed.
    waiting: Vec<(u64, Vec<RetiredItem<H>>)>,
    /// Whether there is a table in `retired`. A table takes as much memory as many entries.
    has_table: bool,
    /// The sum of the weights in `retired`.
    weight: u64,
    /// The memory of the entries in `retired`, in bytes.
    memory: usize,
}

/// At most this many retired items get room in advance. Otherwise a cache that was emptied would keep room for as many.
const MAX_RESERVED: usize = 512;

/// If the retired entries take more bytes than this, they are freed without waiting for a full batch.
const MAX_MEMORY: usize = 256 << 10;

enum RetiredItem<H> {
    Entry(Retired<H>),
    Table(RetiredTable<H>),
}

/// Entries that no reader can reach any more. They are dropped while no lock is held, because this runs the values'
/// `Drop`.
#[must_use = "it must be dropped while no lock is held"]
pub(crate) struct Freed<H>(Vec<OwnedEntry<H>>);

impl<H> Freed<H> {
    /// Removes and returns one of the entries.
    pub(super) fn pop(&mut self) -> Option<OwnedEntry<H>> {
        self.0.pop()
    }
}

impl<H> Garbage<H> {
    pub(super) const fn new() -> Self {
        Self { retired: Vec::new(), waiting: Vec::new(), has_table: false, weight: 0, memory: 0 }
    }

    pub(super) fn retire(&mut self, entry: Retired<H>) {
        self.weight = self.weight.saturating_add(entry.entry().weight());
        self.memory += entry.entry().size();
        self.retired.push(RetiredItem::Entry(entry));
    }

    pub(super) fn retire_table(&mut self, table: RetiredTable<H>) {
        self.retired.push(RetiredItem::Table(table));
        self.has_table = true;
    }

    /// Returns whether it is time to collect: at least `entries` entries were retired since the last collection, or
    /// more than `weight`, or more than [`MAX_MEMORY`], or a table, which takes as much memory.
    pub(super) fn is_due(&self, entries: usize, weight: u64) -> bool {
        self.has_table
            || self.retired.len() >= entries
            || self.weight > weight
            || self.memory > MAX_MEMORY
    }

    /// Returns whether something waits for readers.
    pub(super) fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Ends an epoch, and returns what no reader can reach any more. If the calling thread is pinned, nothing is freed.
    pub(super) fn collect(&mut self) -> Freed<H> {
        if self.retired.is_empty() {
            return self.collect_waiting();
        }
        let Some((ended, oldest)) = participant::advance() else { return Freed(Vec::new()) };
        (self.has_table, self.weight, self.memory) = (false, 0, 0);
        let next = Vec::with_capacity(self.retired.len().min(MAX_RESERVED));
        self.waiting.push((ended, std::mem::replace(&mut self.retired, next)));
        self.reclaim_before(oldest)
    }

    /// Like [`Self::collect`], but only for what waits already. Its epoch has ended, so no epoch is ended here.
    pub(super) fn collect_waiting(&mut self) -> Freed<H> {
        if self.has_waiting() {
            self.reclaim_before(participant::oldest())
        } else {
            Freed(Vec::new())
        }
    }

    fn reclaim_before(&mut self, oldest: u64) -> Freed<H> {
        let mut entries = Vec::new();
        self.waiting.retain_mut(|(epoch, items)| {
            let in_use = *epoch >= oldest;
            if !in_use {
                reclaim(std::mem::take(items), &mut entries);
            }
            in_use
        });
        Freed(entries)
    }
}

impl<H> Drop for Garbage<H> {
    /// A garbage is dropped together with its shard, so there are no readers.
    fn drop(&mut self) {
        let mut entries = Vec::new();
        for (_, items) in self.waiting.drain(..) {
            reclaim(items, &mut entries);
        }
        reclaim(std::mem::take(&mut self.retired), &mut entries);
    }
}

/// Called only for what no reader can reach any more, or when the shard is dropped. The entries are collected in a
/// list, because a list drops the other entries even if one `Drop` panics.
fn reclaim<H>(items: Vec<RetiredItem<H>>, entries: &mut Vec<OwnedEntry<H>>) {
    entries.reserve(items.len());
    for item in items {
        match item {
            // SAFETY: there are no readers, as stated above.
            RetiredItem::Entry(entry) => entries.push(unsafe { entry.into_entry() }),
            // SAFETY: likewise.
            RetiredItem::Table(table) => entries.extend(unsafe { table.into_entries() }),
        }
    }
}
