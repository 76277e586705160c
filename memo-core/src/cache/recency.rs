//! Which entry was used least recently: exact LRU without a list, by stamps that hits write.
//!
//! Entries are filed under the stamp that they had, in the order of stamps. What is taken from the front and has been
//! used since is filed again; else it is the least recently used, since no entry's stamp is older than its record's.

use std::collections::VecDeque;

use super::table::Place;

/// The entries of a shard by their last use, as far as is known.
pub(super) struct Recency {
    /// By stamp, the oldest first; those of one stamp in the order in which they came.
    steps: VecDeque<(u64, VecDeque<Place>)>,
    records: usize,
    /// Emptied steps, so that a small shard, where each use is a step, need not allocate at each insertion.
    spare: Vec<VecDeque<Place>>,
    /// Every entry has a record. Nothing is recorded before the first eviction.
    complete: bool,
}

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

    /// Files all entries.
    pub(super) fn complete(&mut self, mut entries: Vec<(u64, Place)>) {
        self.forget();
        self.complete = true;
        entries.sort_unstable_by_key(|(stamp, _)| *stamp);
        for (stamp, place) in entries {
            self.file(stamp, place);
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

    pub(super) fn file(&mut self, stamp: u64, place: Place) {
        self.records += 1;
        if let Some((_, places)) = self.steps.back_mut().filter(|(last, _)| *last == stamp) {
            return places.push_back(place);
        }
        let after = match self.steps.back() {
            Some((last, _)) if *last > stamp => self.steps.partition_point(|(s, _)| *s < stamp),
            _ => self.steps.len(),
        };
        if self.steps.get(after).is_none_or(|(found, _)| *found != stamp) {
            self.steps.insert(after, (stamp, self.spare.pop().unwrap_or_default()));
        }
        self.steps[after].1.push_back(place);
    }

    /// The oldest record.
    pub(super) fn pop(&mut self) -> Option<(u64, Place)> {
        loop {
            let (stamp, places) = self.steps.front_mut()?;
            if let Some(place) = places.pop_front() {
                self.records -= 1;
                return Some((*stamp, place));
            }
            if let Some((_, emptied)) = self.steps.pop_front()
                && self.spare.len() < SPARE
            {
                self.spare.push(emptied);
            }
        }
    }

    /// The oldest records, as far as they are together.
    pub(super) fn next(&self) -> (Option<Place>, Option<Place>) {
        let oldest = self.steps.front().map(|(_, places)| places);
        let nth = |n: usize| oldest.and_then(|places| places.get(n)).copied();
        (nth(0), nth(1))
    }

    pub(super) fn records(&self) -> usize {
        self.records
    }
}

const SPARE: usize = 4;
