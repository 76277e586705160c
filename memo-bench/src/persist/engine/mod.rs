//! Embedded engines, as a program would use them by hand: one table from keys to values, a transaction for each
//! insertion that waits for no disk. Keys are 8 bytes. SQLite and LMDB are built from C, so a feature adds them.

#[cfg(feature = "engines")]
mod lmdb;
mod redb;
#[cfg(feature = "engines")]
mod sqlite;

use std::path::Path;

/// An open database.
pub(crate) trait Engine: Send + Sync {
    fn put(&self, key: u64, value: &[u8]);
    fn get(&self, key: u64) -> Option<Vec<u8>>;
}

/// An engine that can be measured.
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    /// Opens the database in this folder, which exists.
    pub(crate) open: fn(&Path) -> Box<dyn Engine>,
    /// Whether several processes can open one folder.
    pub(crate) is_shared: bool,
}

pub(crate) const KINDS: &[Kind] = &[
    Kind { name: "redb", open: redb::open, is_shared: false },
    #[cfg(feature = "engines")]
    Kind { name: "sqlite", open: sqlite::open, is_shared: true },
    #[cfg(feature = "engines")]
    Kind { name: "lmdb", open: lmdb::open, is_shared: true },
];
