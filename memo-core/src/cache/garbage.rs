//! Where entries are between being taken out of sight and being freed.
#![allow(unsafe_code)]

use super::entry::OwnedEntry;
use super::table::{Retired, RetiredTable};
use crate::epoch::participant;

/// What was taken out of sight since the last grace, and what waits for readers from before one.
pub(super) struct Garbage<H> {
    retired: Vec<RetiredItem<H>>,
    /// With the epoch that must be over.
    waiting: Vec<(u64, Vec<RetiredItem<H>>)>,
    /// There is a table among what is fresh: as large as many entries.
    has_table: bool,
    /// The weight of what is fresh.
    weight: u64,
    /// The memory that it takes.
    memory: usize,
}

/// More memory than this does not wait for others to be freed with.
const MAX_MEMORY: usize = 256 << 10;

enum RetiredItem<H> {
    Entry(Retired<H>),
    Table(RetiredTable<H>),
}

/// What nobody looks at any more, to be dropped with no lock held: its owners' `Drop` runs.
#[must_use = "to be dropped with no lock held"]
pub(crate) struct Freed<H>(Vec<OwnedEntry<H>>);

impl<H> Freed<H> {
    /// Takes out one of those left.
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

    /// Were so many entries retired since the last grace, or more than so much weight, or much memory, as a table is?
    pub(super) fn is_due(&self, entries: usize, weight: u64) -> bool {
        self.has_table
            || self.retired.len() >= entries
            || self.weight > weight
            || self.memory > MAX_MEMORY
    }

    /// Does anything wait for readers?
    pub(super) fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Ends an epoch, and takes out what nobody can be looking at. The thread must not be pinned, or all stays.
    pub(super) fn collect(&mut self) -> Freed<H> {
        if self.retired.is_empty() {
            return self.collect_waiting();
        }
        let Some((ended, oldest)) = participant::advance() else { return Freed(Vec::new()) };
        (self.has_table, self.weight, self.memory) = (false, 0, 0);
        let next = Vec::with_capacity(self.retired.len());
        self.waiting.push((ended, std::mem::replace(&mut self.retired, next)));
        self.reclaim_before(oldest)
    }

    /// The same of what waits already, for whose sake an epoch was ended.
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
    /// Dropped with its shard: nobody reads.
    fn drop(&mut self) {
        let mut entries = Vec::new();
        for (_, items) in self.waiting.drain(..) {
            reclaim(items, &mut entries);
        }
        reclaim(std::mem::take(&mut self.retired), &mut entries);
    }
}

/// Only for what a grace has passed over, or whose shard is gone. A list drops the rest even if one `Drop` panics.
fn reclaim<H>(items: Vec<RetiredItem<H>>, entries: &mut Vec<OwnedEntry<H>>) {
    entries.reserve(items.len());
    for item in items {
        match item {
            // SAFETY: nobody reads it, see above.
            RetiredItem::Entry(entry) => entries.push(unsafe { entry.into_entry() }),
            // SAFETY: likewise.
            RetiredItem::Table(table) => entries.extend(unsafe { table.into_entries() }),
        }
    }
}
