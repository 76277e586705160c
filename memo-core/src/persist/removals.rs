//! Commits removals, which must not be undone, even if the log cannot take them.

use super::clearance::remove_contents;
use super::file_name::{Name, remove};
use super::queue::Ticket;
use super::record::Record;
use super::shared::{Emptied, Shared};
use super::store::Store;
use super::wal::Wal;
use super::writer::Writer;
use crate::error::Error;

impl Store {
    /// Does the same as [`Store::commit`], for a removal or for a put that replaces a value which must not come back,
    /// and tells other processes. The record is written with every [`Durability`](super::Durability), so that they find
    /// it. If the log is broken, the removal is written to a new log. If that fails too, all files are removed: a result
    /// that is not on disk is computed again, but a removed one must not come back.
    ///
    /// # Errors
    /// Those of [`Store::commit`], if the files could not be removed either.
    pub fn commit_removal(&self, ticket: Ticket) -> Result<(), Error> {
        self.begin_syncing();
        let committed = self.shared.commit(ticket, Wal::commit_now);
        let committed = committed
            .or_else(|error| self.shared.secure_removal(ticket).map_err(|_| error))
            .and_then(|()| self.shared.renew_log());
        if let Ok(writer) = self.shared.writing() {
            writer.state.count_removal();
        }
        committed
    }

    /// Does the same as [`Store::commit_removal`], for a record that was queued with this ticket. Queues it again as
    /// long as it is overtaken ([`Store::is_overtaken`]).
    ///
    /// # Errors
    /// Those of [`Store::commit_removal`].
    pub fn remove(&self, record: Record<'_>, ticket: Ticket) -> Result<(), Error> {
        self.shared.commit_until_it_counts(&record, ticket, |ticket| self.commit_removal(ticket))
    }

    /// Removes all, as [`Store::commit_removal`] does.
    ///
    /// # Errors
    /// Those of [`Store::commit_removal`].
    pub fn clear(&self) -> Result<(), Error> {
        self.remove(Record::Clear, self.queue(Record::Clear, 0))
    }

    #[cfg(test)]
    pub(crate) fn emptied(&self) -> Emptied {
        *self.shared.emptied.lock()
    }
}

impl Shared {
    /// Makes a removal durable that the broken log could not take: in a new log, or by removing all files.
    fn secure_removal(&self, ticket: Ticket) -> Result<(), Error> {
        let writer = self.writing()?;
        if !writer.wal.is_removal_unlogged(ticket) {
            return Ok(());
        }
        writer.wal.check_process()?;
        // If the directory was removed, another process may have created it again. Its files are not ours.
        writer.locks.check()?;
        let mut emptied = self.emptied.lock();
        if *emptied == Emptied::Wholly {
            return Ok(());
        }
        let secured = self.rotate(writer).or_else(|_| {
            *emptied = Emptied::Partly;
            self.remove_all(writer, ticket)?;
            *emptied = Emptied::Wholly;
            Ok(())
        });
        self.count_error(secured)
    }

    /// Removes all logs and snapshots, and tells other processes.
    fn remove_all(&self, writer: &Writer, ticket: Ticket) -> Result<(), Error> {
        let (fs, dir) = (&*self.fs, self.place.dir());
        let cleared = writer.state.next_sequence().max(ticket.sequence);
        self.view.lock().index.clear(cleared);
        writer.with_files(|| {
            // No process begins a log between this and the removal.
            writer.state.set_cleared(cleared);
            remove_contents(fs, dir)?;
            // They count for nothing now. What is left is removed by the next merge.
            for number in writer.values.settled(fs, dir, &writer.locks).unwrap_or_default() {
                let _ = remove(fs, dir, Name::Value(number));
            }
            Ok(())
        })
    }
}
