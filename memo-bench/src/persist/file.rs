//! One write or one read of a record, as the limit of what a file can do: no index, no checksums, no locks.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What a record of memokit has beside the value: its head, the key of a number, the length of the value.
const OVERHEAD: usize = 56 + 9 + 2;

/// A file of records of one length.
pub(super) struct Records {
    file: File,
    len: usize,
    written: AtomicU64,
}

impl Records {
    /// Creates the file, for values of `len` bytes.
    pub(super) fn create(folder: &Path, len: usize) -> Self {
        let path = folder.join("records");
        let file = OpenOptions::new().create(true).truncate(true).read(true).write(true).open(path);
        let file = file.expect("a file can be created");
        Self { file, len: OVERHEAD + len, written: AtomicU64::new(0) }
    }

    /// Appends a record with this value.
    pub(super) fn append(&self, value: &[u8]) {
        let mut record = vec![1; OVERHEAD];
        record.extend_from_slice(value);
        let at = self.written.fetch_add(1, Relaxed) * self.len as u64;
        self.file.write_all_at(&record, at).expect("the file can be written");
    }

    /// Returns the value of the record that was the `n`th to be appended.
    pub(super) fn read(&self, n: u64) -> Vec<u8> {
        let mut record = vec![0; self.len];
        self.file.read_exact_at(&mut record, n * self.len as u64).expect("the file can be read");
        record.drain(..OVERHEAD);
        record
    }
}
