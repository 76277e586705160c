//! The results that wait to be written behind the calls, in order. The queue is bounded: the oldest are dropped.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Duration;

use super::error::StoreError;
use super::link::Link;
use super::pending::Pending;
use super::store::{Put, Store};
use crate::platform::clock::Instant;
use crate::platform::sync::usual::{Condvar, Mutex, MutexGuard};
use crate::platform::{clock, fork};

/// This many writes are under way at once.
const MAX_UNDER_WAY: usize = 64;
/// How long the answer to a write is waited for.
const LIMIT: Duration = Duration::from_secs(5);

/// What came of a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Written {
    Yes,
    /// The lease had ended, or the key was removed meanwhile.
    Refused,
    /// There was no room in the queue.
    Dropped,
    Failed(StoreError),
}

/// A write that a caller waits for.
pub(crate) struct Writing {
    pub(crate) written: Pending<Written>,
    /// How long the caller waits.
    pub(crate) until: Instant,
}

impl Writing {
    /// Waits for the end of the write, as a thread.
    pub(crate) fn wait(self) {
        // Whether it was written is counted elsewhere.
        let _ = self.written.wait_until(self.until);
    }

    /// Returns whether the wait is over. If not, `waker` is woken at the end of the write.
    pub(crate) fn poll(&mut self, waker: &Waker) -> Poll<()> {
        if self.until <= clock::instant() {
            return Poll::Ready(());
        }
        self.written.poll_result(waker).map(drop)
    }
}

type Then = Box<dyn FnOnce(Written) + Send>;

/// The queue of a tier.
pub(super) struct Writes {
    store: Arc<dyn Store>,
    link: Arc<Link>,
    max: usize,
    max_bytes: usize,
    state: Mutex<State>,
    /// Notified when nothing is left.
    is_done: Condvar,
}

#[derive(Default)]
struct State {
    /// See [`fork::generation`].
    process: u64,
    waiting: VecDeque<(Put, Then)>,
    /// The bytes of those that wait.
    bytes: usize,
    under_way: usize,
    /// Whether a thread is sending what waits. Results may come within the call that sends.
    is_sending: bool,
}

impl Writes {
    pub(super) fn new(
        store: Arc<dyn Store>,
        link: Arc<Link>,
        max: usize,
        max_bytes: usize,
    ) -> Self {
        Self { store, link, max, max_bytes, state: Mutex::default(), is_done: Condvar::new() }
    }

    /// Writes behind the caller. `then` gets what came of it.
    pub(super) fn push(self: &Arc<Self>, put: Put, then: Then) {
        let mut state = self.lock();
        state.bytes += put.bytes.len();
        state.waiting.push_back((put, then));
        let mut dropped = Vec::new();
        while state.waiting.len() > self.max.max(1) || state.bytes > self.max_bytes {
            let Some((put, then)) = state.pop() else { break };
            dropped.push((put, then));
        }
        drop(state);
        for (_, then) in dropped {
            then(Written::Dropped);
        }
        self.send();
    }

    /// Sends what waits, as far as that is possible now.
    pub(super) fn send(self: &Arc<Self>) {
        let mut state = self.lock();
        if std::mem::replace(&mut state.is_sending, true) {
            return;
        }
        while state.under_way < MAX_UNDER_WAY && self.link.is_up() {
            let Some((put, then)) = state.pop() else { break };
            state.under_way += 1;
            drop(state);
            let this = Arc::clone(self);
            let sent = self.store.put(put, clock::instant() + LIMIT);
            sent.then(move |result| this.end(result, then));
            state = self.lock();
        }
        state.is_sending = false;
    }

    fn end(self: &Arc<Self>, result: Result<bool, StoreError>, then: Then) {
        then(match result {
            Ok(true) => Written::Yes,
            Ok(false) => Written::Refused,
            Err(error) => Written::Failed(error),
        });
        let mut state = self.lock();
        state.under_way -= 1;
        if state.is_done() {
            self.is_done.notify_all();
        }
        drop(state);
        self.send();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock();
        let process = fork::generation();
        if state.process != process {
            // What waits in a child of fork is written by its parent, and nobody gets the answers here.
            std::mem::forget(std::mem::replace(&mut *state, State { process, ..State::default() }));
        }
        state
    }

    /// Waits until nothing is left. Returns false if that is not so at `deadline`, or if there is no connection.
    pub(super) fn flush(&self, deadline: Instant) -> bool {
        let mut state = self.lock();
        while !state.is_done() && self.link.is_up() {
            let is_late;
            (state, is_late) = self.is_done.wait_until(state, deadline);
            if is_late {
                break;
            }
        }
        state.is_done()
    }

    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        let state = self.lock();
        state.waiting.len() + state.under_way
    }

    /// Called when the connection has ended. Writes that no lease allows are dropped: by the time of the next connection,
    /// others may have written something newer.
    pub(super) fn cut(&self) {
        let mut state = self.lock();
        let waiting = std::mem::take(&mut state.waiting);
        let mut dropped = Vec::new();
        for (put, then) in waiting {
            if put.token.is_some() {
                state.waiting.push_back((put, then));
            } else {
                dropped.push((put, then));
            }
        }
        state.bytes -= dropped.iter().map(|(put, _)| put.bytes.len()).sum::<usize>();
        self.is_done.notify_all();
        drop(state);
        for (_, then) in dropped {
            then(Written::Dropped);
        }
    }
}

impl State {
    fn pop(&mut self) -> Option<(Put, Then)> {
        let (put, then) = self.waiting.pop_front()?;
        self.bytes -= put.bytes.len();
        Some((put, then))
    }

    fn is_done(&self) -> bool {
        self.waiting.is_empty() && self.under_way == 0
    }
}
