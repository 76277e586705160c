//! The computer that runs this process, since it was started. Processes of one share memory through a mapped file.
#![cfg_attr(target_vendor = "apple", allow(unsafe_code))]

use crate::platform::fnv::Fnv;
use std::hash::Hasher;
use std::sync::OnceLock;

/// Returns a number that the processes of this computer have in common, and those of another most likely have not. 0 if
/// the system does not tell: it is then taken for the same computer.
#[cfg(not(test))]
pub(crate) fn id() -> u64 {
    system()
}

#[cfg(test)]
pub(crate) use elsewhere::id;

fn system() -> u64 {
    static ID: OnceLock<u64> = OnceLock::new();
    *ID.get_or_init(|| {
        boot().map_or(0, |boot| {
            let mut hash = Fnv::new();
            hash.write(&boot);
            hash.finish()
        })
    })
}

/// Returns what identifies the start of this system.
#[cfg(not(target_vendor = "apple"))]
fn boot() -> Option<Vec<u8>> {
    // Only Linux has this file, and only there and on systems of Apple the processes of a folder share memory.
    std::fs::read("/proc/sys/kernel/random/boot_id").ok()
}

#[cfg(target_vendor = "apple")]
fn boot() -> Option<Vec<u8>> {
    let mut uuid = vec![0_u8; 64];
    let mut len = uuid.len();
    // SAFETY: the name ends with a zero, and the call writes at most `len` bytes to `uuid`.
    let status = unsafe {
        libc::sysctlbyname(
            c"kern.bootsessionuuid".as_ptr(),
            uuid.as_mut_ptr().cast(),
            &raw mut len,
            std::ptr::null_mut(),
            0,
        )
    };
    uuid.truncate(len);
    (status == 0).then_some(uuid)
}

/// Simulates other computers: a test's thread stands for a process on one.
#[cfg(test)]
pub(crate) mod elsewhere {
    use std::cell::Cell;

    thread_local! {
        static OTHER: Cell<Option<u64>> = const { Cell::new(None) };
    }

    pub(crate) fn id() -> u64 {
        OTHER.get().unwrap_or_else(super::system)
    }

    /// Moves this thread to another computer, or back.
    pub(crate) fn set(other: Option<u64>) {
        OTHER.set(other);
    }
}
