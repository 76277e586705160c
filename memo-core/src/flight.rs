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
    /// `relieved`: a waiter whose patience ended computes too.
    Flying { relieved: bool },
    /// The value, unless the leader panicked or its value is not kept.
    Landed(Option<H>),
}

/// How a wait ended.
pub(crate) enum Waited<H> {
    /// With the leader's value.
    Value(H),
    /// The leader has none to share: look again.
    Nothing,
    /// To wait would be for ever: compute without leading.
    Alone,
    /// To wait longer might be for ever: compute, and land the flight for the others.
    Relieve,
}

impl<H: Clone> Flight<H> {
    pub(crate) fn new(hash: u64, key: KeyBytes) -> Self {
        Self {
            hash,
            key,
            leader: thread::current().id(),
            landed: Mutex::new(Landing::Flying { relieved: false }),
            changed: Condvar::new(),
            pending: Mutex::new(None),
        }
    }

    /// Lets the waiters go, with a value or without; the first landing counts.
    pub(crate) fn land(&self, value: Option<H>) {
        let mut landed = self.landed.lock();
        if matches!(*landed, Landing::Flying { .. }) {
            *landed = Landing::Landed(value);
            self.changed.notify_all();
        }
    }

    /// The waiter who was to land it did not: the next may.
    pub(crate) fn step_back(&self) {
        if let Landing::Flying { relieved } = &mut *self.landed.lock() {
            *relieved = false;
        }
    }

    pub(crate) fn set_pending(&self, held: H, expires: Millis) {
        *self.pending.lock() = Some((held, expires));
    }

    pub(crate) fn pending(&self) -> Option<(H, Millis)> {
        self.pending.lock().clone()
    }

    /// Waits for the leader. Of those whose `limit` has passed one at a time is sent to compute.
    pub(crate) fn wait(&self, limit: Duration) -> Waited<H> {
        let Some(_waiting) = Waiting::begin(self.leader) else { return Waited::Alone };
        let mut landed = self.landed.lock();
        loop {
            match &mut *landed {
                Landing::Landed(value) => {
                    return value.clone().map_or(Waited::Nothing, Waited::Value);
                }
                Landing::Flying { relieved } => {
                    let until = Instant::now().checked_add(limit);
                    let relieved = *relieved;
                    let late = until.is_some_and(|until| {
                        self.changed.wait_until(&mut landed, until).timed_out()
                    });
                    if let (true, false, Landing::Flying { relieved }) =
                        (late, relieved, &mut *landed)
                        && !std::mem::replace(relieved, true)
                    {
                        return Waited::Relieve;
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
