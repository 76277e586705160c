//! Locks on single bytes of a file, which exclude other open files, in this process and in others. The kernel releases
//! them when their holder dies.
//!
//! (Where offsets have 32 bits, the bytes of the locks are out of reach.)
#![allow(unsafe_code)]

pub(crate) use system::{is_locked_by_other, try_lock, unlock};

#[cfg(all(
    any(target_os = "linux", target_os = "android", target_vendor = "apple"),
    target_pointer_width = "64"
))]
mod system {
    use std::fs::File;
    use std::io;

    /// Takes an exclusive lock on a byte of `file`, which is open for writing. Returns false if another open file has
    /// it.
    ///
    /// # Errors
    /// The errors of the system, also that there are no such locks here.
    pub(crate) fn try_lock(file: &File, byte: u64) -> io::Result<bool> {
        match control(file, libc::F_OFD_SETLK, &mut lock_of(libc::F_WRLCK, byte, 1)?) {
            Ok(()) => Ok(true),
            Err(e) if matches!(e.raw_os_error(), Some(libc::EAGAIN | libc::EACCES)) => Ok(false),
            Err(e) => Err(e),
        }
    }

    /// Releases the lock on a byte.
    ///
    /// # Errors
    /// The errors of the system.
    pub(crate) fn unlock(file: &File, byte: u64) -> io::Result<()> {
        control(file, libc::F_OFD_SETLK, &mut lock_of(libc::F_UNLCK, byte, 1)?)
    }

    /// Returns whether another open file has a lock on one of `count` bytes from `byte` on.
    ///
    /// # Errors
    /// The errors of the system, also that there are no such locks here.
    pub(crate) fn is_locked_by_other(file: &File, byte: u64, count: u64) -> io::Result<bool> {
        let mut lock = lock_of(libc::F_WRLCK, byte, count)?;
        control(file, libc::F_OFD_GETLK, &mut lock)?;
        Ok(lock_type(lock.l_type) != lock_type(libc::F_UNLCK))
    }

    #[allow(clippy::useless_conversion, reason = "the types differ between systems")]
    fn lock_of(
        kind: impl TryInto<libc::c_short>,
        byte: u64,
        count: u64,
    ) -> io::Result<libc::flock> {
        let invalid = || io::Error::from(io::ErrorKind::InvalidInput);
        // SAFETY: the structure consists of integers, for which zeros are valid.
        let mut lock: libc::flock = unsafe { std::mem::zeroed() };
        lock.l_type = kind.try_into().map_err(|_| invalid())?;
        lock.l_whence = libc::SEEK_SET.try_into().map_err(|_| invalid())?;
        lock.l_start = byte.try_into().map_err(|_| invalid())?;
        lock.l_len = count.try_into().map_err(|_| invalid())?;
        Ok(lock)
    }

    /// The kind of a lock as the widest of the types that systems use for it.
    fn lock_type(kind: impl Into<i32>) -> i32 {
        kind.into()
    }

    fn control(file: &File, command: libc::c_int, lock: &mut libc::flock) -> io::Result<()> {
        use std::os::fd::AsRawFd;
        // SAFETY: the file is open, and the command reads and writes one `flock`.
        match unsafe { libc::fcntl(file.as_raw_fd(), command, std::ptr::from_mut(lock)) } {
            -1 => Err(io::Error::last_os_error()),
            _ => Ok(()),
        }
    }
}

#[cfg(not(all(
    any(target_os = "linux", target_os = "android", target_vendor = "apple"),
    target_pointer_width = "64"
)))]
mod system {
    use std::fs::File;
    use std::io;

    pub(crate) fn try_lock(_file: &File, _byte: u64) -> io::Result<bool> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(crate) fn unlock(_file: &File, _byte: u64) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(crate) fn is_locked_by_other(_file: &File, _byte: u64, _count: u64) -> io::Result<bool> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
