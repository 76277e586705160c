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
}

#[derive(Debug, Clone)]
pub(crate) enum Change {
    Write(u64, Vec<u8>),
    Truncate(u64),
}

/// What became of the writes that were not synced.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fate {
    Kept,
    Dropped,
    /// The last is cut at half its length, or one byte short.
    Torn,
    Nicked,
    /// The last alone arrived.
    Reordered,
    /// Lengths arrived, content did not.
    Zeroed,
    /// All arrived but the second half of what the file begins with.
    Holed,
}

pub(crate) const FATES: [Fate; 7] = [
    Fate::Kept,
    Fate::Dropped,
    Fate::Torn,
    Fate::Nicked,
    Fate::Reordered,
    Fate::Zeroed,
    Fate::Holed,
];

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

    pub(crate) fn after(&self, fate: Fate) -> Vec<u8> {
        let mut changes = self.unsynced.clone();
        let last = changes.iter().rposition(|change| matches!(change, Change::Write(..)));
        match (fate, last) {
            (Fate::Kept, _) | (Fate::Torn | Fate::Nicked | Fate::Reordered, None) => {}
            (Fate::Dropped, _) => changes.clear(),
            (Fate::Torn, Some(n)) => changes[n].cut(|len| len / 2),
            (Fate::Nicked, Some(n)) => changes[n].cut(|len| len.saturating_sub(1)),
            (Fate::Reordered, Some(n)) => changes = vec![changes.remove(n)],
            (Fate::Zeroed, _) => changes.iter_mut().for_each(|change| change.blank(0)),
            (Fate::Holed, _) => {
                if let Some(Change::Write(0, bytes)) = changes.first() {
                    let half = bytes.len() / 2;
                    changes[0].blank(half);
                }
            }
        }
        let mut content = self.durable.clone();
        changes.iter().for_each(|change| change.apply(&mut content));
        content
    }
}

impl Change {
    pub(crate) fn apply(&self, content: &mut Vec<u8>) {
        let place = |n: u64| usize::try_from(n).expect("a file that fits in memory");
        match self {
            Self::Write(at, bytes) => {
                let end = place(*at) + bytes.len();
                content.resize(content.len().max(end), 0);
                content[place(*at)..end].copy_from_slice(bytes);
            }
            Self::Truncate(len) => content.resize(place(*len), 0),
        }
    }

    fn cut(&mut self, to: impl Fn(usize) -> usize) {
        if let Self::Write(_, bytes) = self {
            bytes.truncate(to(bytes.len()));
        }
    }

    fn blank(&mut self, from: usize) {
        if let Self::Write(_, bytes) = self {
            bytes[from..].fill(0);
        }
    }
}
