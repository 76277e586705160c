//! The tags of one result.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::cell::Cell;
use super::registry::{self, Registry, epoch};
use crate::key::Tag;
use crate::platform::sort::sort_by_number;

/// The cells of some tags.
#[derive(Debug, Default)]
enum Cells {
    #[default]
    None,
    One(&'static Cell),
    Many(Box<[&'static Cell]>),
}

impl Cells {
    fn as_slice(&self) -> &[&'static Cell] {
        match self {
            Self::None => &[],
            Self::One(cell) => std::slice::from_ref(cell),
            Self::Many(cells) => cells,
        }
    }

    /// Takes the cells of more tags.
    fn extend(&mut self, registry: &mut Registry, tags: &[Tag]) {
        let mut known = self.tags();
        sort_by_number(&mut known, |tag| tag.bits());
        let is_new = |tag: &Tag| known.binary_search_by_key(&tag.bits(), |tag| tag.bits()).is_err();
        let mut new: Vec<Tag> = tags.iter().copied().filter(is_new).collect();
        sort_by_number(&mut new, |tag| tag.bits());
        new.dedup();
        if new.is_empty() {
            return;
        }
        let new = new.into_iter().map(|tag| registry.take(tag));
        let cells: Vec<_> = self.as_slice().iter().copied().chain(new).collect();
        *self = match *cells {
            [cell] => Self::One(cell),
            _ => Self::Many(cells.into()),
        };
    }

    /// Returns the epoch of the last invalidation of any of the tags, or 0.
    fn ended(&self) -> u64 {
        self.as_slice().iter().map(|cell| cell.ended()).max().unwrap_or(0)
    }

    fn tags(&self) -> Vec<Tag> {
        self.as_slice().iter().map(|cell| Tag::from_bits(cell.tag())).collect()
    }

    fn give_back(&mut self, registry: &mut Registry) {
        for cell in self.as_slice() {
            registry.give_back(cell);
        }
        *self = Self::None;
    }
}

/// The tags of a computation that runs. More may be added when it ends.
#[derive(Debug)]
pub(crate) struct OpenTags {
    /// The epoch when the computation began.
    began: u64,
    cells: Cells,
}

impl OpenTags {
    /// Begins a computation, whose tags are these at least.
    pub(crate) fn begin(tags: &[Tag]) -> Self {
        let mut registry = registry::lock();
        registry.open();
        let mut cells = Cells::None;
        cells.extend(&mut registry, tags);
        Self { began: epoch(), cells }
    }

    /// Adds tags that the computation turned out to have.
    pub(crate) fn add(&mut self, tags: &[Tag]) {
        self.cells.extend(&mut registry::lock(), tags);
    }

    /// Ends the computation.
    pub(crate) fn close(mut self) -> TagSet {
        let (began, cells) = (self.began, std::mem::take(&mut self.cells));
        TagSet { began, valid_at: AtomicU64::new(began), cells }
    }

    /// Returns whether one of the tags was invalidated since the computation began.
    pub(crate) fn have_ended(&self) -> bool {
        self.cells.ended() > self.began
    }

    pub(crate) fn tags(&self) -> Vec<Tag> {
        self.cells.tags()
    }
}

impl Drop for OpenTags {
    fn drop(&mut self) {
        let mut registry = registry::lock();
        self.cells.give_back(&mut registry);
        registry.close();
    }
}

/// The tags of an entry.
#[derive(Debug)]
pub(crate) struct TagSet {
    /// The epoch when the computation began.
    began: u64,
    /// An epoch at which none of the tags had been invalidated since then.
    valid_at: AtomicU64,
    cells: Cells,
}

impl TagSet {
    /// Returns whether none of the tags was invalidated since the computation began.
    #[inline]
    pub(crate) fn is_valid(&self) -> bool {
        let epoch = epoch();
        self.valid_at.load(Relaxed) == epoch || self.check(epoch)
    }

    #[cold]
    #[inline(never)]
    fn check(&self, epoch: u64) -> bool {
        let is_valid = self.cells.ended() <= self.began;
        if is_valid {
            self.valid_at.store(epoch, Relaxed);
        }
        is_valid
    }

    /// If one of the tags was invalidated since the computation began, returns the epoch of the first invalidation that
    /// this may have been. Of several, a cell knows the last one only.
    pub(crate) fn outdated_from(&self) -> Option<u64> {
        (self.cells.ended() > self.began).then_some(self.began + 1)
    }

    pub(crate) fn tags(&self) -> Vec<Tag> {
        self.cells.tags()
    }
}

impl Drop for TagSet {
    fn drop(&mut self) {
        if !self.cells.as_slice().is_empty() {
            self.cells.give_back(&mut registry::lock());
        }
    }
}
