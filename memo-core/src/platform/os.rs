//! What the systems offer and the standard library does not, or not in every Rust that this builds with.
//!
//! By calls that are unsafe to write, since a crate that wraps them all takes as long to build as half of this one.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;

/// Has `open` refuse a symbolic link.
#[cfg(unix)]
pub(crate) const NO_FOLLOW: i32 = libc::O_NOFOLLOW;

/// Locks the file for whom it is open to alone, as `File::try_lock` does since Rust 1.89.
///
/// # Errors
/// [`io::ErrorKind::WouldBlock`] while another has it, and those of the system.
#[cfg(all(unix, not(target_os = "solaris")))]
pub(crate) fn try_lock(file: &File) -> io::Result<()> {
    use std::os::fd::AsRawFd;
    // SAFETY: it takes numbers, and the file is open.
    match unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
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
    // SAFETY: the file is open, and as it was not opened for overlapped operations, none outlives the call.
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

/// Milliseconds of the coarse monotonic clock, which counts from boot.
#[cfg(target_os = "linux")]
#[inline]
pub(crate) fn coarse_millis() -> u64 {
    nanos_of(libc::CLOCK_MONOTONIC_COARSE) / 1_000_000
}

/// Nanoseconds of the exact monotonic clock.
#[cfg(target_os = "linux")]
#[inline]
pub(crate) fn nanos() -> u64 {
    nanos_of(libc::CLOCK_MONOTONIC)
}

#[cfg(target_os = "linux")]
#[allow(clippy::useless_conversion, reason = "the parts are narrower on 32 bits")]
#[inline]
fn nanos_of(clock: libc::clockid_t) -> u64 {
    let mut time = std::mem::MaybeUninit::<libc::timespec>::zeroed();
    // SAFETY: it writes a `timespec` or nothing to where one has room.
    unsafe { libc::clock_gettime(clock, time.as_mut_ptr()) };
    // SAFETY: of numbers alone, so zeros are one. These clocks are there on every Linux that Rust runs on.
    let time = unsafe { time.assume_init() };
    // Neither part is negative.
    u64::from(time.tv_sec.unsigned_abs()) * 1_000_000_000 + u64::from(time.tv_nsec.unsigned_abs())
}

/// Says that this process will issue fences to all its threads. False on kernels before 4.14 and where it is forbidden.
#[cfg(target_os = "linux")]
pub(crate) fn register_fences() -> bool {
    membarrier(libc::MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED)
}

/// Has every thread of this process that runs pass a fence.
#[cfg(target_os = "linux")]
pub(crate) fn fence_all_threads() -> bool {
    membarrier(libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED)
}

#[cfg(target_os = "linux")]
fn membarrier(command: libc::c_int) -> bool {
    // SAFETY: it takes numbers and touches no memory of ours.
    unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) == 0 }
}
