//! Which entry was used least recently: exact LRU without a list, by stamps that hits write.
//!
//! Entries are filed under the stamp that they had, in the order of stamps. What is taken from the front and has been
//! used since is filed again; else it is the least recently used, since no entry's stamp is older than its record's.

use std::collections::VecDeque;

use super::table::Place;

/// The entries of a shard by their last use, as far as is known.
pub(super) struct Recency {
    /// By stamp, the oldest first.
    steps: VecDeque<Step>,
    records: usize,
    /// Emptied lists, so that a small shard, where each use is a step, need not allocate at each insertion.
    spare: Vec<Vec<Place>>,
    /// Every entry has a record. Nothing is recorded before the first eviction.
    complete: bool,
}

/// Sorts numbers by their stamps. Built once: it is much code.
#[inline(never)]
pub(super) fn sort(stamped: &mut [(u64, u32)]) {
    stamped.sort_unstable();
}

/// Records of one stamp.
struct Step {
    stamp: u64,
    /// In the order in which they came.
    places: Vec<Place>,
    /// So many were taken from the front.
    taken: usize,
}

const SPARE: usize = 4;

impl Recency {
    pub(super) const fn new() -> Self {
        Self { steps: VecDeque::new(), records: 0, spare: Vec::new(), complete: false }
    }

    /// Are there records, or must all entries be filed first?
    pub(super) fn is_complete(&self) -> bool {
        self.complete
    }

    /// Forgets all: places have changed.
    pub(super) fn forget(&mut self) {
        *self = Self::new();
    }

    /// Files all entries, by the numbers of their places.
    pub(super) fn complete(&mut self, mut entries: Vec<(u64, u32)>) {
        self.forget();
        self.complete = true;
        sort(&mut entries);
        for (stamp, place) in entries {
            self.file(stamp, Place(place));
        }
    }

    /// Records a new entry, one of `len`. Records of entries that were removed are passed over when they are met; too
    /// many of them, and all are forgotten.
    pub(super) fn record(&mut self, stamp: u64, place: Place, len: usize) {
        if self.records > 2 * len + 64 {
            self.forget();
        }
        if self.complete {
            self.file(stamp, place);
        }
    }

    fn file(&mut self, stamp: u64, place: Place) {
        self.records += 1;
        match self.steps.back_mut() {
            Some(last) if last.stamp == stamp => last.places.push(place),
            _ => self.step(stamp).places.push(place),
        }
    }

    /// The step of a stamp, made if there is none.
    fn step(&mut self, stamp: u64) -> &mut Step {
        let at = self.steps.partition_point(|step| step.stamp < stamp);
        if self.steps.get(at).is_none_or(|step| step.stamp != stamp) {
            let places = self.spare.pop().unwrap_or_default();
            self.steps.insert(at, Step { stamp, places, taken: 0 });
        }
        &mut self.steps[at]
    }

    /// Takes the record of the least recently used entry, by the stamp that is at each place now. Entries that others use
    /// meanwhile are filed again only so often.
    pub(super) fn take(&mut self, stamp_at: &dyn Fn(Place) -> Option<u64>) -> Option<Place> {
        let mut patience = self.records;
        while let Some((filed, place)) = self.pop() {
            let Some(stamp) = stamp_at(place) else { continue };
            if stamp <= filed || patience == 0 {
                return Some(place);
            }
            patience -= 1;
            self.file(stamp, place);
        }
        None
    }

    /// The oldest record.
    fn pop(&mut self) -> Option<(u64, Place)> {
        loop {
            let step = self.steps.front_mut()?;
            if let Some(&place) = step.places.get(step.taken) {
                step.taken += 1;
                self.records -= 1;
                return Some((step.stamp, place));
            }
            let mut emptied = self.steps.pop_front()?.places;
            if self.spare.len() < SPARE {
                emptied.clear();
                self.spare.push(emptied);
            }
        }
    }

    /// The oldest records, as far as they are together.
    pub(super) fn next(&self) -> (Option<Place>, Option<Place>) {
        let oldest = self.steps.front();
        let nth = |n: usize| oldest.and_then(|step| step.places.get(step.taken + n)).copied();
        (nth(0), nth(1))
    }
}
