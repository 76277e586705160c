//! One computation per key: who computes, who waits, and how a wait ends.

use std::collections::HashMap;
use std::sync::LazyLock;
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use crate::clock::Millis;
use crate::key::KeyBytes;

/// A computation in progress. It is registered in the shard of its key until it ends or its key is invalidated.
pub(crate) struct Flight<H> {
    pub(crate) hash: u64,
    pub(crate) key: KeyBytes,
    leader: ThreadId,
    landed: Mutex<Landing<H>>,
    changed: Condvar,
    /// The entry to be, once its record is queued and until it is in the table: a checkpoint meanwhile must find it.
    pending: Mutex<Option<(H, Millis)>>,
}

enum Landing<H> {
    Flying,
    /// The value, unless the leader panicked or its value is not kept.
    Landed(Option<H>),
}

/// How a wait ended.
pub(crate) enum Waited<H> {
    /// With the leader's value.
    Value(H),
    /// The leader has none to share: look again.
    Nothing,
    /// To wait (longer) would or might be for ever: compute without leading.
    Alone,
}

impl<H: Clone> Flight<H> {
    pub(crate) fn new(hash: u64, key: KeyBytes) -> Self {
        Self {
            hash,
            key,
            leader: thread::current().id(),
            landed: Mutex::new(Landing::Flying),
            changed: Condvar::new(),
            pending: Mutex::new(None),
        }
    }

    /// Lets the waiters go, with a value or without; the first landing counts.
    pub(crate) fn land(&self, value: Option<H>) {
        let mut landed = self.landed.lock();
        if matches!(*landed, Landing::Flying) {
            *landed = Landing::Landed(value);
            self.changed.notify_all();
        }
    }

    pub(crate) fn set_pending(&self, held: H, expires: Millis) {
        *self.pending.lock() = Some((held, expires));
    }

    pub(crate) fn pending(&self) -> Option<(H, Millis)> {
        self.pending.lock().clone()
    }

    /// Waits for the leader, at most until `limit` has passed.
    pub(crate) fn wait(&self, limit: Duration) -> Waited<H> {
        let Some(_waiting) = Waiting::begin(self.leader) else { return Waited::Alone };
        let until = Instant::now().checked_add(limit);
        let mut landed = self.landed.lock();
        loop {
            if let Landing::Landed(value) = &*landed {
                return value.clone().map_or(Waited::Nothing, Waited::Value);
            }
            match until {
                None => self.changed.wait(&mut landed),
                Some(until) => {
                    let late = self.changed.wait_until(&mut landed, until).timed_out();
                    if late && matches!(*landed, Landing::Flying) {
                        return Waited::Alone;
                    }
                }
            }
        }
    }
}

/// Who waits for whom: a thread waits for one leader at a time, so the graph is a set of chains, and a cycle is found
/// by walking one. It is walked and extended under one lock, so the last to close a cycle sees it.
static WAITS: LazyLock<Mutex<HashMap<ThreadId, ThreadId>>> = LazyLock::new(Mutex::default);

/// This thread stands in [`WAITS`] for as long as this lives.
struct Waiting(ThreadId);

impl Waiting {
    /// `None` when `leader` waits, directly or through others, for this thread, or is this thread.
    fn begin(leader: ThreadId) -> Option<Self> {
        let me = thread::current().id();
        let mut waits = WAITS.lock();
        let mut at = Some(leader);
        while let Some(thread) = at {
            if thread == me {
                return None;
            }
            at = waits.get(&thread).copied();
        }
        waits.insert(me, leader);
        Some(Self(me))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        WAITS.lock().remove(&self.0);
    }
}
