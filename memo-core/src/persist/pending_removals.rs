//! Pending removals: invalidations that a broken log could not take. The next log begins with them, so that after a
//! crash recovery does not bring back an invalidated entry.

use super::frame;
use super::record::Record;

/// If the pending removals take more bytes than this, one `Clear` replaces them all.
const MAX_BYTES: usize = 64 << 10;

/// Pending removals in order.
#[derive(Default)]
pub(crate) struct PendingRemovals {
    /// The removed keys. `None`: all keys.
    items: Vec<Option<Box<[u8]>>>,
    /// The size of `items` in bytes, estimated: each removal counts its key and 64 bytes.
    bytes: usize,
}

impl PendingRemovals {
    /// Adds `record` if it is a removal. A `Clear` replaces all earlier removals.
    pub(crate) fn add(&mut self, record: &Record<'_>) {
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
        self.items.push(key);
    }

    /// Adds the invalidations among encoded records.
    pub(crate) fn add_encoded(&mut self, bytes: &[u8]) {
        for (head, record) in frame::decode_own(bytes) {
            match record {
                Record::Put { key, .. } if head.replaces => self.add(&Record::Remove { key }),
                record => self.add(&record),
            }
        }
    }

    /// Passes on each removal.
    pub(crate) fn for_each(&self, each: &mut dyn FnMut(&Record<'_>)) {
        for key in &self.items {
            each(&key.as_deref().map_or(Record::Clear, |key| Record::Remove { key }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_keys_become_one_clear() {
        let mut pending = PendingRemovals::default();
        for n in 0..2000u64 {
            pending.add(&Record::Remove { key: &n.to_le_bytes() });
        }
        let mut records = Vec::new();
        pending.for_each(&mut |record| records.push(*record == Record::Clear));
        assert!(records[0] && records.len() < 2000);
        assert!(records[1..].iter().all(|is_clear| !is_clear));
    }
}
