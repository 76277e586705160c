//! The records that logs and snapshots consist of.

use std::time::Duration;

use super::cost::Cost;
use super::reference::Reference;

/// Milliseconds since 1970 by the wall clock. Times before 1970 are 0.
pub type WallMillis = u64;

/// One change of the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Record<'a> {
    /// An entry was computed or inserted.
    Put {
        /// The canonical key.
        key: &'a [u8],
        /// The value, as its codec encoded it. If it is kept apart: what stands in its place.
        value: &'a [u8],
        /// Whether the value is kept apart, in a file of its own.
        apart: bool,
        /// When it was computed.
        created: WallMillis,
        /// When it expires. `None`: never.
        expires: Option<WallMillis>,
        /// What it cost to compute it.
        cost: Cost,
        /// What it belongs to, eight bytes a tag.
        tags: &'a [u8],
    },
    /// An entry was invalidated.
    Remove {
        /// The canonical key.
        key: &'a [u8],
    },
    /// All entries were invalidated.
    Clear,
}

impl Record<'_> {
    /// Returns what it cost to compute the value, if that is known.
    pub(crate) fn cost(&self) -> Option<Duration> {
        match self {
            Self::Put { cost, .. } => cost.time(),
            Self::Remove { .. } | Self::Clear => None,
        }
    }

    /// Returns where the value is, if this is a put whose value is kept apart.
    pub(crate) fn reference(&self) -> Option<Reference> {
        match self {
            Self::Put { value, apart: true, .. } => Reference::parse(value),
            _ => None,
        }
    }
}
