//! Queues records and commits them. What a durability leaves in memory is settled once it was written.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::key_hash::key_hash;
use super::new_value::{NewValue, Values};
use super::queue::Ticket;
use super::record::Record;
use super::shared::{MAX_ATTEMPTS, Shared};
use super::store::Store;
use super::wal::Wal;
use super::writer::Writer;
use crate::error::Error;
use crate::platform::maintenance::{Maintain, STORES};
use crate::platform::sync::usual::Mutex;

impl Store {
    /// Begins the file of a value that is to be kept apart. The store must have begun to write.
    ///
    /// # Errors
    /// The errors of the system.
    pub fn new_value(&self) -> Result<NewValue, Error> {
        let writer = self.shared.writing()?;
        writer.wal.check_process()?;
        if writer.wal.is_broken() {
            return Err(writer.wal.backoff.last().unwrap_or(Error::NotPersistent));
        }
        let owner: Arc<dyn Values> = Arc::clone(&self.shared) as _;
        NewValue::create(owner, &writer.locks, writer.state.next_number())
    }

    /// Ends the file of a value. Returns what the record has in place of the value. When the record was queued
    /// ([`Ticket::is_queued`]), call [`NewValue::keep`]. Drop the value after the record was committed.
    ///
    /// # Errors
    /// The errors of the system.
    pub fn finish_value(&self, value: &mut NewValue) -> Result<Vec<u8>, Error> {
        Ok(value.finish(self.shared.durability.syncs_each_write())?.to_vec())
    }

    /// Queues a record. Does no I/O. Call it under the lock that orders changes in memory. `since`: what
    /// [`Store::since`] returned when the computation of a put began. The store must have begun to write.
    #[must_use]
    pub fn queue(&self, record: Record<'_>, since: u64) -> Ticket {
        self.shared.queue(&record, since, false)
    }

    /// Does the same as [`Store::queue`], for a `Put` that replaces another value. The old value must not come back if
    /// this record is damaged. Values whose computation began before `since` do not count any more. `u64::MAX`: the
    /// value was not computed, and is as new as the record.
    #[must_use]
    pub fn queue_replacing(&self, record: Record<'_>, since: u64) -> Ticket {
        self.shared.queue(&record, since, matches!(record, Record::Put { .. }))
    }

    /// Waits until the ticket's record is as durable as the store's [`Durability`](super::Durability) requires: not
    /// at all, written, or written and synced. One caller writes for all that wait (group commit).
    ///
    /// # Errors
    /// The record is not in the log, because it is too large or the log is broken.
    pub fn commit(&self, ticket: Ticket) -> Result<(), Error> {
        self.begin_syncing();
        self.shared.commit(ticket, Wal::commit)
    }

    /// Makes the background thread sync the log, if the durability requires that.
    pub(crate) fn begin_syncing(&self) {
        let Shared { durability, maintenance, .. } = &*self.shared;
        if durability.syncs_in_background() {
            maintenance.begin(&STORES, || {
                let shared: Arc<dyn Maintain> = self.shared.clone();
                Arc::downgrade(&shared)
            });
        }
    }

    /// Returns whether a snapshot was begun that does not have the record of a committed ticket, although it is older.
    /// The record does not count then, and must be queued and committed again.
    #[must_use]
    pub fn is_overtaken(&self, ticket: Ticket) -> bool {
        self.shared.is_overtaken(ticket)
    }

    /// Raises the horizon to the present sequence, and returns it: what to pass as `since` for values that were
    /// computed at any time. What is being committed is numbered anew.
    #[must_use]
    pub fn raise_horizon(&self) -> u64 {
        self.shared.writing().map_or(0, |writer| writer.state.raise_horizon())
    }

    /// Writes and syncs all records that were queued before the call.
    ///
    /// # Errors
    /// A record that was queued before is not on disk.
    pub fn flush(&self) -> Result<(), Error> {
        let Some(writer) = self.shared.writer.get() else { return Ok(()) };
        self.check()?;
        self.shared.sync_values(writer)?;
        self.shared.flush()
    }

    #[cfg(test)]
    pub(crate) fn tick(&self) {
        self.shared.tick();
    }
}

impl Shared {
    pub(crate) fn queue(&self, record: &Record<'_>, since: u64, replaces: bool) -> Ticket {
        let writer = self.writer.get().expect("a store that has begun to write");
        let hash = match record {
            Record::Put { key, .. } | Record::Remove { key } => Some(key_hash(self.salt, key)),
            Record::Clear => None,
        };
        let ticket = self.push(writer, record, hash, since, replaces);
        // At once, so that no other thread finds on disk what this one removes.
        let Some(hash) = hash else {
            self.view.lock().index.clear(ticket.sequence);
            return ticket;
        };
        if ticket.put.is_none() {
            self.view.lock().remove(writer.state.horizon(), hash, ticket.sequence);
        } else if replaces {
            self.view.lock().remove(writer.state.horizon(), hash, ticket.since);
        }
        ticket
    }

    /// Queues a record. `hash`: that of its key.
    fn push(
        &self,
        writer: &Writer,
        record: &Record<'_>,
        hash: Option<u64>,
        since: u64,
        replaces: bool,
    ) -> Ticket {
        // Held while the record gets its number, so that records of one key that are queued again keep their order.
        let deferred = self.deferred.as_ref().map(Mutex::lock);
        let ticket = writer.wal.push(record, since, replaces);
        let is_put = ticket.fits && matches!(record, Record::Put { .. });
        let ticket = Ticket { put: hash.filter(|_| is_put), ..ticket };
        if let Some(mut deferred) = deferred {
            deferred.add(record, hash, replaces, ticket);
        }
        ticket
    }

    /// Commits a record by one of the ways of a log.
    pub(crate) fn commit(
        &self,
        ticket: Ticket,
        commit: impl Fn(&Wal, Ticket) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let writer = self.writing()?;
        let committed = commit(&writer.wal, ticket).and_then(|()| match ticket.fits {
            true => Ok(()),
            false => Err(Error::TooLarge {
                reason: "a key over 1 MiB or a record over 16 MiB".to_owned(),
            }),
        });
        if self.deferred.is_some() {
            self.settle();
        }
        // One that waits is added when it is settled.
        let is_written = self.deferred.is_none() || ticket.apart;
        if let (Ok(()), Some(hash)) = (&committed, ticket.put.filter(|_| is_written)) {
            self.view.lock().put(writer.state.horizon(), hash, ticket);
        }
        if ticket.apart {
            writer.has_orphans.fetch_or(committed.is_err(), Ordering::Relaxed);
            // The log does not show how much was written.
            self.not_outgrown_at.store(u64::MAX, Ordering::Relaxed);
        }
        self.count_error(committed)
    }

    pub(crate) fn is_overtaken(&self, ticket: Ticket) -> bool {
        self.writing().is_ok_and(|writer| writer.state.horizon() > ticket.since)
    }

    /// Commits a removal that was queued with this ticket. Queues it again as long as it is overtaken.
    pub(crate) fn commit_until_it_counts(
        &self,
        record: &Record<'_>,
        mut ticket: Ticket,
        commit: impl Fn(Ticket) -> Result<(), Error>,
    ) -> Result<(), Error> {
        for _ in 0..MAX_ATTEMPTS {
            commit(ticket)?;
            if !self.is_overtaken(ticket) {
                break;
            }
            ticket = self.queue(record, 0, false);
        }
        Ok(())
    }

    /// Writes and syncs what is queued, also what is queued again because it was overtaken.
    pub(crate) fn flush(&self) -> Result<(), Error> {
        let writer = self.writing()?;
        for _ in 0..MAX_ATTEMPTS {
            self.count_error(writer.wal.flush())?;
            if !self.settle() {
                break;
            }
        }
        Ok(())
    }

    /// Looks at what waited in memory and was written since. What counts is in the index from now on. What another
    /// process's snapshot has overtaken is queued again, unless a removal has ended it. Returns whether there was any.
    pub(crate) fn settle(&self) -> bool {
        let Some((deferred, writer)) = self.deferred.as_ref().zip(self.writer.get()) else {
            return false;
        };
        let written = writer.wal.written();
        if !deferred.lock().is_unsettled(written) {
            return false;
        }
        // Each removal up to the horizon is in a log by now, or its process notices and numbers it anew.
        let horizon = writer.state.horizon();
        let mut following = self.following.lock();
        let followed = self.read_on(&writer.state, &mut following);
        self.forget_deferred(following.found.iter().map(|removal| self.ended_by(removal)));
        drop(following);
        if followed.is_err() {
            return false;
        }
        let mut view = self.view.lock();
        let mut deferred = deferred.lock();
        let mut has_overtaken = false;
        for put in deferred.take_written(written) {
            let ticket = put.ticket;
            let Some(hash) = ticket.put.filter(|_| !writer.wal.is_unlogged(ticket.sequence)) else {
                continue;
            };
            if ticket.since >= horizon {
                view.put(writer.state.horizon(), hash, ticket);
            } else {
                has_overtaken = true;
                let again = writer.wal.push(&put.record(), horizon, put.replaces);
                let again = Ticket { put: Some(hash), ..again };
                deferred.add(&put.record(), Some(hash), put.replaces, again);
            }
        }
        has_overtaken
    }

    /// Syncs the values that are kept apart. After a failure the log is abandoned, so that what memory holds is written
    /// again.
    pub(crate) fn sync_values(&self, writer: &Writer) -> Result<(), Error> {
        writer.wal.check_process()?;
        let synced = writer.values.sync(&*self.fs, self.place.dir());
        self.count_error(synced.inspect_err(|error| writer.wal.abandon_log(error)))
    }
}

impl Maintain for Shared {
    fn tick(&self) -> bool {
        if let Some(writer) = self.writer.get() {
            if self.durability.syncs_in_background() {
                let _ = self.sync_values(writer);
                let _ = self.count_error(writer.wal.sync());
            }
        }
        true
    }
}
