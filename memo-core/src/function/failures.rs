//! The failures of a directory that concern one function, and when to try again to open it.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use crate::error::Error;
use crate::persist::Backoff;
use crate::platform::sync::usual::Mutex;

/// The failures to open a directory, and to encode values for it. (A store counts its own.)
pub(crate) struct Failures {
    backoff: Backoff,
    /// Whether a value was stored since the last failure.
    is_over: AtomicBool,
    /// The last value that was too large, if one was since the last flush.
    too_large: Mutex<Option<Error>>,
}

impl Failures {
    pub(crate) fn new() -> Self {
        Self {
            backoff: Backoff::new(),
            is_over: AtomicBool::new(false),
            too_large: Mutex::default(),
        }
    }

    /// Counts a failure without delaying the next attempt: a retry would not help, or other values may be unaffected.
    pub(crate) fn add(&self, error: &Error) {
        self.backoff.count(error);
        self.is_over.store(false, Relaxed);
    }

    /// Counts the failures of a store that is closed.
    pub(crate) fn take_over(&self, errors: u64) {
        self.backoff.take_over(errors);
    }

    /// Counts a failed attempt to open the directory, and delays the next one.
    pub(crate) fn back_off(&self, error: &Error) {
        self.add(error);
        match error {
            // Trying the lock is cheap, and its holder may have exited, so this delay does not grow.
            Error::Locked { .. } | Error::OtherHost { .. } => self.backoff.back_off_shortly(),
            _ => self.backoff.back_off(),
        }
    }

    /// Returns the last error if the next attempt to open is not due yet.
    pub(crate) fn check_retry(&self) -> Result<(), Error> {
        match self.backoff.due() {
            Some(false) => self.last().map_or(Ok(()), Err),
            _ => Ok(()),
        }
    }

    /// Called when the directory was opened: forgets why it could not be.
    pub(crate) fn reset(&self) {
        self.backoff.forget();
        self.is_over.store(false, Relaxed);
    }

    /// Called when a value was stored, so the last failure is over.
    pub(crate) fn end(&self) {
        self.is_over.store(true, Relaxed);
    }

    /// Returns how many there were.
    pub(crate) fn count(&self) -> u64 {
        self.backoff.errors()
    }

    /// Returns the last failure.
    pub(crate) fn last(&self) -> Option<Error> {
        self.backoff.last()
    }

    /// Returns the last failure, unless it is over.
    pub(crate) fn present(&self) -> Option<Error> {
        self.last().filter(|_| !self.is_over.load(Relaxed))
    }

    /// Notes that a value was too large.
    pub(crate) fn note_too_large(&self, error: &Error) {
        *self.too_large.lock() = Some(error.clone());
    }

    /// Returns the error of the last value that was too large, if one was since the last call.
    pub(crate) fn take_too_large(&self) -> Option<Error> {
        self.too_large.lock().take()
    }
}
