//! A removal from a directory, queued under the lock that orders changes in memory.

use crate::persist::{Record, Store, Ticket};

/// A removal from a store. Does nothing if there is no store.
pub(crate) struct Removal<'a> {
    pub(crate) store: Option<&'a Store>,
    ticket: Option<Ticket>,
    /// The key. `None`: all.
    key: Option<Box<[u8]>>,
}

impl<'a> Removal<'a> {
    pub(crate) fn new(store: Option<&'a Store>) -> Self {
        Self { store, ticket: None, key: None }
    }

    pub(crate) fn queue(&mut self, record: Record<'_>) {
        self.ticket = self.store.map(|store| store.queue(record, 0));
        if let Record::Remove { key } = record {
            self.key = Some(key.into());
        }
    }

    pub(crate) fn commit(self) {
        let Some((store, ticket)) = self.store.zip(self.ticket) else { return };
        let record = self.key.as_deref().map_or(Record::Clear, |key| Record::Remove { key });
        // A failure is counted by the store.
        let _ = store.remove(record, ticket);
    }
}
