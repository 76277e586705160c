//! Tells a child of fork from its parent, without a system call.
#![allow(unsafe_code)]

use std::fs::File;
use std::ptr;
use std::sync::Once;
use std::sync::atomic::{AtomicI32, AtomicPtr, AtomicU64, Ordering::Relaxed, Ordering::SeqCst};

#[cfg(unix)]
use crate::platform::maintenance;
#[cfg(all(unix, feature = "remote"))]
use crate::platform::special;

/// The files that a child of fork lets go of, in a list that only grows.
static FIRST: AtomicPtr<Slot> = AtomicPtr::new(ptr::null_mut());

/// A place in the list.
struct Slot {
    /// The descriptor of the file. [`FREE`]: no file has this place. [`TAKEN`]: one is about to.
    file: AtomicI32,
    next: *const Slot,
}

const FREE: i32 = -1;
const TAKEN: i32 = -2;

// SAFETY: a place is never freed, and `next` never changes.
unsafe impl Sync for Slot {}

/// A file that a child of fork lets go of. An open file and its locks belong to parent and child, so without this the
/// child would hold what the parent has locked after the parent's end.
///
/// Must be dropped before the file is closed.
pub(crate) struct NotInherited(&'static Slot);

impl NotInherited {
    /// Makes children let go of `file`. Call it before anything is locked.
    pub(crate) fn new(file: &File) -> Self {
        generation();
        let slot = take_slot();
        slot.file.store(descriptor(file), SeqCst);
        Self(slot)
    }
}

impl Drop for NotInherited {
    fn drop(&mut self) {
        self.0.file.store(FREE, SeqCst);
    }
}

fn take_slot() -> &'static Slot {
    let is_taken =
        |slot: &&'static Slot| slot.file.compare_exchange(FREE, TAKEN, SeqCst, SeqCst).is_ok();
    if let Some(slot) = slots().find(is_taken) {
        return slot;
    }
    let mut first = FIRST.load(SeqCst);
    let slot = Box::leak(Box::new(Slot { file: AtomicI32::new(TAKEN), next: first }));
    while let Err(other) = FIRST.compare_exchange(first, slot, SeqCst, SeqCst) {
        (first, slot.next) = (other, other);
    }
    slot
}

/// Returns all places.
fn slots() -> impl Iterator<Item = &'static Slot> {
    // SAFETY: a pointer in the list is null or that of a place, which is never freed.
    let at = |slot: *const Slot| unsafe { slot.as_ref() };
    std::iter::successors(at(FIRST.load(SeqCst)), move |slot| at(slot.next))
}

#[cfg(unix)]
fn descriptor(file: &File) -> i32 {
    std::os::fd::AsRawFd::as_raw_fd(file)
}

#[cfg(not(unix))]
fn descriptor(_file: &File) -> i32 {
    TAKEN
}

static FORKS: AtomicU64 = AtomicU64::new(0);

/// Returns a number that is another one in a child of fork than it was in its parent. (A child that was made by the
/// bare system call keeps the number. The C library does not support that either.)
#[inline]
pub(crate) fn generation() -> u64 {
    static REGISTERED: Once = Once::new();
    REGISTERED.call_once(register);
    FORKS.load(Relaxed)
}

#[cfg(unix)]
fn register() {
    extern "C" fn before() {
        maintenance::hold();
    }
    extern "C" fn in_parent() {
        maintenance::release();
    }
    extern "C" fn in_child() {
        FORKS.fetch_add(1, Relaxed);
        #[cfg(feature = "remote")]
        special::begin_child();
        let_go();
        maintenance::release();
    }
    // SAFETY: the functions change atomic numbers, take and release locks that no thread holds for long, and call what
    // may be called in a child of a process with threads.
    unsafe { libc::pthread_atfork(Some(before), Some(in_parent), Some(in_child)) };
}

/// Makes the descriptors of all files in the list those of another file. They stay valid, because values in the memory
/// of the child use them. Allocates nothing and takes no lock.
#[cfg(unix)]
fn let_go() {
    // SAFETY: `open`, `dup2`, `fcntl` and `close` may be called in the child of a process with threads. The descriptors
    // belong to open files, and what they refer to is used for locks alone.
    unsafe {
        let null = libc::open(c"/dev/null".as_ptr(), libc::O_RDWR | libc::O_CLOEXEC);
        if null < 0 {
            return;
        }
        for file in slots().map(|slot| slot.file.load(SeqCst)).filter(|file| *file >= 0) {
            libc::dup2(null, file);
            libc::fcntl(file, libc::F_SETFD, libc::FD_CLOEXEC);
        }
        libc::close(null);
    }
}

#[cfg(not(unix))]
fn register() {}
