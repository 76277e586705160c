//! A page of memory that processes share by mapping one file.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::atomic::AtomicU64;

/// The number of words in a page.
pub(crate) const WORDS: usize = 512;
/// The length of a page in bytes.
pub(crate) const PAGE: usize = WORDS * 8;

/// A mapped page. It is changed by stores of whole words only, so no reader sees half of one.
pub(crate) struct SharedPage {
    words: *const AtomicU64,
    /// The device and the number of the file.
    #[cfg(unix)]
    file: (u64, u64),
}

// SAFETY: the words are atomic, and the mapping lives as long as the value.
unsafe impl Send for SharedPage {}
// SAFETY: as above.
unsafe impl Sync for SharedPage {}

impl SharedPage {
    /// Maps the first page of `file`, which must have that many bytes, and blocks on disk for them: a store into a hole
    /// of a full disk would kill the process. Without `writable` the words must not be changed.
    ///
    /// # Errors
    /// The errors of the system, also that there are no shared mappings here.
    #[cfg(unix)]
    pub(crate) fn map(file: &File, writable: bool) -> io::Result<Self> {
        use std::os::fd::AsRawFd;
        use std::os::unix::fs::MetadataExt;
        let metadata = file.metadata()?;
        if metadata.len() == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let protection = libc::PROT_READ | if writable { libc::PROT_WRITE } else { 0 };
        // SAFETY: a new mapping of an open file at an address that the kernel chooses.
        let address = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                PAGE,
                protection,
                libc::MAP_SHARED,
                file.as_raw_fd(),
                0,
            )
        };
        if address == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let words = address.cast_const().cast();
        Ok(Self { words, file: (metadata.dev(), metadata.ino()) })
    }

    /// Returns whether `path` is still the file of the page, and has its length. A page of a file that was cut cannot
    /// be used.
    #[cfg(unix)]
    pub(crate) fn is_at(&self, path: &Path) -> bool {
        use std::os::unix::fs::MetadataExt;
        let found = std::fs::symlink_metadata(path);
        found.is_ok_and(|m| (m.dev(), m.ino()) == self.file && m.len() >= PAGE as u64)
    }

    #[cfg(not(unix))]
    pub(crate) fn is_at(&self, _path: &Path) -> bool {
        true
    }

    #[cfg(not(unix))]
    pub(crate) fn map(_file: &File, _writable: bool) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(crate) fn words(&self) -> &[AtomicU64; WORDS] {
        // SAFETY: a page is aligned, has `WORDS` words, and stays mapped while `self` lives. Other processes change the
        // words by atomic stores only; one that does otherwise changes numbers, and any number is valid.
        unsafe { &*self.words.cast() }
    }
}

#[cfg(unix)]
impl Drop for SharedPage {
    fn drop(&mut self) {
        // SAFETY: the mapping is this value's own.
        unsafe { libc::munmap(self.words.cast_mut().cast(), PAGE) };
    }
}
