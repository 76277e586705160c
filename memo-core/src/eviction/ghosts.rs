//! Remembers the keys of entries that were evicted lately, in one byte for each entry of a full cache: it has half as
//! many cells of two bytes.

/// From which queue an entry was evicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Queue {
    Window,
    Main,
}

/// What is remembered of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ghost {
    pub(crate) queue: Queue,
    /// Whether it would still be held if there were about a tenth more room.
    pub(crate) is_recent: bool,
}

/// A cell has ten bits of the hash, of which not all are zero, then one bit for the queue, then the time in five bits.
/// An empty cell is zero.
type Cell = u16;

const HASH_BITS: u32 = 10;
const HASH_MASK: u32 = (1 << HASH_BITS) - 1;
const QUEUE_BIT: Cell = 1 << HASH_BITS;
const TIME_SHIFT: u32 = HASH_BITS + 1;
const TIME_MASK: usize = (1 << (Cell::BITS - TIME_SHIFT)) - 1;

/// A key may be in each cell of one set. Within a set, the newest come first.
const CELLS_PER_SET: usize = 8;

/// The time advances when a 16th of the entries were evicted.
const TIMES_PER_TURN: usize = 16;

/// An entry was evicted recently at this time, or the one before.
const RECENT: usize = 1;

pub(crate) struct Ghosts {
    cells: Box<[Cell]>,
    evicted: usize,
    /// As many evictions are one step of the time.
    step: usize,
}

impl Ghosts {
    /// Makes one that takes no memory and cannot remember.
    #[inline]
    pub(crate) fn empty() -> Self {
        Self { cells: Box::default(), evicted: 0, step: 1 }
    }

    /// Makes an empty memory for a cache of `len` entries.
    #[inline]
    pub(crate) fn new(len: usize) -> Self {
        let sets = (len / 2).div_ceil(CELLS_PER_SET).max(1);
        Self {
            cells: vec![0; sets * CELLS_PER_SET].into(),
            evicted: 0,
            step: (len / TIMES_PER_TURN).max(1),
        }
    }

    /// Returns its size in bytes.
    #[cfg(test)]
    pub(crate) fn size(&self) -> usize {
        size_of_val(&*self.cells)
    }

    /// Remembers a key, in place of the oldest of its set.
    #[inline]
    pub(crate) fn put(&mut self, hash: u32, queue: Queue) {
        self.evicted += 1;
        let queue = if queue == Queue::Main { QUEUE_BIT } else { 0 };
        // Five bits of the time are kept.
        #[expect(clippy::cast_possible_truncation, reason = "masked")]
        let time = (self.now() as Cell) << TIME_SHIFT;
        let set = self.set(hash);
        let free = set.iter().position(|cell| *cell == 0).unwrap_or(CELLS_PER_SET - 1);
        set.copy_within(..free, 1);
        set[0] = time | queue | print(hash);
    }

    /// Returns what is remembered of a key, and forgets it. A few keys in a thousand are taken for others.
    #[inline]
    pub(crate) fn take(&mut self, hash: u32) -> Option<Ghost> {
        let (now, print) = (self.now(), print(hash));
        let set = self.set(hash);
        let same = |cell: &&mut Cell| **cell & (QUEUE_BIT - 1) == print;
        let cell = std::mem::take(set.iter_mut().find(same)?);
        let age = now.wrapping_sub(usize::from(cell >> TIME_SHIFT)) & TIME_MASK;
        let queue = if cell & QUEUE_BIT == 0 { Queue::Window } else { Queue::Main };
        Some(Ghost { queue, is_recent: age <= RECENT })
    }

    #[inline]
    fn now(&self) -> usize {
        (self.evicted / self.step) & TIME_MASK
    }

    #[inline]
    fn set(&mut self, hash: u32) -> &mut [Cell] {
        let sets = (self.cells.len() / CELLS_PER_SET) as u64;
        let set = (u64::from(hash.wrapping_mul(0x27d4_eb2f)) * sets) >> 32;
        let first = usize::try_from(set).unwrap_or(0) * CELLS_PER_SET;
        &mut self.cells[first..first + CELLS_PER_SET]
    }
}

/// The bits of a hash that a cell has.
#[inline]
fn print(hash: u32) -> Cell {
    Cell::try_from(hash & HASH_MASK).unwrap_or(0).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_remembered_once_with_its_queue() {
        let mut ghosts = Ghosts::new(160);
        ghosts.put(5 << 20 | 5, Queue::Main);
        ghosts.put(9 << 20 | 6, Queue::Window);
        assert_eq!(ghosts.take(7 << 20 | 7), None);
        let main = Ghost { queue: Queue::Main, is_recent: true };
        assert_eq!((ghosts.take(5 << 20 | 5), ghosts.take(5 << 20 | 5)), (Some(main), None));
        let window = Ghost { queue: Queue::Window, is_recent: true };
        assert_eq!(ghosts.take(9 << 20 | 6), Some(window));
    }

    /// Keys whose bits are all different, in a memory of one set.
    #[test]
    fn the_oldest_is_forgotten_first_and_recent_is_an_eighth_of_a_turn() {
        let mut ghosts = Ghosts::new(16);
        (1..=9).for_each(|key| ghosts.put(key, Queue::Window));
        assert_eq!(ghosts.take(1), None);
        let recent = [2, 7, 8, 9].map(|key| ghosts.take(key).map(|ghost| ghost.is_recent));
        assert_eq!(recent, [Some(false), Some(false), Some(true), Some(true)]);
    }
}
