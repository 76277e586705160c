//! Whether calls are bypassed or watched, or the first one in a child of fork. A hit asks for all with one load.

#[cfg(feature = "remote")]
use std::sync::atomic::AtomicBool;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The number of [`Special`] guards in all threads.
static GUARDS: AtomicUsize = AtomicUsize::new(0);

/// While one exists, each call of every thread asks whether it is bypassed or watched.
#[derive(Debug)]
pub(crate) struct Special(());

impl Special {
    pub(crate) fn begin() -> Self {
        GUARDS.fetch_add(1, Relaxed);
        Self(())
    }
}

impl Drop for Special {
    fn drop(&mut self) {
        GUARDS.fetch_sub(1, Relaxed);
    }
}

/// Returns whether a call may be bypassed or watched.
#[inline]
pub(crate) fn is_possible() -> bool {
    GUARDS.load(Relaxed) != 0
}

/// Whether no call has begun in this process since it was forked.
#[cfg(feature = "remote")]
static IS_NEW_CHILD: AtomicBool = AtomicBool::new(false);

/// Notes that this process was just forked. Takes no lock.
#[cfg(all(unix, feature = "remote"))]
pub(super) fn begin_child() {
    if !IS_NEW_CHILD.swap(true, Relaxed) {
        GUARDS.fetch_add(1, Relaxed);
    }
}

/// Returns whether this call is the first one in a child of fork.
#[cfg(feature = "remote")]
pub(crate) fn is_first_in_child() -> bool {
    let is_first = IS_NEW_CHILD.load(Relaxed) && IS_NEW_CHILD.swap(false, Relaxed);
    if is_first {
        GUARDS.fetch_sub(1, Relaxed);
    }
    is_first
}
