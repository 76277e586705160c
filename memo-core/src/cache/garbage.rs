//! Where entries are between being taken out of sight and being freed.
#![allow(unsafe_code)]

use super::entry::OwnedEntry;
use super::table::{Retired, RetiredTable};
use crate::epoch::participant;

/// What was taken out of sight since the last grace, and what waits for readers from before one.
pub(super) struct Garbage<H> {
    fresh: Vec<RetiredItem<H>>,
    /// With the epoch that must be over.
    waiting: Vec<(u64, Vec<RetiredItem<H>>)>,
    /// There is a table among what is fresh: as large as many entries.
    table: bool,
    /// The weight of what is fresh.
    bytes: u64,
    /// The memory that it takes.
    size: usize,
}

/// More memory than this does not wait for others to be freed with.
const LARGE: usize = 256 << 10;

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
        Self { fresh: Vec::new(), waiting: Vec::new(), table: false, bytes: 0, size: 0 }
    }

    pub(super) fn retire(&mut self, entry: Retired<H>) {
        self.bytes = self.bytes.saturating_add(entry.entry().weight());
        self.size += entry.entry().size();
        self.fresh.push(RetiredItem::Entry(entry));
    }

    pub(super) fn retire_table(&mut self, table: RetiredTable<H>) {
        self.fresh.push(RetiredItem::Table(table));
        self.table = true;
    }

    /// Were so many entries retired since the last grace, or more than so much weight, or much memory, as a table is?
    pub(super) fn is_due(&self, entries: usize, bytes: u64) -> bool {
        self.table || self.fresh.len() >= entries || self.bytes > bytes || self.size > LARGE
    }

    /// Does anything wait for readers?
    pub(super) fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Ends an epoch, and takes out what nobody can be looking at. The thread must not be pinned, or all stays.
    pub(super) fn collect(&mut self) -> Freed<H> {
        if self.fresh.is_empty() {
            return self.collect_waiting();
        }
        let Some((ended, oldest)) = participant::advance() else { return Freed(Vec::new()) };
        (self.table, self.bytes, self.size) = (false, 0, 0);
        let next = Vec::with_capacity(self.fresh.len());
        self.waiting.push((ended, std::mem::replace(&mut self.fresh, next)));
        self.older_than(oldest)
    }

    /// The same of what waits already, for whose sake an epoch was ended.
    pub(super) fn collect_waiting(&mut self) -> Freed<H> {
        if self.has_waiting() { self.older_than(participant::oldest()) } else { Freed(Vec::new()) }
    }

    fn older_than(&mut self, oldest: u64) -> Freed<H> {
        let mut nodes = Vec::new();
        self.waiting.retain_mut(|(epoch, waste)| {
            let stays = *epoch >= oldest;
            if !stays {
                free(std::mem::take(waste), &mut nodes);
            }
            stays
        });
        Freed(nodes)
    }
}

impl<H> Drop for Garbage<H> {
    /// Dropped with its shard: nobody reads.
    fn drop(&mut self) {
        let mut nodes = Vec::new();
        for (_, waste) in self.waiting.drain(..) {
            free(waste, &mut nodes);
        }
        free(std::mem::take(&mut self.fresh), &mut nodes);
    }
}

/// Only for what a grace has passed over, or whose shard is gone. A list drops the rest even if one `Drop` panics.
fn free<H>(waste: Vec<RetiredItem<H>>, nodes: &mut Vec<OwnedEntry<H>>) {
    nodes.reserve(waste.len());
    for waste in waste {
        match waste {
            // SAFETY: nobody reads it, see above.
            RetiredItem::Entry(entry) => nodes.push(unsafe { entry.into_node() }),
            // SAFETY: likewise.
            RetiredItem::Table(table) => nodes.extend(unsafe { table.into_nodes() }),
        }
    }
}
