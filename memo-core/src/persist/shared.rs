//! What the parts of a store share: its directory, what was read of it, its writer, and the notes that they leave for
//! each other.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::Duration;

use once_cell::sync::OnceCell;

use super::deferred::Deferred;
use super::disk_limit::DiskLimit;
use super::durability::Durability;
use super::fs::Fs;
use super::header::random_salt;
use super::identity::Identity;
use super::key_locks::KeyLocks;
use super::log_file::StoreDirectory;
use super::new_value::{NewValues, Values};
use super::place::Place;
use super::share::Share;
use super::state::State;
use super::tail::Tail;
use super::touched::Touched;
use super::view::{Removal, View};
use super::writer::Writer;
use crate::error::Error;
use crate::platform::clock::{self, Millis};
use crate::platform::fork;
use crate::platform::maintenance::Registration;
use crate::platform::sync::{self, usual::Mutex};

/// A record is written again at most this often because a snapshot was begun meanwhile.
pub(crate) const MAX_ATTEMPTS: u32 = 8;

/// Times in files may lie so far ahead of the clock, even if the time to live is less: clocks are set back.
const LEAST_TOLERANCE: Duration = Duration::from_secs(24 * 3600);

/// What a store is made of. The background thread holds it too.
pub(crate) struct Shared {
    pub(crate) fs: Arc<dyn Fs>,
    pub(crate) place: Place,
    pub(crate) identity: Identity,
    pub(crate) durability: Durability,
    /// The process that opened the store, by its generation.
    pub(crate) process: u64,
    /// The number by which this process hashes keys.
    pub(crate) salt: u64,
    /// How far a time in a file may lie ahead of the clock.
    pub(crate) tolerance: Millis,
    pub(crate) view: Mutex<View>,
    /// Whether a merge was begun because of times that lie further ahead. That is done once, because another process
    /// with another clock may write such times again and again.
    pub(crate) has_merged_future: AtomicBool,
    /// How far this process has followed others. Held while it does, and until what they removed is removed here too.
    pub(crate) following: Mutex<Following>,
    /// What may not be in a log yet. `None`: each record is written before its commit returns.
    pub(crate) deferred: Option<Mutex<Deferred>>,
    /// The page, for a process that only reads.
    pub(crate) observed: OnceCell<State>,
    pub(crate) writer: OnceCell<Writer>,
    pub(crate) emptied: sync::Mutex<Emptied>,
    pub(crate) limit: DiskLimit,
    pub(crate) touched: Mutex<Touched>,
    /// Whether a log of this process was removed by somebody, and what it held was not written again.
    pub(crate) has_lost_log: AtomicBool,
    /// How long the log of this process was when the logs were last found not to have outgrown the snapshot.
    pub(crate) not_outgrown_at: AtomicU64,
    pub(crate) key_locks: KeyLocks,
    /// The word that counts removals, once it was asked for: of the page that was observed, and of the page to which
    /// this process writes. Between these the directory may have been created again.
    pub(crate) observed_removals: OnceCell<&'static AtomicU64>,
    pub(crate) removals: OnceCell<&'static AtomicU64>,
    /// The count of removals up to which this process has followed.
    pub(crate) removals_seen: AtomicU64,
    /// Whether the background thread syncs the log. It does from the first commit on, if the durability requires it.
    pub(crate) maintenance: Registration,
}

/// Whether all files were removed, because no log could take an invalidation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Emptied {
    /// No, or a log was begun since.
    #[default]
    No,
    /// The removal has begun. Some files may be left.
    Partly,
    /// All files are removed, durably.
    Wholly,
}

/// How far this process has followed others.
#[derive(Default)]
pub(crate) struct Following {
    pub(crate) tail: Tail,
    /// What others removed and was not passed on yet.
    pub(crate) found: Vec<Removal>,
}

impl Shared {
    pub(crate) fn new(
        fs: Arc<dyn Fs>,
        place: &Place,
        identity: &Identity,
        durability: Durability,
        ttl: Duration,
        share: Share,
    ) -> Self {
        let (salt, tolerance) = (random_salt(), clock::millis(ttl.max(LEAST_TOLERANCE)));
        Self {
            fs,
            place: place.clone(),
            identity: identity.clone(),
            durability,
            process: fork::generation(),
            salt,
            tolerance,
            view: Mutex::new(View::new(share, salt, tolerance)),
            has_merged_future: AtomicBool::new(false),
            following: Mutex::default(),
            deferred: durability.buffer_limit().map(|_| Mutex::default()),
            observed: OnceCell::new(),
            writer: OnceCell::new(),
            emptied: sync::Mutex::default(),
            limit: DiskLimit::none(),
            touched: Mutex::default(),
            has_lost_log: AtomicBool::new(false),
            not_outgrown_at: AtomicU64::new(u64::MAX),
            key_locks: KeyLocks::default(),
            observed_removals: OnceCell::new(),
            removals: OnceCell::new(),
            removals_seen: AtomicU64::new(0),
            maintenance: Registration::new(),
        }
    }

    pub(crate) fn directory(&self) -> StoreDirectory<'_> {
        let (fs, dir, base) = (&*self.fs, self.place.dir(), self.place.base());
        StoreDirectory { fs, dir, base, identity: &self.identity }
    }

    /// Counts the error if `result` is one.
    pub(crate) fn count_error<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        result.inspect_err(|error| {
            if let Some(writer) = self.writer.get() {
                writer.wal.backoff.count(error);
            }
        })
    }

    /// Returns the page, if there is one.
    pub(crate) fn state(&self) -> Option<&State> {
        self.writer.get().map(|writer| &writer.state).or_else(|| self.observed.get())
    }

    pub(crate) fn writing(&self) -> Result<&Writer, Error> {
        self.writer.get().ok_or(Error::NotPersistent)
    }

    /// Returns the log that this process writes, and its length.
    pub(crate) fn own_log(&self) -> Option<(u64, u64)> {
        self.writer.get().map(|writer| (writer.wal.log(), writer.wal.len()))
    }
}

impl Values for Shared {
    fn fs(&self) -> &dyn Fs {
        &*self.fs
    }

    fn dir(&self) -> &Path {
        self.place.dir()
    }

    fn new_values(&self) -> &NewValues {
        &self.writer.get().expect("a store that has begun to write").values
    }
}
