//! Encodes values for records and files of their own, and decodes them.

use std::hash::{DefaultHasher, Hasher};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering::Relaxed;

use crate::cache::entry::Lifetime;
use crate::codec::{Sink, SinkFailure, Spill};
use crate::error::Error;
use crate::function::value_store::ValueStore;
use crate::function::wall_times;
use crate::persist::{Cost, NewValue, Record, Store, Ticket};
use crate::platform::clock::{self, Millis};

impl<V: 'static> ValueStore<V> {
    /// Returns the value of a stored put, and how long it lives. `None` if it has expired for `stale` milliseconds, or
    /// if its type cannot decode it.
    pub(crate) fn value(&self, record: Record<'_>, stale: Millis) -> Option<(V, Lifetime)> {
        let Record::Put { key, value, created, expires, .. } = record else { return None };
        let now = clock::wall().saturating_add(self.behind.load(Relaxed));
        let lifetime = wall_times::lifetime(created, expires, now, stale)?;
        let value = self.decode(value);
        if value.is_none() {
            self.undecoded.lock().insert(hash_of(key));
        }
        Some((value?, lifetime))
    }

    /// Returns whether the stored value of a key was read and could not be decoded.
    pub(crate) fn is_undecodable(&self, key: &[u8]) -> bool {
        self.undecoded.lock().contains(&hash_of(key))
    }

    /// Returns the value, or `None` if it cannot be decoded or the type's `Deserialize` panics. Such a panic would
    /// otherwise end every later call.
    fn decode(&self, bytes: &[u8]) -> Option<V> {
        catch_unwind(AssertUnwindSafe(|| self.codec.decode(bytes))).ok()?.ok()
    }

    /// Returns the record of an entry. `tags`: as they stand in a record.
    pub(crate) fn put<'a>(
        &self,
        key: &'a [u8],
        value: &'a Encoded,
        lifetime: Lifetime,
        cost: Cost,
        tags: &'a [u8],
    ) -> Record<'a> {
        let now = clock::wall().saturating_add(self.behind.load(Relaxed));
        let expires = wall_times::expiry(lifetime, now);
        let created = lifetime.computed.unwrap_or(now);
        let Encoded { bytes, apart } = value;
        Record::Put { key, value: bytes, apart: apart.is_some(), created, expires, cost, tags }
    }

    /// Encodes `value`. If it is long, its bytes go to a file of the store as they are made. A panic in the code of the
    /// type is an error here, because it must not end the call that computed the value.
    pub(crate) fn encode(&self, store: &Store, value: &V) -> Option<Encoded> {
        let max = self.max_value.min(store.room());
        let mut file = ValueFile { store, made: None };
        let mut sink = Sink::spilling(max, &mut file);
        let written = catch_unwind(AssertUnwindSafe(|| self.codec.encode(value, &mut sink)));
        let written = written.unwrap_or_else(|_| {
            let reason = "its Serialize or Deserialize panicked".to_owned();
            Err(Error::Unpersistable { type_name: std::any::type_name::<V>(), reason })
        });
        match written {
            Ok(()) if sink.is_short() => Some(Encoded { bytes: sink.into_bytes(), apart: None }),
            written => {
                let failure = sink.end().err();
                self.end(written, failure, file)
                    .inspect_err(|error| self.failures.add(error))
                    .ok()?
            }
        }
    }

    /// Ends a value that is kept apart, or is not stored.
    #[cold]
    fn end(
        &self,
        written: Result<(), Error>,
        failure: Option<SinkFailure>,
        file: ValueFile<'_>,
    ) -> Result<Option<Encoded>, Error> {
        // What the sink says is the cause of what the codec says.
        match failure {
            Some(SinkFailure::Failed(error)) => return Err(error),
            Some(SinkFailure::TooLong(len))
                if len <= self.max_value.min(file.store.max_value()) =>
            {
                file.store.make_room(len);
                return Ok(None);
            }
            Some(SinkFailure::TooLong(len)) => return Err(self.too_large(len, file.store)),
            None => written?,
        }
        let ValueFile { store, made } = file;
        let mut file = made.ok_or(Error::NotPersistent)?;
        let bytes = store.finish_value(&mut file)?;
        Ok(Some(Encoded { bytes, apart: Some(file) }))
    }

    /// Notes that a value takes at least `len` bytes, which are too many.
    #[cold]
    fn too_large(&self, len: u64, store: &Store) -> Error {
        let function = &self.identity.function;
        let (max, limit) = match store.max_value() {
            max if max < self.max_value => (max, "that `max_disk` sets, of"),
            _ => (self.max_value, "(`max_value`) of"),
        };
        let reason = format!(
            "a result of `{function}` takes {len} bytes or more, which is {} beyond the limit \
             {limit} {max}",
            len - max
        );
        let error = Error::TooLarge { reason };
        self.failures.note_too_large(&error);
        error
    }
}

/// A value as bytes.
pub(crate) struct Encoded {
    /// What its record holds.
    bytes: Vec<u8>,
    /// The file of the value, if it is kept apart.
    apart: Option<Box<NewValue>>,
}

impl Encoded {
    /// Called when a record was queued that has these bytes. They must stay until it was committed.
    #[inline]
    pub(crate) fn queued(&mut self, ticket: Ticket) {
        if let Some(file) = self.apart.as_mut().filter(|_| ticket.is_queued()) {
            file.keep();
        }
    }
}

/// Takes the bytes of a long value.
struct ValueFile<'a> {
    store: &'a Store,
    /// `None` before the first bytes.
    made: Option<Box<NewValue>>,
}

impl Spill for ValueFile<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let file = match &mut self.made {
            Some(file) => file,
            none => none.insert(Box::new(self.store.new_value()?)),
        };
        file.write(bytes)
    }

    fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<usize> {
        self.made.as_ref().map_or(Ok(0), |file| file.read_at(bytes, at))
    }
}

fn hash_of(key: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(key);
    hasher.finish()
}
