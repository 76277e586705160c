//! The tags that this process has invalidated. A function that it calls for the first time afterwards may have results
//! on disk that have them.

use std::collections::HashSet;

use crate::key::Tag;
use crate::platform::sync::usual::Mutex;

/// The most tags that are remembered.
const MAX: usize = 1 << 16;

static INVALIDATED: Mutex<Invalidated> = Mutex::new(Invalidated::None);

/// What this process has invalidated.
pub(crate) enum Invalidated {
    None,
    Tags(HashSet<Tag>),
    /// So many tags that each may be among them.
    Any,
}

impl Invalidated {
    fn add(&mut self, tag: Tag) {
        match self {
            Self::None => *self = Self::Tags(HashSet::from([tag])),
            Self::Tags(tags) if tags.len() == MAX && !tags.contains(&tag) => *self = Self::Any,
            Self::Tags(tags) => _ = tags.insert(tag),
            Self::Any => {}
        }
    }
}

pub(crate) fn note_invalidated(tag: Tag) {
    INVALIDATED.lock().add(tag);
}

/// Returns what this process has invalidated so far.
pub(crate) fn invalidated() -> Invalidated {
    match &*INVALIDATED.lock() {
        Invalidated::None => Invalidated::None,
        Invalidated::Tags(tags) => Invalidated::Tags(tags.clone()),
        Invalidated::Any => Invalidated::Any,
    }
}
