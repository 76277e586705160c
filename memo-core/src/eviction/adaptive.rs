//! The policy that adapts. New entries wait in a window. One that is used twice meanwhile, or that returns soon after
//! it left, or whose key was used more often than the entry that would leave for it, moves to the main queue, where the
//! others are. A used entry at the front of the main queue is put behind the others once more. (Two queues of this kind
//! are S3-FIFO: Yang et al., SOSP 23. The estimates are those of TinyLFU: `sketch.rs`.)
//!
//! What adapts is the window's share of the entries. It grows when an entry returns that has just left the window,
//! since a larger window would have kept it. It shrinks whenever an entry leaves the window, by as much as makes the
//! two even when 1.5 % return. A loop and a scan never return so soon, so the window becomes small, and the main queue
//! keeps what it has. Where use is a matter of recency alone, the window becomes large. Beyond a quarter of the
//! entries, the main queue must also be worth less: the window then shrinks the more, the more entries return that have
//! just left the main queue.

use std::collections::VecDeque;

use super::ghosts::{Ghost, Ghosts, Queue};
use super::queues::Queues;
use super::sketch::Sketch;
use super::slot::{Look, SlotIndex};
use super::uses::{MAX_USES, Uses};

/// The least and the largest share of the window.
const SHARES: std::ops::RangeInclusive<f64> = 0.01..=0.9;
/// By how much the share grows for one return.
const STEP: f64 = 0.005;
/// The share of recent returns among the entries that leave the window at which its share stays as it is.
const RETURNS: f64 = 0.015;
/// Up to this share of the window it does not matter how many entries return to the main queue, unless these are many.
const COMMON_SHARE: f64 = 0.25;

/// An entry that is used so often in the window moves to the main queue.
const FREQUENT: u64 = 2;
/// As often as this, the entry at the front of the main queue keeps its place against others, before it counts as used
/// once less. Otherwise one that was used often and will not be used again would keep it until counts are halved.
const DEFENCES_PER_USE: u64 = 4;

/// At most so many entries are put behind the others at once, under the lock of the shard. If all of a large shard are
/// in use, the next evictions go on from there; meanwhile a used entry is at the front, which few new ones outrank.
const MAX_MOVES: usize = 1000;

pub(crate) struct Adaptive {
    /// In the order of insertion. Both queues may have slots of removed entries, which are skipped. If such a slot has
    /// a new entry meanwhile, it is in the queues twice until it is taken twice.
    window: VecDeque<SlotIndex>,
    main: VecDeque<SlotIndex>,
    /// The window's share of the entries.
    share: f64,
    /// The entries that left the main queue, and those that soon returned. Both are halved from time to time.
    left: f64,
    returned: f64,
    /// Which entry at the front of the main queue has kept its place, and how often.
    defender: Option<SlotIndex>,
    defences: u64,
    /// The number of entries for which these are made, or 0 as long as they are empty.
    made_for: usize,
    sketch: Sketch,
    ghosts: Ghosts,
    is_filed: bool,
}

impl Adaptive {
    #[inline]
    pub(crate) fn new() -> Self {
        Self {
            window: VecDeque::new(),
            main: VecDeque::new(),
            share: *SHARES.start(),
            left: 0.0,
            returned: 0.0,
            defender: None,
            defences: 0,
            made_for: 0,
            sketch: Sketch::empty(),
            ghosts: Ghosts::empty(),
            is_filed: false,
        }
    }

    /// Begins to learn about keys, for a cache of `len` entries.
    #[inline]
    fn begin(&mut self, len: usize) {
        self.made_for = len;
        self.sketch = Sketch::new(len);
        self.ghosts = Ghosts::new(len);
        (self.left, self.returned) = (len as f64 / 10.0 + 1.0, 0.0);
    }

    /// Returns the room of the window among `len` entries.
    #[inline]
    fn room(&self, len: usize) -> usize {
        // At most `len`.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a part of it")]
        let room = (self.share * len as f64).ceil() as usize;
        room.max(1)
    }

    #[inline]
    fn records(&self) -> usize {
        self.window.len() + self.main.len()
    }

    #[inline]
    fn learn(&mut self, ghost: Ghost, len: usize) {
        match ghost {
            Ghost { is_recent: false, .. } => (),
            Ghost { queue: Queue::Main, .. } => self.returned += 1.0,
            Ghost { queue: Queue::Window, .. } => self.resize(len, 1.0),
        }
    }

    /// Changes the window's share by so many steps. A step is at least half an entry.
    #[inline]
    fn resize(&mut self, len: usize, steps: f64) {
        let step = STEP.max(0.5 / len.max(4) as f64);
        self.share = (self.share + steps * step).clamp(*SHARES.start(), *SHARES.end());
    }

    /// Returns whether an entry that returns may stay in the main queue, in place of the one at its front.
    #[inline]
    fn outranks_front(&mut self, hash: u32, look: &Look<'_, '_>) -> bool {
        let Some(front) = self.front(look) else { return false };
        let is_higher = self.rank(hash) + self.defences > self.rank(front.hash);
        self.defences += u64::from(!is_higher);
        is_higher
    }

    #[inline]
    fn rank(&self, hash: u32) -> u64 {
        DEFENCES_PER_USE * self.sketch.estimate(hash)
    }

    /// Moves used entries from the front of the main queue to its end. Returns what is known of the first other, or of
    /// the one after as many moves as may be at once. It then is at the front.
    #[inline]
    fn front<'g>(&mut self, look: &Look<'_, 'g>) -> Option<Uses<'g>> {
        // Threads may use entries meanwhile. So the number of moves is limited in a small shard too.
        let all = self.main.len() * usize::try_from(MAX_USES).unwrap_or(1);
        let mut moves_left = all.min(MAX_MOVES);
        while let Some(&slot) = self.main.front() {
            let Some(entry) = look(slot) else {
                self.main.pop_front();
                continue;
            };
            if moves_left == 0 || !entry.take_one() {
                if self.defender != Some(slot) {
                    (self.defender, self.defences) = (Some(slot), 0);
                }
                return Some(entry);
            }
            moves_left -= 1;
            self.sketch.add(entry.hash, 1);
            self.main.rotate_left(1);
        }
        None
    }

    /// Takes the entry at the front of the main queue.
    #[inline]
    fn take_front(&mut self, hash: u32) -> Option<SlotIndex> {
        self.ghosts.put(hash, Queue::Main);
        self.left += 1.0;
        if self.left > self.made_for as f64 {
            self.left /= 2.0;
            self.returned /= 2.0;
        }
        self.main.pop_front()
    }

    #[inline]
    fn leave_window(&mut self, hash: u32) {
        self.ghosts.put(hash, Queue::Window);
        let main_returns = self.returned / self.left * (self.share / COMMON_SHARE);
        self.resize(self.records(), -main_returns.max(RETURNS));
    }
}

impl Queues for Adaptive {
    #[inline]
    fn is_filed(&self) -> bool {
        self.is_filed
    }

    /// Empties both queues, and frees their memory: they may never be as long again. What was learnt about keys stays.
    #[inline]
    fn forget(&mut self) {
        self.window = VecDeque::new();
        self.main = VecDeque::new();
        self.defender = None;
        self.is_filed = false;
    }

    /// Puts all entries into the queues, by their stamps: the most recently used into the window.
    #[inline]
    fn file_all(&mut self, entries: &[(u64, u32)], look: &Look<'_, '_>) {
        self.forget();
        self.is_filed = true;
        let len = entries.len();
        let made_for = len.max(1);
        if self.made_for < made_for || self.made_for > 2 * made_for {
            self.begin(made_for);
            let entries = entries.iter().filter_map(|(_, slot)| look(SlotIndex(*slot)));
            entries.for_each(|entry| self.sketch.add(entry.hash, 1));
        }
        self.main.reserve_exact(len);
        let main = len.saturating_sub(self.room(len));
        let slots = entries.iter().map(|(_, slot)| SlotIndex(*slot));
        self.main.extend(slots.clone().take(main));
        self.window.extend(slots.skip(main));
    }

    /// Records a new entry; `len` is the number of entries.
    #[inline]
    fn record(&mut self, slot: SlotIndex, entry: Uses<'_>, len: usize, look: &Look<'_, '_>) {
        let hash = entry.hash;
        if self.records() > 2 * len + 64 {
            self.forget();
        }
        if !self.is_filed {
            return;
        }
        self.sketch.add(hash, 1);
        let ghost = self.ghosts.take(hash);
        if let Some(ghost) = ghost {
            self.learn(ghost, len);
        }
        let has_returned = ghost.is_some_and(|ghost| ghost.queue == Queue::Window);
        if has_returned && self.outranks_front(hash, look) {
            self.main.push_back(slot);
        } else {
            self.window.push_back(slot);
        }
    }

    /// Takes the entry that leaves.
    #[inline]
    fn take(&mut self, look: &Look<'_, '_>) -> Option<SlotIndex> {
        while self.records() > 0 {
            if self.window.len() < self.room(self.records()) && !self.main.is_empty() {
                if let Some(front) = self.front(look) {
                    return self.take_front(front.hash);
                }
                continue;
            }
            let slot = self.window.pop_front()?;
            let Some(entry) = look(slot) else { continue };
            let uses = entry.take_all();
            self.sketch.add(entry.hash, uses);
            if uses >= FREQUENT {
                self.main.push_back(slot);
                continue;
            }
            if let Some(front) = self.front(look) {
                // The key was counted when the entry came. It must have been used at another time too.
                let rank = self.rank(entry.hash) + self.defences;
                if rank > self.rank(front.hash) + DEFENCES_PER_USE {
                    self.main.push_back(slot);
                    return self.take_front(front.hash);
                }
            }
            self.leave_window(entry.hash);
            return Some(slot);
        }
        None
    }

    /// Returns the next two slots of the window.
    #[inline]
    fn next(&self) -> (Option<SlotIndex>, Option<SlotIndex>) {
        (self.window.front().copied(), self.window.get(1).copied())
    }

    #[cfg(test)]
    fn size(&self) -> usize {
        let queues = (self.window.capacity() + self.main.capacity()) * size_of::<SlotIndex>();
        queues + self.sketch.size() + self.ghosts.size()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use super::*;
    use crate::eviction::price::Price;

    #[test]
    fn a_policy_that_has_filed_nothing_takes_almost_no_memory() {
        let mut adaptive = Adaptive::new();
        assert_eq!(adaptive.sketch.size(), 0);
        adaptive.file_all(&[], &|_| None);
        let stamp = AtomicU64::new(0);
        let entry = Uses::new(&stamp, 5, Price::UNKNOWN);
        adaptive.record(SlotIndex(0), entry, 1, &|_| None);
        assert_eq!(adaptive.take(&|_| None), None);
    }

    #[test]
    fn queues_that_are_emptied_take_no_memory() {
        let stamp = AtomicU64::new(0);
        let mut adaptive = Adaptive::new();
        let entries: Vec<(u64, u32)> = (0..10_000).map(|slot| (0, slot)).collect();
        adaptive.file_all(&entries, &|slot| Some(Uses::new(&stamp, slot.0, Price::UNKNOWN)));
        adaptive.forget();
        assert_eq!((adaptive.main.capacity(), adaptive.window.capacity()), (0, 0));
    }

    #[test]
    fn a_cache_that_became_small_forgets_what_was_learnt_for_a_large_one() {
        let stamp = AtomicU64::new(0);
        let mut adaptive = Adaptive::new();
        let entries: Vec<(u64, u32)> = (0..100_000).map(|slot| (0, slot)).collect();
        let look = |slot: SlotIndex| Some(Uses::new(&stamp, slot.0, Price::UNKNOWN));
        adaptive.file_all(&entries, &look);
        let large = adaptive.sketch.size();
        adaptive.file_all(&entries[..100], &look);
        assert!(adaptive.sketch.size() < large / 10);
    }

    #[test]
    fn an_eviction_looks_at_few_entries_even_if_all_are_in_use() {
        let count = 50_000;
        let stamps: Vec<AtomicU64> = (0..count).map(|_| AtomicU64::new(MAX_USES)).collect();
        let looks = std::cell::Cell::new(0);
        let look = |slot: SlotIndex| {
            looks.set(looks.get() + 1);
            Some(Uses::new(
                &stamps[slot.0 as usize],
                slot.0.wrapping_mul(0x9e37_79b9),
                Price::UNKNOWN,
            ))
        };
        let mut adaptive = Adaptive::new();
        adaptive.file_all(&(0..count).map(|slot| (0, slot)).collect::<Vec<_>>(), &look);
        let mut taken = std::collections::HashSet::new();
        for _ in 0..count {
            looks.set(0);
            assert!(taken.insert(adaptive.take(&look).map(|slot| slot.0)));
            assert!(looks.get() < 2 * MAX_MOVES, "{} after {} evictions", looks.get(), taken.len());
        }
        assert_eq!(adaptive.take(&look), None);
    }
}
