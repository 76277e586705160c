//! Opens the directory of a cache when there is something to read or to write, and encodes and decodes values.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use crate::platform::sync::usual::Mutex;
use once_cell::sync::OnceCell;

use crate::codec::Codec;
use crate::error::Error;
use crate::key::tag;
use crate::persist::{Durability, Fs, Identity, RealFs, Record, Store};
use crate::platform::clock::{self, Millis, NEVER};
use crate::statistics::counters::Counter;
use crate::statistics::stats::Stats;

/// The delay before the first retry. It doubles with each failure, up to [`MAX_DELAY`].
const MIN_DELAY: Duration = Duration::from_secs(1);
const MAX_DELAY: Duration = Duration::from_secs(300);

/// The directory of one cache's results.
pub(crate) struct ValueStore<V: 'static> {
    pub(crate) dir: PathBuf,
    durability: Durability,
    codec: Box<dyn Codec<V>>,
    /// The identity of the function's files. Its `schema`, the fingerprint of the values' type, is not set.
    identity: Identity,
    /// The fingerprint of the values' type, or why the type cannot be stored. Computed when it is first needed, because
    /// that runs the type's `Deserialize`.
    schema: OnceCell<Result<u128, Error>>,
    fs: Arc<dyn Fs>,
    store: OnceCell<Store>,
    /// How far the wall clock was behind the times in the files when they were opened, in milliseconds. Records are
    /// written with the time of the files, so that the next opening does not treat them as long past.
    behind: AtomicU64,
    failure: Mutex<Failure>,
    pub(crate) errors: Counter,
    /// How many entries recovery restored.
    pub(crate) recovered: Counter,
    /// How many records recovery discarded, by reason.
    pub(crate) discarded: Mutex<Vec<(u64, String)>>,
    pub(crate) damage: Mutex<Vec<Error>>,
}

/// The last failure, and when the next retry is due.
#[derive(Default)]
struct Failure {
    error: Option<Error>,
    /// Whether a value was stored since.
    is_over: bool,
    /// `None`: the next attempt need not wait.
    retry_at: Option<Instant>,
    /// The last delay before a retry.
    delay: Duration,
}

/// A change that recovery found. `B` is the type of its key.
pub(crate) enum Change<B, V> {
    Put(B, V, Millis),
    Remove(B),
    Clear,
}

/// Is called with each change that recovery found, in order.
pub(crate) type Replay<'a, V> = dyn FnMut(Change<&[u8], V>) + 'a;

impl<V> Change<&[u8], V> {
    pub(crate) fn into_owned(self) -> Change<Box<[u8]>, V> {
        match self {
            Self::Put(key, value, expires) => Change::Put(key.into(), value, expires),
            Self::Remove(key) => Change::Remove(key.into()),
            Self::Clear => Change::Clear,
        }
    }
}

impl<V: 'static> ValueStore<V> {
    pub(crate) fn new(
        dir: &Path,
        durability: Durability,
        codec: Box<dyn Codec<V>>,
        function: String,
        code: u128,
        version: Option<u64>,
    ) -> Self {
        let identity = Identity {
            function,
            key_format: tag::FORMAT,
            schema: 0,
            code: code ^ u128::from(version.unwrap_or(0)),
        };
        Self {
            dir: std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned()),
            durability,
            codec,
            identity,
            schema: OnceCell::new(),
            fs: Arc::new(RealFs),
            store: OnceCell::new(),
            behind: AtomicU64::new(0),
            failure: Mutex::default(),
            errors: Counter::default(),
            recovered: Counter::default(),
            discarded: Mutex::default(),
            damage: Mutex::default(),
        }
    }

    /// Returns whether there is something to recover.
    pub(crate) fn exists(&self) -> bool {
        Store::exists(&*self.fs, &self.dir)
    }

    /// Returns the store if it is open.
    pub(crate) fn opened(&self) -> Option<&Store> {
        self.store.get()
    }

    /// Returns the store, and opens it if it is not open yet. A failed attempt is retried after a delay, not at each
    /// call. `replay` gets the changes that are found. Then `on_opened` runs, before any other caller sees the store.
    /// It gets by how many milliseconds the wall clock is behind the latest time in the files.
    pub(crate) fn open(
        &self,
        replay: &mut Replay<'_, V>,
        on_opened: &mut dyn FnMut(&Store, Millis),
    ) -> Result<&Store, Error> {
        self.store.get_or_try_init(|| {
            self.check_retry()?;
            let schema = self.schema.get_or_init(|| self.codec.schema()).clone();
            let schema = schema.inspect_err(|refused| self.back_off(refused))?;
            let identity = Identity { schema, ..self.identity.clone() };
            let opened = self.try_open(&identity, replay).inspect_err(|error| self.back_off(error));
            let (store, behind) = opened?;
            self.behind.store(behind, Relaxed);
            on_opened(&store, behind);
            Ok(store)
        })
    }

    fn try_open(
        &self,
        identity: &Identity,
        replay: &mut Replay<'_, V>,
    ) -> Result<(Store, Millis), Error> {
        let mut undecoded = 0;
        let wall = clock::wall();
        let mut each = |record: Record<'_>| match record {
            Record::Remove { key } => replay(Change::Remove(key)),
            Record::Clear => replay(Change::Clear),
            Record::Put { key, value, created: _, expires } => {
                let left = expires.map_or(NEVER, |at| at.saturating_sub(wall));
                match self.decode(value) {
                    // An expired value also replaces an older one, which must not stay.
                    Some(_) if left == 0 => replay(Change::Remove(key)),
                    Some(value) => {
                        let expires = clock::now().saturating_add(left);
                        replay(Change::Put(key, value, expires));
                    }
                    None => {
                        undecoded += 1;
                        replay(Change::Remove(key));
                    }
                }
            }
        };
        let (store, recovery) =
            Store::open(Arc::clone(&self.fs), &self.dir, identity, self.durability, &mut each)?;
        *self.damage.lock() = recovery.damage;
        let mut discarded = self.discarded.lock();
        discarded.extend(recovery.discarded.iter().map(|(n, loss)| (*n, loss.to_string())));
        if undecoded > 0 {
            discarded.push((undecoded, "value that its type could not decode".to_owned()));
        }
        *self.failure.lock() = Failure::default();
        Ok((store, recovery.high_water.saturating_sub(wall)))
    }

    /// Returns the value, or `None` if it cannot be decoded or the type's `Deserialize` panics. Such a panic would
    /// otherwise end every later call.
    fn decode(&self, bytes: &[u8]) -> Option<V> {
        catch_unwind(AssertUnwindSafe(|| self.codec.decode(bytes))).ok()?.ok()
    }

    /// Returns the last error if the next retry is not due yet.
    fn check_retry(&self) -> Result<(), Error> {
        let failure = self.failure.lock();
        match (&failure.error, failure.retry_at) {
            (Some(error), Some(retry_at)) if Instant::now() < retry_at => Err(error.clone()),
            _ => Ok(()),
        }
    }

    /// Counts a failed attempt to open the store, and delays the next one.
    fn back_off(&self, error: &Error) {
        self.errors.add(1);
        let mut failure = self.failure.lock();
        // Trying the lock is cheap, and its holder may have exited, so this delay does not grow.
        failure.delay = match error {
            Error::Locked { .. } => MIN_DELAY,
            _ => (failure.delay * 2).clamp(MIN_DELAY, MAX_DELAY),
        };
        failure.retry_at = Instant::now().checked_add(failure.delay);
        failure.error = Some(error.clone());
        failure.is_over = false;
    }

    /// Counts a failure without delaying the next attempt: a retry would not help, or other values may be unaffected.
    fn fail(&self, error: &Error) {
        self.errors.add(1);
        let mut failure = self.failure.lock();
        failure.error = Some(error.clone());
        failure.is_over = false;
    }

    /// Appends the encoding of `value` to `out`. A panic in the code of the type is an error here, because it must not
    /// end the call that computed the value.
    pub(crate) fn encode(&self, value: &V, out: &mut Vec<u8>) -> Result<(), Error> {
        let start = out.len();
        let written = catch_unwind(AssertUnwindSafe(|| self.codec.encode(value, out)));
        let written = written.unwrap_or_else(|_| {
            let reason = "its Serialize or Deserialize panicked".to_owned();
            Err(Error::Unpersistable { type_name: std::any::type_name::<V>(), reason })
        });
        written.inspect_err(|error| {
            out.truncate(start);
            self.fail(error);
        })
    }

    /// Returns the record of an entry that expires at `expires`.
    pub(crate) fn put<'a>(&self, key: &'a [u8], value: &'a [u8], expires: Millis) -> Record<'a> {
        let created = clock::wall().saturating_add(self.behind.load(Relaxed));
        let left = expires.saturating_sub(clock::now());
        let expires = (expires != NEVER).then(|| created.saturating_add(left));
        Record::Put { key, value, created, expires }
    }

    /// Records that a value was stored, so the last failure is over.
    pub(crate) fn succeed(&self) {
        self.failure.lock().is_over = true;
    }

    /// Adds the figures of the storage to `stats`.
    pub(crate) fn report(&self, stats: &mut Stats) {
        let status = self.store.get().map(Store::status).unwrap_or_default();
        stats.recovered = self.recovered.get();
        stats.discarded.clone_from(&self.discarded.lock());
        stats.persist_errors = self.errors.get() + status.errors;
        stats.last_error =
            status.last_error.or_else(|| self.failure.lock().error.clone()).map(|e| e.to_string());
        stats.log_bytes = status.log_bytes;
        stats.last_snapshot = status.last_snapshot;
    }

    /// Returns the last failure, unless it is over.
    pub(crate) fn failure(&self) -> Option<Error> {
        let status = self.store.get().map(Store::status);
        let broken = status.filter(|status| !status.healthy).and_then(|status| status.last_error);
        let failure = self.failure.lock();
        broken.or_else(|| failure.error.clone().filter(|_| !failure.is_over))
    }
}
