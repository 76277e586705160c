//! A file that is open for this program alone, as workers of a browser have them. `origin_files` has those.

use std::io;

/// An open file, which is closed when this is dropped.
pub(crate) trait AccessHandle: Send + Sync {
    /// Reads some bytes at the offset `at`. Returns how many bytes it read; 0 at the end of the file.
    ///
    /// # Errors
    /// The errors of the browser.
    fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<usize>;

    /// Writes some of `bytes` at the offset `at`. Returns how many bytes it wrote.
    ///
    /// # Errors
    /// The errors of the browser.
    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<usize>;

    /// Cuts the file to `len` bytes.
    ///
    /// # Errors
    /// The errors of the browser.
    fn truncate(&self, len: u64) -> io::Result<()>;

    /// Returns the length in bytes.
    ///
    /// # Errors
    /// The errors of the browser.
    fn size(&self) -> io::Result<u64>;

    /// Makes the content and the length durable.
    ///
    /// # Errors
    /// The errors of the browser.
    fn flush(&self) -> io::Result<()>;
}
