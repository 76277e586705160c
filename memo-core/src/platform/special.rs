//! Whether calls are bypassed or watched. A hit asks for both with one load.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The number of [`Special`] guards in all threads.
static GUARDS: AtomicUsize = AtomicUsize::new(0);

/// While one exists, each call of every thread asks whether it is bypassed or watched.
pub(super) struct Special(());

impl Special {
    pub(super) fn begin() -> Self {
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
pub(super) fn is_possible() -> bool {
    GUARDS.load(Relaxed) != 0
}
