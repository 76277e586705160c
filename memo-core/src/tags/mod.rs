//! What results belong to, so that they can be invalidated together.
//!
//! A tag has a cell while an entry or a computation has it. The cell says when the tag was last invalidated, by a
//! number that grows with each invalidation: the epoch of tags. An entry is valid if none of its tags was invalidated
//! since its computation began. It remembers the epoch at which that was last found true, so a hit compares one word
//! with the present epoch, and looks at the cells only if a tag was invalidated since the last hit.

mod cell;
#[cfg(feature = "persist")]
mod journal;
mod registry;
mod set;
#[cfg(test)]
mod tests;

#[cfg(feature = "persist")]
pub(crate) use journal::{invalidated, note_invalidated};
#[cfg(feature = "remote")]
pub(crate) use registry::is_used;
pub(crate) use registry::{Ending, are_ending, epoch, invalidate};
pub(crate) use set::{OpenTags, TagSet};
