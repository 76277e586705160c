//! A directory of one function's results: a write-ahead log, snapshots, recovery.

/// What a crash may lose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// Everything since the last `flush()` or `snapshot()`.
    None,
    /// Nothing when the process dies; on power loss what the system had not written.
    Os,
    /// Nothing when the process dies; on power loss the last second.
    #[default]
    Interval,
    /// Nothing.
    Always,
}

/// Whose results a directory holds; anything that differs makes what is on disk another cache's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The function's full name, with its instance when generic.
    pub function: String,
    /// The version of the key encoding.
    pub key_format: u32,
    /// The fingerprint of the value's type.
    pub schema: u128,
    /// The fingerprint of the function's code, or of its `version`.
    pub code: u128,
}

/// Milliseconds since 1970 by the wall clock (before 1970: 0).
pub type WallMillis = u64;

/// One change of the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Record<'a> {
    /// An entry was computed or inserted.
    Put { key: &'a [u8], value: &'a [u8], created: WallMillis, expires: Option<WallMillis> },
    /// An entry was invalidated.
    Remove { key: &'a [u8] },
    /// All entries were.
    Clear,
}

/// What recovery found.
#[derive(Debug, Clone, Default)]
pub struct Recovery {
    /// Records handed to the callback.
    pub records: u64,
    /// Entries, files or torn tails that were not used, with the reason for each kind of loss.
    pub discarded: Vec<(u64, String)>,
}

/// An open directory: this process holds its lock, and appends to its log.
pub struct Store {}

/// The place of a queued record in the log; hand it to [`Store::commit`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(u64);
