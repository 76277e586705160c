//! A value that counts how many of its kind exist. tests/fences.rs uses this file too.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// Holds the number of those that exist.
#[derive(Debug)]
pub(crate) struct Counted(&'static AtomicU32);

impl Counted {
    pub(crate) fn new(existing: &'static AtomicU32) -> Self {
        existing.fetch_add(1, Relaxed);
        Self(existing)
    }
}

impl Clone for Counted {
    fn clone(&self) -> Self {
        Self::new(self.0)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}
