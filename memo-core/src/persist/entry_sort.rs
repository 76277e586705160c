//! Sorts the entries of the index of a snapshot in bounded memory, by an external merge sort: what fills the memory is
//! sorted and written to a temporary file, as a *run*. In the end the runs are read side by side.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::file_name::{Name, remove};
use super::frame::{u32_at, u64_at};
use super::fs::{File, Fs, read_full, write_all};
use super::snapshot_index::IndexEntry;

/// The most entries in memory. In tests few, so that all their snapshots are sorted on disk too.
const IN_MEMORY: usize = if cfg!(test) { 3 } else { 1 << 20 };
/// The bytes of an entry in a run.
const ENTRY: usize = 20;
/// Runs are written and read in pieces of this many bytes.
const PIECE: usize = ENTRY * (3 << 10);

/// Returns the bytes that an entry takes on disk while so many are sorted.
pub(crate) fn share(entries: u64) -> u64 {
    if entries > IN_MEMORY as u64 { ENTRY as u64 } else { 0 }
}

/// The entries of a snapshot that is being written.
pub(super) struct EntrySort<'a> {
    fs: &'a dyn Fs,
    dir: &'a Path,
    name: Name,
    count: u64,
    /// Those that are in no run.
    memory: Vec<IndexEntry>,
    /// The file with the runs, and where each ends. It is removed on drop.
    file: Option<Arc<dyn File>>,
    ends: Vec<u64>,
}

impl<'a> EntrySort<'a> {
    /// `number`: that of the snapshot.
    pub(super) fn new(fs: &'a dyn Fs, dir: &'a Path, number: u64) -> Self {
        let name = Name::TempSort(number);
        Self { fs, dir, name, count: 0, memory: Vec::new(), file: None, ends: Vec::new() }
    }

    /// # Errors
    /// The errors of the system.
    pub(super) fn push(&mut self, entry: IndexEntry) -> io::Result<()> {
        if self.memory.len() == IN_MEMORY {
            self.write_run()?;
        }
        self.count += 1;
        self.memory.push(entry);
        Ok(())
    }

    pub(super) fn len(&self) -> u64 {
        self.count
    }

    /// Called after the last entry was added. Keeps nothing in memory if there are runs.
    ///
    /// # Errors
    /// The errors of the system.
    pub(super) fn end(&mut self) -> io::Result<()> {
        if self.file.is_some() {
            self.write_run()?;
            self.memory = Vec::new();
        }
        self.memory.sort_unstable();
        Ok(())
    }

    /// Returns all entries, sorted. Call [`Self::end`] before.
    ///
    /// # Errors
    /// The errors of the system.
    pub(super) fn sorted(&self) -> io::Result<Sorted<'_>> {
        let Some(file) = &self.file else { return Ok(Sorted::Memory(self.memory.iter())) };
        let starts = std::iter::once(&0).chain(&self.ends);
        let mut runs: Vec<Run<'_>> =
            starts.zip(&self.ends).map(|(at, end)| Run::new(&**file, *at, *end)).collect();
        let mut first = BinaryHeap::with_capacity(runs.len());
        for (number, run) in runs.iter_mut().enumerate() {
            first.extend(run.next()?.map(|entry| Reverse((entry, number))));
        }
        Ok(Sorted::Runs(runs, first))
    }

    fn write_run(&mut self) -> io::Result<()> {
        self.memory.sort_unstable();
        let file = match &self.file {
            Some(file) => file,
            None => {
                // A process that was killed may have left one.
                remove(self.fs, self.dir, self.name)
                    .map_err(|e| io::Error::other(e.to_string()))?;
                self.file.insert(self.fs.create(&self.name.at(self.dir))?)
            }
        };
        let mut at = self.ends.last().copied().unwrap_or(0);
        let mut bytes = Vec::with_capacity(PIECE);
        for entries in self.memory.chunks(PIECE / ENTRY) {
            bytes.clear();
            for IndexEntry { hash, at, len } in entries {
                bytes.extend_from_slice(&hash.to_le_bytes());
                bytes.extend_from_slice(&at.to_le_bytes());
                bytes.extend_from_slice(&len.to_le_bytes());
            }
            write_all(&**file, &bytes, at)?;
            at += bytes.len() as u64;
        }
        self.ends.push(at);
        self.memory.clear();
        Ok(())
    }
}

impl Drop for EntrySort<'_> {
    fn drop(&mut self) {
        if self.file.take().is_some() {
            // What is left is removed by the next merge.
            let _ = remove(self.fs, self.dir, self.name);
        }
    }
}

/// Sorted entries.
pub(super) enum Sorted<'a> {
    Memory(std::slice::Iter<'a, IndexEntry>),
    /// The runs, and the first entry of each that was not returned yet.
    Runs(Vec<Run<'a>>, BinaryHeap<Reverse<(IndexEntry, usize)>>),
}

impl Iterator for Sorted<'_> {
    type Item = io::Result<IndexEntry>;

    fn next(&mut self) -> Option<Self::Item> {
        let (runs, first) = match self {
            Self::Memory(entries) => return entries.next().copied().map(Ok),
            Self::Runs(runs, first) => (runs, first),
        };
        let Reverse((entry, number)) = first.pop()?;
        match runs[number].next() {
            Ok(next) => first.extend(next.map(|entry| Reverse((entry, number)))),
            Err(e) => return Some(Err(e)),
        }
        Some(Ok(entry))
    }
}

/// A run that is being read.
pub(super) struct Run<'a> {
    file: &'a dyn File,
    /// What was read and not returned yet: `piece` from the offset `used` on.
    piece: Vec<u8>,
    used: usize,
    /// Where in the file reading goes on, and where the run ends.
    at: u64,
    end: u64,
}

impl<'a> Run<'a> {
    fn new(file: &'a dyn File, at: u64, end: u64) -> Self {
        Self { file, piece: Vec::new(), used: 0, at, end }
    }

    fn next(&mut self) -> io::Result<Option<IndexEntry>> {
        if self.used == self.piece.len() {
            let left = usize::try_from(self.end - self.at).unwrap_or(PIECE);
            self.piece.resize(left.min(PIECE), 0);
            if read_full(self.file, &mut self.piece, self.at)? < self.piece.len() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.at += self.piece.len() as u64;
            self.used = 0;
        }
        let Some(bytes) = self.piece.get(self.used..self.used + ENTRY) else { return Ok(None) };
        self.used += ENTRY;
        Ok(Some(IndexEntry {
            hash: u64_at(bytes, 0),
            at: u64_at(bytes, 8),
            len: u32_at(bytes, 16),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Failure, MemFs};
    use super::*;

    fn entry(n: u64) -> IndexEntry {
        IndexEntry { hash: n.wrapping_mul(0x9e37_79b9_7f4a_7c15), at: n, len: 60 }
    }

    fn dir() -> &'static Path {
        Path::new("/d")
    }

    #[test]
    fn entries_are_sorted_however_many_there_are_and_the_file_is_removed() {
        let fs = MemFs::new();
        fs.create_dir(dir(), Path::new("")).unwrap();
        for count in [0, 1, 3, 4, 100, 20_000] {
            let mut sort = EntrySort::new(&fs, dir(), 7);
            let mut expected: Vec<_> = (0..count).map(entry).collect();
            expected.iter().for_each(|entry| sort.push(*entry).unwrap());
            sort.end().unwrap();
            expected.sort_unstable();
            assert_eq!(sort.len(), count);
            assert_eq!(fs.paths().len(), usize::from(share(count) > 0), "{count}");
            for _ in 0..2 {
                let sorted: Result<Vec<_>, _> = sort.sorted().unwrap().collect();
                assert_eq!(sorted.unwrap(), expected, "{count}");
            }
            drop(sort);
            assert!(fs.paths().is_empty(), "{count}");
        }
    }

    #[test]
    fn a_failure_is_an_error_and_leaves_no_file() {
        for at in 0.. {
            let fs = MemFs::new();
            fs.create_dir(dir(), Path::new("")).unwrap();
            fs.fail(Some(Failure { at: fs.operations() + at, count: 1, errno: 5 }));
            let mut sort = EntrySort::new(&fs, dir(), 7);
            let pushed = (0..10).map(entry).try_for_each(|entry| sort.push(entry));
            let ended = pushed.and_then(|()| sort.end());
            let sorted = ended.and_then(|()| sort.sorted()?.collect::<Result<Vec<_>, _>>());
            let before_drop = fs.operations();
            drop(sort);
            match sorted {
                Err(_) => assert!(fs.paths().is_empty(), "{at}"),
                Ok(sorted) => {
                    assert_eq!(sorted.len(), 10);
                    // The failure came at the removal, or not at all.
                    assert!(fs.operations() > before_drop && at >= 5, "{at}");
                    return;
                }
            }
        }
    }
}
