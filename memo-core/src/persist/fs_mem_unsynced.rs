//! The changes of an in-memory disk that were not synced, and what may become of them in a crash.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The file of each name, as an index into the list of files.
pub(crate) type Names = BTreeMap<PathBuf, usize>;

/// A change of the names in a directory.
#[derive(Debug, Clone)]
pub(crate) enum NameChange {
    Create(PathBuf, usize),
    /// From the first path to the second.
    Rename(PathBuf, PathBuf),
    Remove(PathBuf),
}

/// A file.
#[derive(Debug, Default)]
pub(crate) struct Inode {
    /// The content as the process sees it.
    pub(crate) content: Vec<u8>,
    /// The content that was synced.
    pub(crate) durable: Vec<u8>,
    /// Changes since the last sync, in order.
    pub(crate) unsynced: Vec<Change>,
    /// The offset at which the last write ended, if it was short. A write that begins there continues it, and counts as
    /// one write with it.
    pub(crate) short: Option<u64>,
}

/// A change of the content of a file.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    /// Bytes at an offset.
    Write(u64, Vec<u8>),
    /// A new length.
    Truncate(u64),
}

/// The sizes of a sector and of a page in bytes. A disk writes each of them as a whole, but not all at the same time.
const WRITE_UNITS: [usize; 2] = [512, 4096];

/// What became of the unsynced changes of one file in a crash. The first number is the index of a change. The numbers
/// after it are offsets in the bytes of that write.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Outcome {
    /// All changes reached the disk.
    Kept,
    /// No change reached the disk.
    Dropped,
    /// Only the changes before this one reached the disk.
    First(usize),
    /// All changes but this one reached the disk.
    Without(usize),
    /// Only this change reached the disk.
    Only(usize),
    /// This write was cut at the offset. No later change reached the disk.
    Cut(usize, usize),
    /// All changes reached the disk, but the bytes of this write before the offset are zeros.
    ZeroHead(usize, usize),
    /// The length of the file reached the disk. The bytes of this write from the offset on are zeros, and so are the
    /// bytes of all later writes.
    ZeroTail(usize, usize),
    /// All changes reached the disk, but the bytes of this write between the two offsets are zeros.
    ZeroMiddle(usize, usize, usize),
}

impl NameChange {
    pub(crate) fn apply(&self, names: &mut Names) {
        match self {
            Self::Create(path, inode) => {
                names.insert(path.clone(), *inode);
            }
            Self::Rename(from, to) => {
                if let Some(inode) = names.remove(from) {
                    names.insert(to.clone(), inode);
                }
            }
            Self::Remove(path) => {
                names.remove(path);
            }
        }
    }

    /// Returns whether the change is one of the directory `dir`.
    pub(crate) fn is_in(&self, dir: &Path) -> bool {
        let (Self::Create(path, _) | Self::Rename(_, path) | Self::Remove(path)) = self;
        path.parent() == Some(dir)
    }
}

impl Inode {
    pub(crate) fn change(&mut self, change: Change) {
        change.apply(&mut self.content);
        self.unsynced.push(change);
    }

    /// Writes `bytes` at the offset `at`. They are the first of the `given` bytes of the call, which is short if there
    /// are more.
    pub(crate) fn write(&mut self, at: u64, bytes: &[u8], given: usize) {
        let change = Change::Write(at, bytes.to_vec());
        match (self.unsynced.last_mut(), self.short.take()) {
            (Some(Change::Write(_, written)), Some(end)) if end == at => {
                written.extend_from_slice(bytes);
                change.apply(&mut self.content);
            }
            _ => self.change(change),
        }
        self.short = (bytes.len() < given).then_some(at + bytes.len() as u64);
    }

    /// Returns what may become of the unsynced changes, [`Outcome::Kept`] and [`Outcome::Dropped`] first.
    pub(crate) fn outcomes(&self) -> Vec<Outcome> {
        let mut outcomes = vec![Outcome::Kept, Outcome::Dropped];
        for (n, change) in self.unsynced.iter().enumerate() {
            outcomes.extend([Outcome::First(n), Outcome::Without(n), Outcome::Only(n)]);
            let Change::Write(at, bytes) = change else { continue };
            let ends = ends_of_units(to_usize(*at), bytes.len());
            for &to in &ends {
                outcomes.extend([
                    Outcome::Cut(n, to),
                    Outcome::ZeroHead(n, to),
                    Outcome::ZeroTail(n, to),
                ]);
            }
            outcomes.extend(ends.windows(2).map(|two| Outcome::ZeroMiddle(n, two[0], two[1])));
            // No disk cuts within a sector, but the process may have died when the system had only a part of the write.
            outcomes.extend(
                [bytes.len() / 2, bytes.len().saturating_sub(1)].map(|to| Outcome::Cut(n, to)),
            );
            outcomes.push(Outcome::ZeroTail(n, 0));
        }
        outcomes
    }

    /// Returns the content of the file after a crash with this outcome.
    pub(crate) fn after(&self, outcome: Outcome) -> Vec<u8> {
        let mut changes = self.unsynced.clone();
        match outcome {
            Outcome::Kept => {}
            Outcome::Dropped => changes.clear(),
            Outcome::First(n) => changes.truncate(n),
            Outcome::Without(n) => drop(changes.remove(n)),
            Outcome::Only(n) => changes = vec![changes.swap_remove(n)],
            Outcome::Cut(n, at) => {
                changes.truncate(n + 1);
                changes[n].cut(at);
            }
            Outcome::ZeroHead(n, to) => changes[n].zero(0, to),
            Outcome::ZeroTail(n, from) => {
                changes[n].zero(from, usize::MAX);
                changes[n + 1..].iter_mut().for_each(|change| change.zero(0, usize::MAX));
            }
            Outcome::ZeroMiddle(n, from, to) => changes[n].zero(from, to),
        }
        let mut content = self.durable.clone();
        changes.iter().for_each(|change| change.apply(&mut content));
        content
    }
}

/// Returns where sectors and pages end within a write of `len` bytes at the offset `at`, counted from its first byte.
fn ends_of_units(at: usize, len: usize) -> Vec<usize> {
    let ends = |unit: usize| ((at / unit + 1) * unit..at + len).step_by(unit).map(|end| end - at);
    let mut offsets: Vec<usize> = WRITE_UNITS.into_iter().flat_map(ends).collect();
    offsets.sort_unstable();
    offsets.dedup();
    offsets
}

fn to_usize(n: u64) -> usize {
    usize::try_from(n).expect("a file that fits in memory")
}

impl Change {
    pub(crate) fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Self::Write(at, bytes) => {
                let end = to_usize(*at) + bytes.len();
                content.resize(content.len().max(end), 0);
                content[to_usize(*at)..end].copy_from_slice(bytes);
            }
            Self::Truncate(len) => content.resize(to_usize(*len), 0),
        }
    }

    /// Shortens a write to `len` bytes.
    fn cut(&mut self, len: usize) {
        if let Self::Write(_, bytes) = self {
            bytes.truncate(len);
        }
    }

    /// Replaces the bytes of a write from `from` to `to` with zeros.
    fn zero(&mut self, from: usize, to: usize) {
        if let Self::Write(_, bytes) = self {
            let to = to.min(bytes.len());
            bytes[from..to].fill(0);
        }
    }
}
