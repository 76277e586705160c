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

    /// Writes it. Returns whether a snapshot has overtaken it at first. Then other threads may have read from that, into
    /// memory, what was removed.
    pub(crate) fn commit(self) -> bool {
        let Some((store, ticket)) = self.store.zip(self.ticket) else { return false };
        let record = self.key.as_deref().map_or(Record::Clear, |key| Record::Remove { key });
        // A failure is counted by the store.
        let _ = store.remove(record, ticket);
        store.is_overtaken(ticket)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use super::*;
    use crate::persist::{Cost, Durability, Identity, Keep, MemFs, Place};

    #[test]
    fn a_removal_that_a_snapshot_overtakes_says_so() {
        let fs = MemFs::new();
        let identity = Identity { function: "f".to_owned(), key_format: 1, schema: 2, code: 3 };
        let place = Place::alone(Path::new("/cache/f"));
        let open = || {
            let opened = Store::open(Arc::new(fs.clone()), &place, &identity, Durability::Os);
            let store = opened.unwrap();
            store.begin(&mut |_| ()).unwrap();
            store
        };
        let (own, other) = (open(), open());
        let is_there = || own.find(b"k", true, &mut || ()).unwrap().is_some();
        for is_overtaken in [false, true] {
            let (key, value, cost): (&[u8], &[u8], _) = (b"k", b"v", Cost::UNKNOWN);
            let put = Record::Put {
                key,
                value,
                apart: false,
                created: 1,
                expires: None,
                cost,
                tags: &[],
            };
            own.commit(own.queue(put, own.since())).unwrap();
            let mut removal = Removal::new(Some(&own));
            removal.queue(Record::Remove { key: b"k" });
            if is_overtaken {
                let (max, max_bytes) = (u64::MAX, u64::MAX);
                let is_used = &|_: &[u8]| false;
                let (idle_before, share_bytes) = (0, u64::MAX);
                let (now, stale) = (0, 0);
                let keep = Keep { max, max_bytes, now, stale, idle_before, is_used, share_bytes };
                other.merge(&keep).unwrap();
                own.follow(&mut |_| ()).unwrap();
            }
            assert_eq!(is_there(), is_overtaken);
            assert_eq!(removal.commit(), is_overtaken);
            assert!(!is_there());
        }
    }
}
