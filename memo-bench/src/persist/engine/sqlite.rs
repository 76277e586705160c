//! SQLite with the settings of Python's diskcache: a write-ahead log, which is synced when it is copied back.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension};

use super::Engine;

/// diskcache waits as long.
const TIMEOUT: Duration = Duration::from_secs(60);

const SETTINGS: &str = "
    PRAGMA journal_mode = wal;
    PRAGMA synchronous = normal;
    PRAGMA cache_size = 8192;
    PRAGMA mmap_size = 67108864;
    CREATE TABLE IF NOT EXISTS cache (key BLOB UNIQUE, value BLOB);
";

/// A connection is for one thread at a time.
struct Sqlite(Mutex<Connection>);

pub(super) fn open(folder: &Path) -> Box<dyn Engine> {
    let connect = || {
        let connection = Connection::open(folder.join("cache.db"))?;
        connection.busy_timeout(TIMEOUT)?;
        connection.execute_batch(SETTINGS)?;
        Ok::<_, rusqlite::Error>(connection)
    };
    Box::new(Sqlite(Mutex::new(connect().expect("a database can be created"))))
}

impl Sqlite {
    fn with<R>(&self, run: impl FnOnce(&Connection) -> rusqlite::Result<R>) -> R {
        run(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).expect("the database works")
    }
}

impl Engine for Sqlite {
    fn put(&self, key: u64, value: &[u8]) {
        self.with(|connection| {
            connection
                .prepare_cached("INSERT OR REPLACE INTO cache (key, value) VALUES (?, ?)")?
                .execute((&key.to_le_bytes()[..], value))
        });
    }

    fn get(&self, key: u64) -> Option<Vec<u8>> {
        self.with(|connection| {
            connection
                .prepare_cached("SELECT value FROM cache WHERE key = ?")?
                .query_row([&key.to_le_bytes()[..]], |row| row.get(0))
                .optional()
        })
    }
}
