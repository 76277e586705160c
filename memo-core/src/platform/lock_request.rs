//! Locks that are granted later, as a browser does.

use std::task::Waker;

/// A lock that was asked for. Once it is granted, it is held until this is dropped.
pub(crate) trait LockRequest: Send + Sync {
    /// Returns what came of it. While nothing did, `waker` is woken when something does.
    fn poll(&self, waker: &Waker) -> Granting;
}

/// What came of the request of a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Granting {
    /// Nothing yet: others have it, or had it a moment ago.
    Pending,
    Granted,
    /// There is no lock here.
    Refused,
}

/// Asks for the lock of that name, which one of all tabs has at a time. `None`: there are no locks.
pub(crate) type AskForLock = fn(name: &str) -> Option<Box<dyn LockRequest>>;
