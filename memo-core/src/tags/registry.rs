//! All tags in use.

use std::hash::BuildHasherDefault;
use std::sync::atomic::{AtomicU64, Ordering::Acquire, Ordering::Release};

use super::cell::Cell;
use crate::key::Tag;
use crate::platform::id_hasher::HashedMap;
use crate::platform::sync::{Mutex, MutexGuard};

/// How many invalidations of tags without a cell are remembered.
const MAX_RECENT: usize = 4096;
/// How many cells are allocated together.
const CHUNK: usize = 1024;

/// The number of invalidations so far. Grows after the cell was changed, so whoever sees a number sees the cells too.
static EPOCH: AtomicU64 = AtomicU64::new(0);

static REGISTRY: Mutex<Registry> = Mutex::new(Registry::new());

pub(super) struct Registry {
    /// The cells of the tags in use, by tag.
    cells: HashedMap<&'static Cell>,
    /// Cells of no tag.
    free: Vec<&'static Cell>,
    /// How many computations run that may turn out to have more tags.
    open: usize,
    /// While there are any: the tags without a cell that were invalidated, and when.
    recent: HashedMap<u64>,
    /// The tags that are being removed from disks, each as often as callers do that.
    ending: Vec<u64>,
    /// All tags without a cell count as invalidated at this epoch, because there were too many to remember.
    floor: u64,
}

/// Returns the number of invalidations so far.
#[inline]
pub(crate) fn epoch() -> u64 {
    EPOCH.load(Acquire)
}

/// Ends what has `tag` and was computed, or is being computed, in this process.
#[inline]
pub(crate) fn invalidate(tag: Tag) {
    lock().invalidate(tag.bits());
}

/// An invalidation while it is written to disks. What was computed before it begins ends then, so that nobody writes it
/// again as newer than the removal. What is read from a disk meanwhile may be from before the removal, see
/// [`are_ending`], and all that has the tag ends once more at the end: it may have been read just before that.
#[derive(Debug)]
pub(crate) struct Ending(Tag);

impl Ending {
    #[inline]
    pub(crate) fn begin(tag: Tag) -> Self {
        let mut registry = lock();
        registry.invalidate(tag.bits());
        registry.ending.push(tag.bits());
        Self(tag)
    }
}

impl Drop for Ending {
    #[inline]
    fn drop(&mut self) {
        let (mut registry, tag) = (lock(), self.0.bits());
        registry.invalidate(tag);
        if let Some(at) = registry.ending.iter().position(|ending| *ending == tag) {
            registry.ending.swap_remove(at);
        }
    }
}

/// Returns whether one of the tags is being removed from disks.
pub(crate) fn are_ending(tags: &[Tag]) -> bool {
    !tags.is_empty() && {
        let registry = lock();
        tags.iter().any(|tag| registry.ending.contains(&tag.bits()))
    }
}

/// Returns whether an entry or a computation of this process has `tag`.
#[cfg(feature = "remote")]
pub(crate) fn is_used(tag: Tag) -> bool {
    lock().has(tag)
}

pub(super) fn lock() -> MutexGuard<'static, Registry> {
    REGISTRY.lock()
}

impl Registry {
    const fn new() -> Self {
        Self {
            cells: HashedMap::with_hasher(BuildHasherDefault::new()),
            free: Vec::new(),
            open: 0,
            recent: HashedMap::with_hasher(BuildHasherDefault::new()),
            ending: Vec::new(),
            floor: 0,
        }
    }

    #[inline]
    fn invalidate(&mut self, tag: u64) {
        let epoch = epoch() + 1;
        match self.cells.get(&tag) {
            Some(cell) => cell.end(epoch),
            None => self.remember(tag, epoch),
        }
        EPOCH.store(epoch, Release);
    }

    /// Remembers when a tag without a cell was invalidated, for computations that are running.
    fn remember(&mut self, tag: u64, epoch: u64) {
        if self.open == 0 {
            return;
        }
        if self.recent.len() == MAX_RECENT {
            self.floor = self::epoch().max(epoch);
            self.recent.clear();
        }
        self.recent.insert(tag, epoch);
    }

    /// Begins a computation that may turn out to have more tags.
    pub(super) fn open(&mut self) {
        self.open += 1;
    }

    /// Ends one.
    pub(super) fn close(&mut self) {
        self.open -= 1;
        if self.open == 0 {
            self.recent = HashedMap::default();
            self.floor = 0;
        }
    }

    /// Returns the cell of a tag, which has one user more.
    pub(super) fn take(&mut self, tag: Tag) -> &'static Cell {
        let tag = tag.bits();
        let cell = match self.cells.get(&tag) {
            Some(cell) => *cell,
            None => self.add(tag),
        };
        cell.take();
        cell
    }

    fn add(&mut self, tag: u64) -> &'static Cell {
        let ended = self.recent.remove(&tag).unwrap_or(self.floor);
        let cell = self.free.pop().unwrap_or_else(|| self.allocate());
        cell.assign(tag, ended);
        self.cells.insert(tag, cell);
        cell
    }

    #[cold]
    fn allocate(&mut self) -> &'static Cell {
        // Never freed: see `Cell`.
        let chunk: &'static [Cell] = Vec::leak((0..CHUNK).map(|_| Cell::new()).collect());
        let (first, others) = chunk.split_first().expect("a chunk is not empty");
        self.free.extend(others);
        first
    }

    /// Ends the use of a cell. A tag without a user is forgotten.
    pub(super) fn give_back(&mut self, cell: &'static Cell) {
        if !cell.give_back() {
            return;
        }
        let tag = cell.tag();
        self.cells.remove(&tag);
        if cell.ended() > 0 {
            self.remember(tag, cell.ended());
        }
        self.free.push(cell);
        if self.cells.len() * 8 < self.cells.capacity() {
            self.cells.shrink_to(self.cells.len() * 2);
            self.free.shrink_to(self.free.len());
        }
    }

    #[cfg(any(feature = "remote", test))]
    pub(super) fn has(&self, tag: Tag) -> bool {
        self.cells.contains_key(&tag.bits())
    }
}
