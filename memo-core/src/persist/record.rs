//! What a log or a snapshot is made of.

/// Milliseconds since 1970 by the wall clock (before 1970: 0).
pub type WallMillis = u64;

/// One change of the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Record<'a> {
    /// An entry was computed or inserted.
    Put {
        /// The canonical key.
        key: &'a [u8],
        /// The value by its codec.
        value: &'a [u8],
        /// When it was computed.
        created: WallMillis,
        /// When it ceases to be valid.
        expires: Option<WallMillis>,
    },
    /// An entry was invalidated.
    Remove {
        /// The canonical key.
        key: &'a [u8],
    },
    /// All entries were.
    Clear,
}
