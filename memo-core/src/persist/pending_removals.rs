//! Pending removals: invalidations that a broken log could not take. The next log begins with them, so that after a
//! crash before its snapshot, recovery does not bring back an invalidated entry.

use super::frame::{self, ChecksumSeed, RecordMeta};
use super::record::Record;

/// If the pending removals take more bytes than this, one `Clear` replaces them all.
const MAX_BYTES: usize = 64 << 10;

/// Pending removals in the order of their sequences.
#[derive(Default)]
pub(crate) struct PendingRemovals {
    items: Vec<Item>,
    /// The size of `items` in bytes, estimated: each removal counts its key and 64 bytes.
    bytes: usize,
}

struct Item {
    meta: RecordMeta,
    /// The removed key. `None`: all keys.
    key: Option<Box<[u8]>>,
}

impl PendingRemovals {
    /// Adds `record` if it is a removal. A `Clear` replaces all earlier removals.
    pub(crate) fn add(&mut self, sequence: u64, removals: u16, record: &Record<'_>) {
        let key = match record {
            Record::Put { .. } => return,
            Record::Remove { key } => Some(Box::from(*key)),
            Record::Clear => None,
        };
        self.bytes += key.as_deref().map_or(0, |key: &[u8]| key.len() + 64);
        let key = key.filter(|_| self.bytes <= MAX_BYTES);
        if key.is_none() {
            self.items.clear();
            self.bytes = 0;
        }
        self.items.push(Item {
            meta: RecordMeta { sequence, removals, repeated: true, replaces: false },
            key,
        });
    }

    /// Adds the invalidations among encoded records.
    pub(crate) fn add_encoded(&mut self, bytes: &[u8]) {
        for (head, record) in frame::decode_own(bytes) {
            self.add(head.sequence, head.removals, &record);
        }
    }

    /// Encodes the removals as records with the flag `repeated`, for a log with that seed.
    pub(crate) fn encode(&self, seed: ChecksumSeed) -> Vec<u8> {
        let mut out = Vec::new();
        for Item { meta, key } in &self.items {
            let record = key.as_deref().map_or(Record::Clear, |key| Record::Remove { key });
            frame::encode(&mut out, seed, *meta, &record);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_keys_become_one_clear() {
        let mut pending = PendingRemovals::default();
        for n in 0..2000u64 {
            pending.add(n + 1, 0, &Record::Remove { key: &n.to_le_bytes() });
        }
        let bytes = pending.encode(ChecksumSeed::of(1));
        let records: Vec<_> = frame::decode_own(&bytes).collect();
        assert_eq!(records[0].1, Record::Clear);
        assert!(records.len() < 2000);
        assert!(records.is_sorted_by_key(|(head, _)| head.sequence));
        assert_eq!(records.last().unwrap().0.sequence, 2000);
    }
}
