//! How many records a view has and how many bytes its files take, and how much of that counts.

use super::entry_sort;
use super::header::MAX_HEADER;
use super::log_reader::LogReader;
use super::snapshot::{OVERHEAD, SHARE};
use super::view::View;

impl View {
    /// Returns the number of puts in the snapshot and of those in logs that count.
    pub(crate) fn puts(&self) -> u64 {
        self.index.len() as u64 + self.snapshot.as_ref().map_or(0, |snapshot| snapshot.entries())
    }

    /// Returns the number of records that count, or somewhat more: those in the snapshot that a log replaces count
    /// twice.
    pub(crate) fn entries(&self) -> u64 {
        // A clear is newer than the records of the snapshot.
        let snapshot = self.snapshot.as_ref().filter(|_| !self.index.is_cleared());
        self.index.len() as u64 + snapshot.map_or(0, |snapshot| snapshot.entries())
    }

    /// Returns how many bytes of a log the snapshot has.
    pub(crate) fn merged_len(&self, log: u64) -> u64 {
        self.snapshot.as_ref().map_or(0, |snapshot| snapshot.merged_len(log))
    }

    /// Returns the length in bytes of what the logs hold and no snapshot has, as far as it was read. `own`: the log
    /// that this process writes, and its length.
    pub(crate) fn unmerged_bytes(&self, own: Option<(u64, u64)>) -> u64 {
        let unmerged =
            |log: &LogReader| log_len(log, own).saturating_sub(self.merged_len(log.number));
        self.logs.values().map(unmerged).sum()
    }

    /// Returns the length in bytes of all files that are read, with the values that they keep apart. `own`: as in
    /// [`Self::unmerged_bytes`].
    pub(crate) fn file_bytes(&self, own: Option<(u64, u64)>) -> u64 {
        let snapshot = self.snapshot.as_ref().map_or(0, |s| s.len);
        snapshot + self.apart_files() + self.logs.values().map(|log| log_len(log, own)).sum::<u64>()
    }

    /// Returns the length in bytes of the values that are kept apart, whether or not they still count.
    pub(crate) fn apart_files(&self) -> u64 {
        self.snapshot.as_ref().map_or(0, |s| s.apart.bytes) + self.unmerged_apart
    }

    /// Returns the length in bytes of the records that count and of their values that are kept apart, or somewhat more.
    pub(crate) fn bytes(&self) -> u64 {
        self.record_bytes() + self.apart()
    }

    fn record_bytes(&self) -> u64 {
        self.snapshot.as_ref().map_or(0, |snapshot| snapshot.len) + self.index.bytes()
    }

    /// Returns the length in bytes of the values that count and are kept apart, or somewhat more.
    pub(crate) fn apart(&self) -> u64 {
        let snapshot = self.snapshot.as_ref().map_or(0, |snapshot| snapshot.apart.bytes);
        snapshot + self.index.apart()
    }

    /// Returns whether more than half of what the files hold, less `least` bytes, does not count any more. Assumes that
    /// each removal ends a record of average length.
    pub(crate) fn is_mostly_dead(&self, least: u64) -> bool {
        let bytes = self.bytes() + self.unmerged_bytes(None) + self.unmerged_apart;
        let live = self.bytes().saturating_sub(self.ended * self.bytes() / self.puts().max(1));
        bytes > 2 * live + least
    }

    /// Returns the length in bytes of a snapshot of all records, with what its index is sorted in while it is written,
    /// or somewhat more.
    pub(crate) fn snapshot_bytes(&self) -> u64 {
        self.record_bytes()
            + self.snapshot_overhead()
            + self.index.len() as u64 * SHARE
            + self.puts() * entry_sort::share(self.puts())
    }

    /// Returns how many bytes each record of that snapshot takes besides itself, or somewhat more.
    pub(crate) fn snapshot_share(&self) -> u64 {
        SHARE + entry_sort::share(self.puts())
    }

    /// Returns how many bytes a snapshot has besides records and their shares of index and filter, or somewhat more.
    pub(crate) fn snapshot_overhead(&self) -> u64 {
        (MAX_HEADER + OVERHEAD) as u64
    }
}

/// Returns the length of a log. `own`: the log that this process writes, and its length.
fn log_len(log: &LogReader, own: Option<(u64, u64)>) -> u64 {
    match own {
        Some((number, len)) if number == log.number => len,
        _ => log.read_to,
    }
}
