//! Where the newest record of each key is, of the records in logs. Records may come in any order, because each process
//! has a log of its own: a put counts if no removal of its key, and no clear, has a sequence above its `since`. Of
//! several puts of a key the one counts whose computation began last. (If it were the one that was written last, a
//! removal could end that one after it took the place of another which the removal does not end.)
//!
//! A new snapshot makes most of an index needless, and no call may wait until millions of records are sorted out. So
//! records are filed by *generation*: by the horizon that was known when they were added. A merge raises the horizon
//! before it reads the logs. So what was added before this process saw a horizon is in the snapshot with that horizon,
//! and the generations before it are dropped as they are.

use super::key_hash::key_hash;
use super::record::Record;
use super::tag_key::{tag_key, tags};
use crate::platform::id_hasher::HashedMap;

/// In this unit an index counts the bytes of values that are kept apart, so that they fit beside the rest.
const UNIT: u64 = 1 << 10;
/// The number of tables of a generation. A table that grows is moved within one call, so it must not be large.
const PARTS: usize = 256;
/// The most generations. There are more than two only if merges fail.
const MAX_GENERATIONS: usize = 4;

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
#[derive(Clone)]
pub(crate) struct Index {
    /// The oldest first, at least one.
    generations: Vec<Generation>,
    /// The sequence of the last clear. Puts that began before it do not count.
    cleared: u64,
    /// Puts and removals up to this sequence do not count: the snapshot has them.
    horizon: u64,
}

/// The records that were added while one horizon was known.
#[derive(Clone)]
pub(crate) struct Generation {
    horizon: u64,
    /// Whether the puts are those of a snapshot that has no index of its own. They count although they are older than
    /// the horizon.
    is_restored: bool,
    parts: Vec<Part>,
    /// The number of puts, the bytes of their records, and of their values that are kept apart.
    puts: usize,
    bytes: u64,
    apart: u64,
}

#[derive(Default, Clone)]
struct Part {
    puts: HashedMap<Put>,
    /// The sequences of the last removals.
    removals: HashedMap<u64>,
}

#[derive(Clone, Copy)]
struct Put {
    sequence: u64,
    since: u64,
    position: Position,
}

impl Put {
    fn is_newer_than(&self, other: &Self) -> bool {
        (self.since, self.sequence) > (other.since, other.sequence)
    }
}

/// What an index says about a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lookup {
    At(Position),
    /// No log has a put that counts. One in the snapshot counts if its `since` is at least this.
    Elsewhere(u64),
}

impl Default for Index {
    fn default() -> Self {
        Self::new(0)
    }
}

impl Index {
    /// Makes an index for the logs beside a snapshot with that horizon.
    pub(crate) fn new(horizon: u64) -> Self {
        Self { generations: vec![Generation::new(horizon)], cleared: 0, horizon }
    }

    /// Returns the sequence from which on records in logs count.
    pub(crate) fn horizon(&self) -> u64 {
        self.horizon
    }

    /// Returns the number of keys with a put that counts, or somewhat more.
    pub(crate) fn len(&self) -> usize {
        self.generations.iter().map(|generation| generation.puts).sum()
    }

    /// Returns the length in bytes of the records of these puts.
    pub(crate) fn bytes(&self) -> u64 {
        self.generations.iter().map(|generation| generation.bytes).sum()
    }

    /// Returns the length in bytes of their values that are kept apart.
    pub(crate) fn apart(&self) -> u64 {
        self.generations.iter().map(|generation| generation.apart).sum()
    }

    /// Returns whether all was removed that the snapshot has.
    pub(crate) fn is_cleared(&self) -> bool {
        self.cleared > 0
    }

    /// Notes the horizon that the page shows. Call it before a record is added, and after it is known that the record
    /// is committed.
    pub(crate) fn note_horizon(&mut self, horizon: u64) {
        if self.generations.last().is_some_and(|newest| horizon <= newest.horizon) {
            return;
        }
        // Puts of a snapshot count by other rules.
        let first = usize::from(self.generations[0].is_restored);
        if self.generations.len() - first == MAX_GENERATIONS {
            let oldest = self.generations.remove(first);
            self.generations[first].absorb(&oldest);
        }
        self.generations.push(Generation::new(horizon));
    }

    /// Notes the horizon that the page shows after all records so far were added. They may have been committed after
    /// it was raised.
    pub(crate) fn set_noted_horizon(&mut self, horizon: u64) {
        let newest = self.newest();
        newest.horizon = newest.horizon.max(horizon);
    }

    pub(crate) fn put(&mut self, hash: u64, sequence: u64, since: u64, position: Position) {
        if since >= self.horizon {
            self.add(hash, Put { sequence, since, position });
        }
    }

    /// Adds a put of a snapshot that has no index of its own. It counts although it is older than the horizon.
    pub(crate) fn restore(&mut self, hash: u64, sequence: u64, since: u64, position: Position) {
        if !self.generations[0].is_restored {
            let restored = Generation { is_restored: true, ..Generation::new(0) };
            self.generations.insert(0, restored);
        }
        let put = Put { sequence, since, position };
        if self.find(hash).is_none_or(|other| put.is_newer_than(other)) {
            self.generations[0].put(hash, put);
        }
    }

    fn add(&mut self, hash: u64, put: Put) {
        let is_newest = || self.find(hash).is_none_or(|other| put.is_newer_than(other));
        if put.since >= self.removed(hash) && is_newest() {
            self.newest().put(hash, put);
        }
    }

    fn newest(&mut self) -> &mut Generation {
        self.generations.last_mut().expect("there is always one")
    }

    pub(crate) fn remove(&mut self, hash: u64, sequence: u64) {
        if sequence <= self.horizon {
            return;
        }
        for generation in &mut self.generations {
            generation.end(hash, sequence);
        }
        self.newest().remove(hash, sequence);
    }

    pub(crate) fn clear(&mut self, sequence: u64) {
        if sequence <= self.horizon || sequence <= self.cleared {
            return;
        }
        self.cleared = sequence;
        for generation in &mut self.generations {
            generation.clear(sequence);
        }
    }

    pub(crate) fn get(&self, hash: u64) -> Lookup {
        match self.find(hash) {
            Some(put) => Lookup::At(put.position),
            None => Lookup::Elsewhere(self.removed(hash)),
        }
    }

    /// Returns the put of a key that counts.
    fn find(&self, hash: u64) -> Option<&Put> {
        let mut newest: Option<&Put> = None;
        for generation in &self.generations {
            let put = generation.part(hash).puts.get(&hash);
            // One that began before the horizon was added before the snapshot was there.
            let put = put.filter(|put| generation.is_restored || put.since >= self.horizon);
            newest = match (newest, put) {
                (Some(newest), Some(put)) if !put.is_newer_than(newest) => Some(newest),
                (newest, put) => put.or(newest),
            };
        }
        newest
    }

    /// Returns the highest sequence of a removal of a key, or of all.
    pub(crate) fn removed(&self, hash: u64) -> u64 {
        let removals = self.generations.iter();
        let removals = removals.filter_map(|generation| generation.part(hash).removals.get(&hash));
        let removed = removals.copied().filter(|sequence| *sequence > self.horizon).max();
        removed.map_or(self.cleared, |sequence| sequence.max(self.cleared))
    }

    /// Returns whether one of the tags of a put was removed after its computation began. `salt`: by which keys are
    /// hashed here.
    pub(crate) fn has_ended(&self, salt: u64, record_tags: &[u8], since: u64) -> bool {
        tags(record_tags).any(|tag| self.removed(key_hash(salt, &tag_key(tag))) > since)
    }

    /// Changes to a snapshot with that horizon. Returns what it makes needless.
    #[must_use = "freeing it takes time"]
    pub(crate) fn merged(&mut self, horizon: u64) -> Vec<Generation> {
        self.horizon = horizon;
        if self.cleared <= horizon {
            self.cleared = 0;
        }
        let count = self.generations.partition_point(|generation| generation.horizon < horizon);
        let merged = self.generations.drain(..count).collect();
        if self.generations.is_empty() {
            self.generations.push(Generation::new(horizon));
        }
        merged
    }

    /// Returns the hashes and positions of all puts that count.
    pub(crate) fn puts(&self) -> impl Iterator<Item = (u64, Position)> {
        let puts = self.generations.iter().flat_map(Generation::all);
        let puts = puts.map(|(hash, put)| (*hash, put.position));
        puts.filter(|(hash, position)| self.get(*hash) == Lookup::At(*position))
    }
}

impl Generation {
    fn new(horizon: u64) -> Self {
        let parts = vec![Part::default(); PARTS];
        Self { horizon, is_restored: false, parts, puts: 0, bytes: 0, apart: 0 }
    }

    fn all(&self) -> impl Iterator<Item = (&u64, &Put)> {
        self.parts.iter().flat_map(|part| &part.puts)
    }

    fn part(&self, hash: u64) -> &Part {
        // The tables use the lowest and the highest bits.
        &self.parts[(hash >> 40) as usize % PARTS]
    }

    fn part_mut(&mut self, hash: u64) -> &mut Part {
        &mut self.parts[(hash >> 40) as usize % PARTS]
    }

    fn put(&mut self, hash: u64, put: Put) {
        let before = self.part_mut(hash).puts.insert(hash, put);
        self.puts += 1;
        self.bytes += u64::from(put.position.len);
        self.apart += put.position.apart();
        if let Some(before) = before {
            self.take_off(&before);
        }
    }

    fn take_off(&mut self, put: &Put) {
        self.puts -= 1;
        self.bytes -= u64::from(put.position.len);
        self.apart -= put.position.apart();
    }

    fn remove(&mut self, hash: u64, sequence: u64) {
        let removed = self.part_mut(hash).removals.entry(hash).or_default();
        *removed = sequence.max(*removed);
    }

    /// Removes the put of a key if it began before `sequence`.
    fn end(&mut self, hash: u64, sequence: u64) {
        let puts = &mut self.part_mut(hash).puts;
        let ended = puts.get(&hash).copied().filter(|put| put.since < sequence);
        if let Some(put) = ended {
            puts.remove(&hash);
            self.take_off(&put);
        }
    }

    fn clear(&mut self, sequence: u64) {
        let parts = std::mem::replace(&mut self.parts, vec![Part::default(); PARTS]);
        (self.puts, self.bytes, self.apart) = (0, 0, 0);
        for part in parts {
            let puts = part.puts.into_iter().filter(|(_, put)| put.since >= sequence);
            puts.for_each(|(hash, put)| self.put(hash, put));
            let removals = part.removals.into_iter().filter(|(_, removed)| *removed > sequence);
            removals.for_each(|(hash, removed)| self.remove(hash, removed));
        }
    }

    /// Adds the records of an older generation.
    fn absorb(&mut self, older: &Self) {
        for (hash, put) in older.all() {
            let own = self.part(*hash).puts.get(hash);
            if own.is_none_or(|own| put.is_newer_than(own)) {
                self.put(*hash, *put);
            }
        }
        let removals = older.parts.iter().flat_map(|part| &part.removals);
        removals.for_each(|(hash, removed)| self.remove(*hash, *removed));
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
        index.remove(3, 4);
        index.note_horizon(5);
        index.put(2, 9, 8, at(20));
        index.put(6, 9, 4, at(30));
        index.remove(4, 10);
        assert_eq!(index.get(6), Lookup::At(at(30)));
        assert_eq!(index.merged(5).len(), 1);
        assert_eq!(index.get(1), Lookup::Elsewhere(0));
        assert_eq!(index.get(2), Lookup::At(at(20)));
        assert_eq!(index.get(3), Lookup::Elsewhere(0));
        assert_eq!(index.get(4), Lookup::Elsewhere(10));
        index.put(5, 12, 4, at(30));
        for hash in [5, 6] {
            assert_eq!(index.get(hash), Lookup::Elsewhere(0), "it began before the horizon");
        }
    }

    #[test]
    fn of_records_in_several_generations_the_newest_counts_and_removals_hold_in_all() {
        let mut index = Index::new(0);
        for horizon in 1..20 {
            index.note_horizon(horizon);
            let (sequence, hash) = (10 * horizon, horizon % 3);
            index.put(hash, sequence, sequence - 1, at(sequence));
            assert_eq!(index.get(hash), Lookup::At(at(sequence)));
            // It comes late, and is older.
            index.put(hash, sequence, 1, at(1));
            assert_eq!(index.get(hash), Lookup::At(at(sequence)));
            assert!(index.generations.len() <= MAX_GENERATIONS);
        }
        let all: Vec<u64> = index.puts().map(|(_, position)| position.at).collect();
        assert_eq!((all.len(), index.len() >= 3), (3, true));
        index.remove(1, 500);
        index.note_horizon(20);
        index.put(1, 501, 499, at(501));
        assert_eq!(index.get(1), Lookup::Elsewhere(500));
        index.clear(600);
        assert_eq!((index.get(2), index.len(), index.bytes()), (Lookup::Elsewhere(600), 0, 0));
        index.put(2, 700, 650, at(700));
        assert_eq!((index.get(2), index.len(), index.bytes()), (Lookup::At(at(700)), 1, 60));
    }
}
