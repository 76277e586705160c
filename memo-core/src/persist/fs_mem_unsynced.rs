//! What an in-memory disk has been told and not yet made durable, and what a crash may make of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Which file has which name.
pub(crate) type Names = BTreeMap<PathBuf, usize>;

#[derive(Debug, Clone)]
pub(crate) enum NameChange {
    Create(PathBuf, usize),
    Rename(PathBuf, PathBuf),
    Remove(PathBuf),
}

#[derive(Debug, Default)]
pub(crate) struct Inode {
    pub(crate) content: Vec<u8>,
    pub(crate) durable: Vec<u8>,
    pub(crate) unsynced: Vec<Change>,
    /// Where the last write ended if it took less than it was given: the next one there is its rest.
    pub(crate) short: Option<u64>,
}

#[derive(Debug, Clone)]
pub(crate) enum Change {
    Write(u64, Vec<u8>),
    Truncate(u64),
}

/// A disk writes sectors or pages as a whole, each in its own time.
const UNITS: [usize; 2] = [512, 4096];

/// What became of the changes of one file that were not synced. Numbers count changes; places are bytes of a write.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fate {
    Kept,
    Dropped,
    /// The first so many arrived.
    First(usize),
    /// One did not.
    Without(usize),
    /// One alone did.
    Only(usize),
    /// A write and what follows it was cut at this place.
    Cut(usize, usize),
    /// All arrived but a write's bytes before this place: its length is there, they are zeros or what was before.
    Beheaded(usize, usize),
    /// Lengths arrived; of a write the bytes from this place on did not, nor any of the following ones.
    ZeroTail(usize, usize),
    /// Of a write the bytes between these places alone did not arrive.
    Holed(usize, usize, usize),
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

    /// A write that was given `given` bytes and took these.
    pub(crate) fn write(&mut self, at: u64, bytes: &[u8], given: usize) {
        let change = Change::Write(at, bytes.to_vec());
        match (self.unsynced.last_mut(), self.short.take()) {
            (Some(Change::Write(_, begun)), Some(end)) if end == at => {
                begun.extend_from_slice(bytes);
                change.apply(&mut self.content);
            }
            _ => self.change(change),
        }
        self.short = (bytes.len() < given).then_some(at + bytes.len() as u64);
    }

    /// What may become of the file, [`Fate::Kept`] and [`Fate::Dropped`] first.
    pub(crate) fn fates(&self) -> Vec<Fate> {
        let mut fates = vec![Fate::Kept, Fate::Dropped];
        for (n, change) in self.unsynced.iter().enumerate() {
            fates.extend([Fate::First(n), Fate::Without(n), Fate::Only(n)]);
            let Change::Write(at, bytes) = change else { continue };
            let ends = ends_of_units(place(*at), bytes.len());
            for &to in &ends {
                fates.extend([Fate::Cut(n, to), Fate::Beheaded(n, to), Fate::ZeroTail(n, to)]);
            }
            fates.extend(ends.windows(2).map(|two| Fate::Holed(n, two[0], two[1])));
            // No disk is that poor, but a system may have been told of half a write only.
            fates.extend(
                [bytes.len() / 2, bytes.len().saturating_sub(1)].map(|to| Fate::Cut(n, to)),
            );
            fates.push(Fate::ZeroTail(n, 0));
        }
        fates
    }

    pub(crate) fn after(&self, fate: Fate) -> Vec<u8> {
        let mut changes = self.unsynced.clone();
        match fate {
            Fate::Kept => {}
            Fate::Dropped => changes.clear(),
            Fate::First(n) => changes.truncate(n),
            Fate::Without(n) => drop(changes.remove(n)),
            Fate::Only(n) => changes = vec![changes.swap_remove(n)],
            Fate::Cut(n, at) => {
                changes.truncate(n + 1);
                changes[n].cut(at);
            }
            Fate::Beheaded(n, to) => changes[n].blank(0, to),
            Fate::ZeroTail(n, from) => {
                changes[n].blank(from, usize::MAX);
                changes[n + 1..].iter_mut().for_each(|change| change.blank(0, usize::MAX));
            }
            Fate::Holed(n, from, to) => changes[n].blank(from, to),
        }
        let mut content = self.durable.clone();
        changes.iter().for_each(|change| change.apply(&mut content));
        content
    }
}

/// Where sectors and pages end within a write of `len` bytes at `at`, counted from its first byte.
fn ends_of_units(at: usize, len: usize) -> Vec<usize> {
    let ends = |unit: usize| ((at / unit + 1) * unit..at + len).step_by(unit).map(|end| end - at);
    let mut places: Vec<usize> = UNITS.into_iter().flat_map(ends).collect();
    places.sort_unstable();
    places.dedup();
    places
}

fn place(n: u64) -> usize {
    usize::try_from(n).expect("a file that fits in memory")
}

impl Change {
    pub(crate) fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Self::Write(at, bytes) => {
                let end = place(*at) + bytes.len();
                content.resize(content.len().max(end), 0);
                content[place(*at)..end].copy_from_slice(bytes);
            }
            Self::Truncate(len) => content.resize(place(*len), 0),
        }
    }

    fn cut(&mut self, len: usize) {
        if let Self::Write(_, bytes) = self {
            bytes.truncate(len);
        }
    }

    fn blank(&mut self, from: usize, to: usize) {
        if let Self::Write(_, bytes) = self {
            let to = to.min(bytes.len());
            bytes[from..to].fill(0);
        }
    }
}
