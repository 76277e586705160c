//! What a thread remembers of its hits, so that the next one reads nothing that other threads write at hits: a table of
//! words, and the versions by which the parts of a cache say that they have changed.

pub(crate) mod table;
pub(crate) mod trial;
pub(crate) mod versions;
