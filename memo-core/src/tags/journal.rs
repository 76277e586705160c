//! The tags that this process has invalidated. A function that it calls for the first time afterwards may have results
//! on disk that have them.

use std::collections::BTreeSet;

use crate::key::Tag;
use crate::platform::sync::usual::Mutex;

/// The most tags that are remembered.
const MAX: usize = 1 << 16;

/// `None`: so many that each may be among them.
static INVALIDATED: Mutex<Option<BTreeSet<u64>>> = Mutex::new(Some(BTreeSet::new()));

pub(crate) fn note_invalidated(tag: Tag) {
    let mut invalidated = INVALIDATED.lock();
    if let Some(tags) = &mut *invalidated {
        tags.insert(tag.bits());
        if tags.len() > MAX {
            *invalidated = None;
        }
    }
}

/// Returns what this process has invalidated so far. `None`: so many tags that each may be among them.
pub(crate) fn invalidated() -> Option<Vec<Tag>> {
    let invalidated = INVALIDATED.lock();
    Some(invalidated.as_ref()?.iter().copied().map(Tag::from_bits).collect())
}
