//! Begins new logs: after a failure, when somebody has removed the log, and when a snapshot has much of it. Notices when
//! the directory was removed or replaced.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
#[cfg(test)]
use std::time::Duration;

use super::file_name::Name;
use super::locks::Locks;
use super::record::Record;
use super::shared::{Emptied, Shared};
use super::store::Store;
use super::wal::Wal;
use super::writer::Writer;
use crate::error::Error;

/// A log of which a snapshot has this many bytes is ended.
const ROTATE_FROM: u64 = 1 << 20;

impl Store {
    /// Checks that the directory is still the one that this store reads or writes. A user may have removed it or its
    /// page, and another process may have created it again.
    ///
    /// # Errors
    /// [`Error::Io`] if it is not. No record reaches the disk then: the store must be opened again.
    pub fn check(&self) -> Result<(), Error> {
        let Some(writer) = self.shared.writer.get() else { return self.shared.check_page() };
        writer.locks.check().and_then(|()| self.shared.check_page()).inspect_err(|error| {
            if !writer.wal.is_broken() {
                writer.wal.abandon_log(error);
                writer.wal.backoff.count(error);
            }
        })
    }

    /// Begins a new log if somebody has removed that of this process, and removes all that others have: what was lost
    /// with it may have removed anything. Returns whether what is in memory must be written again for that reason.
    ///
    /// # Errors
    /// No new log could be begun.
    pub fn renew_lost_log(&self) -> Result<bool, Error> {
        self.shared.renew_log()?;
        Ok(self.shared.has_lost_log.swap(false, Ordering::SeqCst))
    }

    /// Ends the log of this process if a snapshot has much of it, so that the next can remove the file. Call it after
    /// [`Store::follow`].
    ///
    /// # Errors
    /// No new log could be begun.
    pub fn rotate_merged(&self) -> Result<(), Error> {
        let Some(writer) = self.shared.writer.get() else { return Ok(()) };
        self.shared.renew_log()?;
        let merged = self.shared.view.lock().merged_len(writer.wal.log());
        let from = self.shared.limit.excess(ROTATE_FROM);
        if (from..u64::MAX).contains(&merged) { self.shared.rotate(writer) } else { Ok(()) }
    }

    /// After a failure, once the backoff has passed, begins a new log. Returns whether it did: the caller then queues
    /// again what is in memory and not on disk, and calls [`Store::healed`].
    ///
    /// # Errors
    /// No new log could be begun.
    pub fn heal(&self) -> Result<bool, Error> {
        match self.shared.writer.get() {
            Some(writer) if writer.wal.backoff.due() == Some(true) => {
                self.shared.heal(writer).map(|()| true)
            }
            _ => Ok(false),
        }
    }

    /// Called when all that is in memory was queued again.
    ///
    /// # Errors
    /// The log is broken again.
    pub fn healed(&self) -> Result<(), Error> {
        let Some(writer) = self.shared.writer.get() else { return Ok(()) };
        self.shared.sync_values(writer)?;
        writer.wal.write_out()?;
        self.shared.settle();
        writer.wal.rewritten();
        Ok(())
    }

    /// Does what [`Store::heal`] does, whether or not it is due.
    #[cfg(test)]
    pub(crate) fn heal_now(&self) -> Result<(), Error> {
        self.shared.heal(self.shared.writing()?)
    }

    #[cfg(test)]
    pub(crate) fn backoff(&self) -> Duration {
        self.shared.writer.get().map_or(Duration::ZERO, |writer| writer.wal.backoff.delay())
    }
}

impl Shared {
    /// Checks that the page is still that of the directory.
    fn check_page(&self) -> Result<(), Error> {
        let dir = self.place.dir();
        match self.state() {
            Some(state) if !state.is_at(&Name::State.at(dir)) => Err(Locks::replaced(dir)),
            _ => Ok(()),
        }
    }

    /// Begins a new log if another process has removed that of this one with all files, or if somebody has removed it
    /// alone. What was removed lately is lost with it, and that may have been anything.
    pub(crate) fn renew_log(&self) -> Result<(), Error> {
        let writer = self.writing()?;
        if writer.wal.is_broken() {
            return Ok(());
        }
        // A directory that was removed or replaced is opened again, and nothing is written to it before.
        let is_here = || writer.locks.check().and_then(|()| self.check_page()).is_ok();
        let is_lost = !writer.is_log_removed() && self.is_log_lost(writer) && is_here();
        if !is_lost && !writer.is_log_removed() {
            return Ok(());
        }
        self.rotate(writer)?;
        self.has_lost_log.fetch_or(is_lost, Ordering::SeqCst);
        // A removal of all.
        let ticket = self.queue(&Record::Clear, 0, false);
        self.commit_until_it_counts(&Record::Clear, ticket, |ticket| {
            self.commit(ticket, Wal::commit_now)
        })
    }

    /// Returns whether the log of this process is not where it was begun.
    fn is_log_lost(&self, writer: &Writer) -> bool {
        let number = writer.wal.log();
        let view = self.view.lock();
        let file = view.logs.get(&number).map(|log| Arc::clone(&log.file));
        drop(view);
        let path = Name::Log(number).at(self.place.dir());
        let is_lost = match file {
            Some(file) => !file.is_at(&path),
            // The directory was read again meanwhile, and the log was not there; or it was just begun.
            None => self.fs.open(&path).is_err_and(|e| e.kind() == io::ErrorKind::NotFound),
        };
        // Another thread may have begun another one meanwhile.
        is_lost && writer.wal.log() == number
    }

    /// Ends the log of this process and begins a new one.
    pub(crate) fn rotate(&self, writer: &Writer) -> Result<(), Error> {
        let rotated = writer.wal.check_process().and_then(|()| writer.rotate(self.directory()));
        let rotated = self.count_error(rotated).inspect_err(|_| writer.wal.backoff.back_off());
        let (ended, reader) = rotated?;
        let mut view = self.view.lock();
        view.mark_whole(ended);
        view.logs.insert(reader.number, reader);
        Ok(())
    }

    /// Begins a new log after a failure.
    fn heal(&self, writer: &Writer) -> Result<(), Error> {
        self.rotate(writer)?;
        *self.emptied.lock() = Emptied::No;
        Ok(())
    }

    /// Ends the log of this process, so that the next merge can remove it. A process that begins to write may have
    /// taken over the log of one that has ended, with all its records.
    pub(crate) fn end_log(&self) -> Result<(), Error> {
        // Afterwards nobody would notice that somebody has removed it, with the removals in it.
        self.renew_log()?;
        let writer = self.writing()?;
        if writer.wal.is_broken() { Ok(()) } else { self.rotate(writer) }
    }

    /// Does so before a merge if the log is long.
    pub(crate) fn end_long_log(&self, writer: &Writer) -> Result<(), Error> {
        let is_long =
            writer.wal.len() >= self.limit.excess(ROTATE_FROM) || self.view.lock().has_future_times;
        if is_long { self.end_log() } else { Ok(()) }
    }
}
