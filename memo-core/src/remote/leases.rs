//! The leases that this process holds: renewed while it computes, released when it gives up.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::store::{Store, Token};
use crate::platform::clock::Instant;
use crate::platform::sync::usual::{Mutex, MutexGuard};
use crate::platform::{clock, fork};

/// How long nobody waits for the answer to a renewal or release.
const LIMIT: Duration = Duration::from_secs(1);

/// The leases that this process holds.
pub(super) struct Leases {
    store: Arc<dyn Store>,
    time: Duration,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    /// See [`fork::generation`].
    process: u64,
    /// The names of their entries.
    entries: BTreeMap<Token, String>,
}

/// The right to compute an entry and to write it. Dropping it gives it back.
pub(crate) struct HeldLease {
    leases: Arc<Leases>,
    pub(crate) entry: String,
    pub(crate) token: Token,
    /// The whole key, if the name of the entry has a digest.
    pub(crate) key: Option<Vec<u8>>,
    /// The groups of the entry that were known when the lease was given, each with its generation.
    pub(crate) generations: Vec<(u64, u64)>,
    /// When that was.
    pub(crate) began: Instant,
    /// Whether a write ends the lease.
    is_handed_over: bool,
}

impl Leases {
    pub(super) fn new(store: Arc<dyn Store>, time: Duration) -> Self {
        Self { store, time, held: Mutex::default() }
    }

    /// Returns how long a lease lasts unless it is renewed.
    pub(super) fn time(&self) -> Duration {
        self.time
    }

    /// Notes a lease that was given.
    pub(super) fn hold(
        self: &Arc<Self>,
        entry: &str,
        key: Option<Vec<u8>>,
        token: Token,
        generations: Vec<(u64, u64)>,
    ) -> HeldLease {
        self.held().entries.insert(token, entry.to_owned());
        let (leases, entry) = (Arc::clone(self), entry.to_owned());
        let began = clock::instant();
        HeldLease { leases, entry, token, key, generations, began, is_handed_over: false }
    }

    /// A child of fork has none of the leases of its parent, which renews them as long as it lives.
    fn held(&self) -> MutexGuard<'_, Held> {
        let mut held = self.held.lock();
        let process = fork::generation();
        if held.process != process {
            *held = Held { process, ..Held::default() };
        }
        held
    }

    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.held().entries.len()
    }

    /// Makes all of them last longer. What comes of it does not matter: who has lost a lease cannot write.
    pub(super) fn renew(&self) {
        let held = self.held().entries.clone();
        for (token, entry) in held {
            self.store.renew(&entry, token, self.time, clock::instant() + LIMIT).then(drop);
        }
    }

    /// Gives back a lease that may have been given.
    pub(super) fn release(&self, entry: &str, token: Token) {
        self.store.release(entry, token, clock::instant() + LIMIT).then(drop);
    }
}

impl HeldLease {
    /// Leaves it to a write to end the lease.
    pub(crate) fn hand_over(mut self) {
        self.is_handed_over = true;
    }
}

impl Drop for HeldLease {
    fn drop(&mut self) {
        self.leases.held().entries.remove(&self.token);
        if !self.is_handed_over {
            self.leases.release(&self.entry, self.token);
        }
    }
}
