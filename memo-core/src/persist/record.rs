//! The records that logs and snapshots consist of.

use super::cost::Cost;

/// Milliseconds since 1970 by the wall clock. Times before 1970 are 0.
pub type WallMillis = u64;

/// One change of the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Record<'a> {
    /// An entry was computed or inserted.
    Put {
        /// The canonical key.
        key: &'a [u8],
        /// The value, as its codec encoded it.
        value: &'a [u8],
        /// When it was computed.
        created: WallMillis,
        /// When it expires. `None`: never.
        expires: Option<WallMillis>,
        /// What it cost to compute it.
        cost: Cost,
    },
    /// An entry was invalidated.
    Remove {
        /// The canonical key.
        key: &'a [u8],
    },
    /// All entries were invalidated.
    Clear,
}
