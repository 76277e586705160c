//! Where entries are between being taken out of sight and being freed.
#![allow(unsafe_code)]

use super::table::{Retired, RetiredTable};
use crate::lane;

/// What was taken out of sight since the last grace, and what waits for readers from before one.
pub(super) struct Limbo<H> {
    fresh: Vec<Waste<H>>,
    /// With the epoch that must be over.
    waiting: Vec<(u64, Vec<Waste<H>>)>,
}

enum Waste<H> {
    Entry(Retired<H>),
    Table(RetiredTable<H>),
}

/// What nobody looks at any more, to be dropped with no lock held: its owners' `Drop` runs.
#[must_use = "to be dropped with no lock held"]
pub(super) struct Freed<H>(Vec<Vec<Waste<H>>>);

impl<H> Limbo<H> {
    pub(super) const fn new() -> Self {
        Self { fresh: Vec::new(), waiting: Vec::new() }
    }

    pub(super) fn retire(&mut self, entry: Retired<H>) {
        self.fresh.push(Waste::Entry(entry));
    }

    pub(super) fn retire_table(&mut self, table: RetiredTable<H>) {
        self.fresh.push(Waste::Table(table));
    }

    /// How much was retired since the last grace.
    pub(super) fn fresh(&self) -> usize {
        self.fresh.len()
    }

    /// Ends an epoch, and takes out what nobody can be looking at. The thread must not be pinned, or all stays.
    pub(super) fn collect(&mut self) -> Freed<H> {
        let mut freed = Freed(Vec::new());
        let Some((ended, oldest)) = lane::grace() else { return freed };
        if !self.fresh.is_empty() {
            self.waiting.push((ended, std::mem::take(&mut self.fresh)));
        }
        freed.0.extend(
            self.waiting.extract_if(.., |(epoch, _)| *epoch < oldest).map(|(_, waste)| waste),
        );
        freed
    }
}

impl<H> Drop for Freed<H> {
    fn drop(&mut self) {
        for waste in self.0.drain(..).flatten() {
            free(waste);
        }
    }
}

impl<H> Drop for Limbo<H> {
    /// Dropped with its shard: nobody reads.
    fn drop(&mut self) {
        let waiting = std::mem::take(&mut self.waiting);
        for waste in waiting.into_iter().flat_map(|(_, waste)| waste).chain(self.fresh.drain(..)) {
            free(waste);
        }
    }
}

/// Only for what a grace has passed over, or whose shard is gone.
fn free<H>(waste: Waste<H>) {
    match waste {
        // SAFETY: nobody reads it, see above.
        Waste::Entry(entry) => drop(unsafe { entry.into_node() }),
        // SAFETY: likewise.
        Waste::Table(table) => unsafe { table.free() },
    }
}
