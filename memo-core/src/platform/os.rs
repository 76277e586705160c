//! Functions of the operating systems that the standard library does not offer, or not in every supported Rust version.
//!
//! The calls are unsafe code. A crate that wraps all of them takes half as long to build as this whole crate.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;

/// The flag that makes `open` refuse a symbolic link.
#[cfg(unix)]
pub(crate) const NO_FOLLOW: i32 = libc::O_NOFOLLOW;

/// Takes an exclusive lock on the file, as `File::try_lock` does since Rust 1.89.
///
/// # Errors
/// [`io::ErrorKind::WouldBlock`] while the file is locked through another handle, and any error of the system.
#[cfg(all(unix, not(target_os = "solaris")))]
pub(crate) fn try_lock(file: &File) -> io::Result<()> {
    use std::os::fd::AsRawFd;
    // SAFETY: `flock` takes numbers only, and the file is open.
    match unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) } {
        0 => Ok(()),
        _ => Err(lock_error(io::Error::last_os_error())),
    }
}

/// Returns what the error of a lock means. CIFS denies access to a file that another client has locked.
#[cfg(unix)]
fn lock_error(error: io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(libc::EACCES) => io::ErrorKind::WouldBlock.into(),
        _ => error,
    }
}

/// Returns whether the error says that the system or the file system has no such call for this kind of file.
#[cfg(unix)]
pub(crate) fn says_unsupported(error: &io::Error) -> bool {
    let numbers = [libc::EINVAL, libc::ENOTSUP, libc::EOPNOTSUPP, libc::ENOSYS, libc::EBADF];
    error.raw_os_error().is_some_and(|number| numbers.contains(&number))
}

/// Returns whether the error says that a file of this file system cannot be mapped for several processes.
#[cfg(unix)]
pub(crate) fn says_no_mapping(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::ENODEV) || says_unsupported(error)
}

#[cfg(not(unix))]
pub(crate) fn says_no_mapping(_error: &io::Error) -> bool {
    false
}

#[cfg(not(unix))]
pub(crate) fn says_unsupported(_error: &io::Error) -> bool {
    false
}

/// Returns whether this process acts as root.
#[cfg(unix)]
pub(crate) fn is_root() -> bool {
    // SAFETY: `geteuid` only reads a number of the process and cannot fail.
    unsafe { libc::geteuid() == 0 }
}

/// WASI has no locks of files. Who runs two programs on one folder at once has to keep them apart.
#[cfg(not(any(unix, windows)))]
pub(crate) fn try_lock(_file: &File) -> io::Result<()> {
    Ok(())
}

#[cfg(target_os = "solaris")]
pub(crate) fn try_lock(_file: &File) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(all(windows, feature = "persist"))]
pub(crate) fn try_lock(file: &File) -> io::Result<()> {
    use std::os::windows::io::AsRawHandle;
    use windows_sys::Win32::Foundation::{ERROR_IO_PENDING, ERROR_LOCK_VIOLATION};
    use windows_sys::Win32::Storage::FileSystem::{
        LOCKFILE_EXCLUSIVE_LOCK, LOCKFILE_FAIL_IMMEDIATELY, LockFileEx,
    };
    use windows_sys::Win32::System::IO::OVERLAPPED;
    let flags = LOCKFILE_EXCLUSIVE_LOCK | LOCKFILE_FAIL_IMMEDIATELY;
    let mut from_start = OVERLAPPED::default();
    // SAFETY: the file is open. It was not opened for overlapped operations, so no operation outlives the call.
    let locked = unsafe {
        LockFileEx(file.as_raw_handle(), flags, 0, u32::MAX, u32::MAX, &raw mut from_start)
    };
    if locked != 0 {
        return Ok(());
    }
    let error = io::Error::last_os_error();
    match error.raw_os_error().and_then(|code| u32::try_from(code).ok()) {
        Some(ERROR_IO_PENDING | ERROR_LOCK_VIOLATION) => Err(io::ErrorKind::WouldBlock.into()),
        _ => Err(error),
    }
}

/// While this exists, the thread that made it gets no signals that are sent to the process. It still gets those of its
/// own faults: while they are blocked, the kernel ends the process without asking the handler.
#[cfg(unix)]
pub(crate) struct BlockedSignals {
    /// The thread's mask before.
    before: libc::sigset_t,
    /// Drop has to happen in the same thread.
    _not_send: std::marker::PhantomData<*const ()>,
}

#[cfg(unix)]
impl BlockedSignals {
    pub(crate) fn begin() -> Self {
        const FAULTS: [libc::c_int; 6] =
            [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGTRAP, libc::SIGABRT];
        let mut blocked = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
        let mut before = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
        // SAFETY: `sigfillset` initializes `blocked`, and `pthread_sigmask` initializes `before`. They fail for wrong
        // arguments only, and these are none.
        unsafe {
            libc::sigfillset(blocked.as_mut_ptr());
            for fault in FAULTS {
                libc::sigdelset(blocked.as_mut_ptr(), fault);
            }
            libc::pthread_sigmask(libc::SIG_SETMASK, blocked.as_ptr(), before.as_mut_ptr());
            Self { before: before.assume_init(), _not_send: std::marker::PhantomData }
        }
    }
}

#[cfg(unix)]
impl Drop for BlockedSignals {
    fn drop(&mut self) {
        // SAFETY: the mask was this thread's own. It is only read.
        unsafe {
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.before, std::ptr::null_mut());
        }
    }
}

/// Returns the milliseconds of the coarse monotonic clock, which counts from boot and stops while the machine sleeps.
#[cfg(target_os = "linux")]
#[inline]
pub(crate) fn coarse_millis() -> u64 {
    nanos_of(libc::CLOCK_MONOTONIC_COARSE) / 1_000_000
}

/// Returns the nanoseconds of the exact monotonic clock, which stops while the machine sleeps.
#[cfg(target_os = "linux")]
#[inline]
pub(crate) fn nanos() -> u64 {
    nanos_of(libc::CLOCK_MONOTONIC)
}

/// Returns the nanoseconds since boot, with the time asleep.
#[cfg(target_os = "linux")]
pub(crate) fn nanos_with_sleep() -> u64 {
    nanos_of(libc::CLOCK_BOOTTIME)
}

/// Returns the nanoseconds of a monotonic clock that goes on while the machine sleeps. (`Instant` stops there.)
#[cfg(target_vendor = "apple")]
pub(crate) fn nanos() -> u64 {
    nanos_of(libc::CLOCK_MONOTONIC_RAW)
}

#[cfg(any(target_os = "linux", target_vendor = "apple"))]
#[allow(clippy::useless_conversion, reason = "the parts are narrower on 32 bits")]
#[inline]
fn nanos_of(clock: libc::clockid_t) -> u64 {
    let mut time = std::mem::MaybeUninit::<libc::timespec>::zeroed();
    // SAFETY: `clock_gettime` writes a `timespec` or nothing, and `time` has room for one.
    unsafe { libc::clock_gettime(clock, time.as_mut_ptr()) };
    // SAFETY: a `timespec` consists of integers, so all zeros are a valid value too. The call does not fail, because
    // these clocks exist on every such system that Rust supports.
    let time = unsafe { time.assume_init() };
    // Neither part is negative.
    u64::from(time.tv_sec.unsigned_abs()) * 1_000_000_000 + u64::from(time.tv_nsec.unsigned_abs())
}

/// Tells the kernel that this process will issue fences to all its threads. Returns whether it may: false on kernels
/// before 4.14 and where the system call is forbidden.
#[cfg(target_os = "linux")]
pub(crate) fn register_fences() -> bool {
    membarrier(libc::MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED)
}

/// Makes every running thread of this process pass a fence. Returns whether the kernel did so.
#[cfg(target_os = "linux")]
pub(crate) fn fence_all_threads() -> bool {
    membarrier(libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED)
}

#[cfg(target_os = "linux")]
fn membarrier(command: libc::c_int) -> bool {
    // SAFETY: `membarrier` takes numbers only and accesses no memory of this process.
    unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) == 0 }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_lock_to_which_access_is_denied_is_held() {
        let kind = |number| lock_error(io::Error::from_raw_os_error(number)).kind();
        assert_eq!(kind(libc::EACCES), io::ErrorKind::WouldBlock);
        assert_eq!(kind(libc::EWOULDBLOCK), io::ErrorKind::WouldBlock);
        assert_ne!(kind(libc::EIO), io::ErrorKind::WouldBlock);
    }
}
