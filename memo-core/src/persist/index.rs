//! Where the newest record of each key is, of the records in logs. Records may come in any order, because each process
//! has a log of its own: a put counts if no removal of its key, and no clear, has a sequence above its `since`. Of
//! several puts of a key the one counts whose computation began last. (If it were the one that was written last, a
//! removal could end that one after it took the place of another which the removal does not end.)

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::record::Record;

/// In this unit an index counts the bytes of values that are kept apart, so that they fit beside the rest.
const UNIT: u64 = 1 << 10;

/// The position of a record in a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    /// The number of the log.
    pub(crate) log: u64,
    /// The offset of the record in bytes.
    pub(crate) at: u64,
    /// The length of the record in bytes.
    pub(crate) len: u32,
    /// The length of its value, if that is kept apart, in units of 1 KiB, rounded up.
    apart: u32,
}

impl Position {
    /// The position of a record that is in no file.
    pub(crate) const NONE: Self = Self { log: 0, at: 0, len: 0, apart: 0 };

    /// Returns the position of a record of `len` bytes at the offset `at` of a log.
    pub(crate) fn of(log: u64, at: u64, len: usize, record: &Record<'_>) -> Self {
        let len = u32::try_from(len).unwrap_or(u32::MAX);
        let apart = record.reference().map_or(0, |value| value.len.div_ceil(UNIT));
        Self { log, at, len, apart: u32::try_from(apart).unwrap_or(u32::MAX) }
    }

    /// Returns the length of the value in bytes, if it is kept apart, or somewhat more.
    pub(crate) fn apart(&self) -> u64 {
        u64::from(self.apart) * UNIT
    }
}

/// The records of logs, by the hashes of their keys. Two keys with one hash displace each other: a reader compares the
/// key of the record that it finds, so this costs a result and is never wrong.
#[derive(Default, Clone)]
pub(crate) struct Index {
    slots: HashMap<u64, Slot, BuildHasherDefault<Identity>>,
    /// The sequence of the last clear. Puts that began before it do not count.
    cleared: u64,
    /// Puts and removals up to this sequence do not count: the snapshot has them.
    horizon: u64,
    /// The number of slots with a put.
    puts: usize,
}

#[derive(Default, Clone)]
struct Slot {
    put: Option<Put>,
    /// The sequence of the last removal of the key, or 0.
    removed: u64,
}

#[derive(Clone)]
struct Put {
    sequence: u64,
    since: u64,
    position: Position,
}

/// What an index says about a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lookup {
    At(Position),
    /// No log has a put that counts. One in the snapshot counts if its `since` is at least this.
    Elsewhere(u64),
}

impl Index {
    /// Makes an index for the logs beside a snapshot with that horizon.
    pub(crate) fn new(horizon: u64) -> Self {
        Self { horizon, ..Self::default() }
    }

    /// Returns the sequence from which on records in logs count.
    pub(crate) fn horizon(&self) -> u64 {
        self.horizon
    }

    /// Returns the number of keys with a put that counts.
    pub(crate) fn len(&self) -> usize {
        self.puts
    }

    /// Returns whether all was removed that the snapshot has.
    pub(crate) fn is_cleared(&self) -> bool {
        self.cleared > 0
    }

    pub(crate) fn put(&mut self, hash: u64, sequence: u64, since: u64, position: Position) {
        if since >= self.horizon {
            self.restore(hash, sequence, since, position);
        }
    }

    /// Adds a put of a snapshot that has no index of its own. It counts although it is older than the horizon.
    pub(crate) fn restore(&mut self, hash: u64, sequence: u64, since: u64, position: Position) {
        if since < self.cleared {
            return;
        }
        let slot = self.slots.entry(hash).or_default();
        if since < slot.removed
            || slot.put.as_ref().is_some_and(|put| (put.since, put.sequence) >= (since, sequence))
        {
            return;
        }
        self.puts += usize::from(slot.put.is_none());
        slot.put = Some(Put { sequence, since, position });
    }

    pub(crate) fn remove(&mut self, hash: u64, sequence: u64) {
        if sequence <= self.horizon {
            return;
        }
        let slot = self.slots.entry(hash).or_default();
        slot.removed = slot.removed.max(sequence);
        let ended = slot.put.take_if(|put| put.since < sequence);
        self.puts -= usize::from(ended.is_some());
    }

    pub(crate) fn clear(&mut self, sequence: u64) {
        if sequence <= self.horizon || sequence <= self.cleared {
            return;
        }
        self.cleared = sequence;
        self.slots.retain(|_, slot| {
            slot.put.take_if(|put| put.since < sequence);
            slot.put.is_some() || slot.removed > sequence
        });
        self.puts = self.slots.values().filter(|slot| slot.put.is_some()).count();
    }

    pub(crate) fn get(&self, hash: u64) -> Lookup {
        match self.slots.get(&hash) {
            Some(Slot { put: Some(put), .. }) => Lookup::At(put.position),
            Some(slot) => Lookup::Elsewhere(slot.removed.max(self.cleared)),
            None => Lookup::Elsewhere(self.cleared),
        }
    }

    /// Forgets what a new snapshot contains: removals up to `horizon`, and the puts at which `is_merged` returns true.
    pub(crate) fn merged(&mut self, horizon: u64, is_merged: impl Fn(Position) -> bool) {
        self.horizon = horizon;
        if self.cleared <= horizon {
            self.cleared = 0;
        }
        self.slots.retain(|_, slot| {
            if slot.removed <= horizon {
                slot.removed = 0;
            }
            slot.put.take_if(|put| put.since < horizon || is_merged(put.position));
            slot.put.is_some() || slot.removed > 0
        });
        self.puts = self.slots.values().filter(|slot| slot.put.is_some()).count();
        self.slots.shrink_to_fit();
    }

    /// Returns the hashes and positions of all puts that count.
    pub(crate) fn puts(&self) -> impl Iterator<Item = (u64, Position)> {
        self.slots.iter().filter_map(|(hash, slot)| Some((*hash, slot.put.as_ref()?.position)))
    }
}

/// Takes a hash as it is.
#[derive(Default)]
struct Identity(u64);

impl Hasher for Identity {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Position = Position { log: 1, at: 0, len: 60, apart: 0 };

    fn at(n: u64) -> Position {
        Position { at: n, ..AT }
    }

    #[derive(Clone, Copy)]
    enum Change {
        Put { sequence: u64, since: u64 },
        Remove(u64),
        Clear(u64),
    }

    fn apply(index: &mut Index, change: Change) {
        match change {
            Change::Put { sequence, since } => index.put(7, sequence, since, at(sequence)),
            Change::Remove(sequence) => index.remove(7, sequence),
            Change::Clear(sequence) => index.clear(sequence),
        }
    }

    /// Calls `check` with the index after each order of the changes.
    fn in_every_order(changes: &[Change], check: &dyn Fn(&Index)) {
        fn permute(rest: &mut Vec<Change>, done: &mut Vec<Change>, check: &dyn Fn(&Index)) {
            if rest.is_empty() {
                let mut index = Index::new(0);
                done.iter().for_each(|change| apply(&mut index, *change));
                check(&index);
            }
            for n in 0..rest.len() {
                let change = rest.remove(n);
                done.push(change);
                permute(rest, done, check);
                done.pop();
                rest.insert(n, change);
            }
        }
        permute(&mut changes.to_vec(), &mut Vec::new(), check);
    }

    #[test]
    fn the_order_in_which_records_are_read_does_not_matter() {
        use Change::{Clear, Put, Remove};
        let old = Put { sequence: 3, since: 1 };
        let new = Put { sequence: 5, since: 4 };
        in_every_order(&[old, new], &|index| assert_eq!(index.get(7), Lookup::At(at(5))));
        let late = Put { sequence: 6, since: 1 };
        in_every_order(&[new, late, Remove(2)], &|index| {
            assert_eq!(index.get(7), Lookup::At(at(5)));
        });
        in_every_order(&[old, Remove(2)], &|index| assert_eq!(index.get(7), Lookup::Elsewhere(2)));
        in_every_order(&[old, Remove(2), new], &|index| {
            assert_eq!(index.get(7), Lookup::At(at(5)));
        });
        in_every_order(&[old, Clear(2), new, Remove(1)], &|index| {
            assert_eq!((index.get(7), index.len()), (Lookup::At(at(5)), 1));
        });
        in_every_order(&[old, new, Clear(9), Remove(6)], &|index| {
            assert_eq!((index.get(7), index.len()), (Lookup::Elsewhere(9), 0));
        });
    }

    #[test]
    fn what_a_snapshot_contains_is_forgotten() {
        let mut index = Index::new(0);
        index.put(1, 3, 2, at(10));
        index.put(2, 9, 8, at(20));
        index.remove(3, 4);
        index.remove(4, 10);
        index.merged(5, |position| position.at < 20);
        assert_eq!(index.get(1), Lookup::Elsewhere(0));
        assert_eq!(index.get(2), Lookup::At(at(20)));
        assert_eq!(index.get(3), Lookup::Elsewhere(0));
        assert_eq!(index.get(4), Lookup::Elsewhere(10));
        index.put(5, 12, 4, at(30));
        assert_eq!(index.get(5), Lookup::Elsewhere(0), "its computation began before the horizon");
    }
}
