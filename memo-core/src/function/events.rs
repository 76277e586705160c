//! What is told to the crate tracing beside computations. Without the feature `tracing` it is nothing. No lock is held
//! where something is told, because a subscriber is code of a user.

#[cfg(feature = "tracing")]
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use crate::error::Error;
use crate::statistics::explanation::Remover;

/// What one cache has told.
#[derive(Default)]
pub(crate) struct Events {
    /// Whether the disk or the tier was said to fail.
    #[cfg(feature = "tracing")]
    is_degraded: AtomicBool,
}

#[cfg(feature = "tracing")]
impl Events {
    /// Whether anybody may listen to what is routine. Counting what an event says is not free.
    pub(crate) fn are_heard() -> bool {
        tracing::enabled!(target: "memokit", tracing::Level::DEBUG)
    }

    /// Whether anybody may listen to what goes wrong.
    pub(crate) fn warnings_are_heard() -> bool {
        tracing::enabled!(target: "memokit", tracing::Level::WARN)
    }

    pub(crate) fn invalidated(function: &str, by: Remover, count: usize) {
        let by = match by {
            Remover::Invalidate => "invalidate",
            Remover::Clear => "clear",
            Remover::Retain => "retain",
            Remover::InvalidateWhere => "invalidate_where",
            Remover::Tag => "tag",
            Remover::Process => "process",
            Remover::Machine => "machine",
            Remover::Disconnection => "disconnection",
        };
        tracing::debug!(target: "memokit", function, by, count, "invalidated");
    }

    pub(crate) fn evicted(function: &str, count: u64) {
        if count > 0 {
            tracing::debug!(target: "memokit", function, count, "evicted");
        }
    }

    pub(crate) fn expired(function: &str, count: u64) {
        if count > 0 {
            tracing::debug!(target: "memokit", function, count, "expired");
        }
    }

    pub(crate) fn recovered(function: &str, entries: u64, damage: &[Error]) {
        if entries > 0 {
            tracing::debug!(target: "memokit", function, entries, "recovered");
        }
        for error in damage {
            tracing::warn!(target: "memokit", function, %error, "damaged");
        }
    }

    /// Tells that the disk or the tier fails, or does no longer, if that has changed.
    pub(crate) fn health(&self, function: &str, health: &Result<(), Error>) {
        if self.is_degraded.swap(health.is_err(), Relaxed) == health.is_err() {
            return;
        }
        match health {
            Ok(()) => tracing::info!(target: "memokit", function, "healed"),
            Err(error) => tracing::warn!(target: "memokit", function, %error, "degraded"),
        }
    }
}

#[cfg(not(feature = "tracing"))]
impl Events {
    #[inline(always)]
    pub(crate) fn are_heard() -> bool {
        false
    }

    #[inline(always)]
    pub(crate) fn warnings_are_heard() -> bool {
        false
    }

    #[inline(always)]
    pub(crate) fn invalidated(_: &str, _: Remover, _: usize) {}

    #[inline(always)]
    pub(crate) fn evicted(_: &str, _: u64) {}

    #[inline(always)]
    pub(crate) fn expired(_: &str, _: u64) {}

    #[inline(always)]
    pub(crate) fn recovered(_: &str, _: u64, _: &[Error]) {}

    #[inline(always)]
    pub(crate) fn health(&self, _: &str, _: &Result<(), Error>) {}
}
