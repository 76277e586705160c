//! One computation per key: who computes, who waits, and how a wait ends.
//!
//! A flight has a leader, or for a moment none: who gave up, by a panic, an error or a future dropped, passes the lead
//! on to one who waits. That one is woken, and whoever looks first takes it, so that a task which is never polled again
//! holds nobody up.

use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use crate::key::KeyBytes;
use crate::platform::sync::{Condvar, Mutex};
use crate::single_flight::timer;
use crate::single_flight::wait_graph::{Id, Waiting};
use crate::single_flight::wakers::{Tasks, Ticket};

/// The right to compute the value of a key, which whoever has it holds until it ends or passes on. It stands in the
/// shard of its key meanwhile, with the key.
#[derive(Clone, Copy)]
pub(crate) struct Claim {
    pub(crate) hash: u64,
    pub(crate) id: Id,
}

/// Where others wait for what is computed under a claim.
pub(crate) struct Flight<H> {
    pub(crate) claim: Claim,
    pub(crate) key: KeyBytes,
    state: Mutex<State<H>>,
    changed: Condvar,
}

struct State<H> {
    stage: Stage<H>,
    /// Since when a waiter whose patience ended computes too. That may wait for one who waits here: the next is sent when
    /// it has taken as long.
    relieved: Option<Instant>,
    /// Threads that sleep on `changed`, or are about to see why they woke.
    threads: usize,
    tasks: Tasks,
    /// The alarm knows of the tasks.
    watched: bool,
}

enum Stage<H> {
    /// Somebody computes.
    Led,
    /// Who did gave up, and another is to.
    Vacant,
    /// The value, or none to share: look again.
    Landed(Option<H>),
}

/// How a wait ended.
pub(crate) enum Waited<H> {
    /// With the leader's value.
    Value(H),
    /// The leader has none to share: look again.
    Nothing,
    /// The leader gave up: lead.
    Lead,
    /// To wait would be for ever: compute without leading.
    Alone,
    /// To wait longer might be for ever: compute, and land the flight for the others.
    Relieve,
}

/// The one to whom the lead is passed: a thread, or a task to be woken with no lock held.
pub(crate) struct Heir(Option<Waker>);

impl Heir {
    pub(crate) fn wake(self) {
        if let Some(waker) = self.0 {
            waker.wake();
        }
    }
}

impl<H: Clone> State<H> {
    /// What ends a wait now, if anything does. `late`: the waiter's patience has ended.
    fn outcome(&mut self, late: bool, limit: Duration) -> Option<Waited<H>> {
        match &self.stage {
            Stage::Landed(value) => Some(value.clone().map_or(Waited::Nothing, Waited::Value)),
            Stage::Vacant => {
                self.stage = Stage::Led;
                Some(Waited::Lead)
            }
            Stage::Led if late && self.relieved.is_none_or(|since| since.elapsed() >= limit) => {
                self.relieved = Some(Instant::now());
                Some(Waited::Relieve)
            }
            Stage::Led => None,
        }
    }
}

impl<H: Clone> Flight<H> {
    pub(crate) fn new(claim: Claim, key: KeyBytes) -> Self {
        let state = State {
            stage: Stage::Led,
            relieved: None,
            threads: 0,
            tasks: Tasks::default(),
            watched: false,
        };
        Self { claim, key, state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Lets all who wait go, with a value or without; the first landing counts.
    pub(crate) fn land(&self, value: Option<H>) {
        let mut state = self.state.lock();
        if matches!(state.stage, Stage::Landed(_)) {
            return;
        }
        state.stage = Stage::Landed(value);
        if state.threads > 0 {
            self.changed.notify_all();
        }
        let tasks = state.tasks.take_all();
        drop(state);
        tasks.wake();
    }

    /// Passes the lead on, from who has it or, unless `led`, from one who was to take it and may be too late: to the
    /// one returned, or to nobody where nobody waits. The flight's shard is locked, so that nobody can begin to.
    pub(crate) fn pass_on(&self, led: bool) -> Option<Heir> {
        let mut state = self.state.lock();
        match state.stage {
            Stage::Landed(_) => return None,
            Stage::Led if !led => return Some(Heir(None)),
            Stage::Led | Stage::Vacant => {}
        }
        let heir = if state.threads > 0 {
            self.changed.notify_one();
            Heir(None)
        } else if !state.tasks.is_empty() {
            Heir(state.tasks.wake_first())
        } else {
            state.stage = Stage::Landed(None);
            return None;
        };
        state.stage = Stage::Vacant;
        Some(heir)
    }

    /// The waiter who was to land it did not: the next whose patience has ended may.
    pub(crate) fn step_back(&self) {
        let mut state = self.state.lock();
        state.relieved = None;
        let late = state.tasks.wake_late(Instant::now());
        drop(state);
        Heir(late).wake();
    }

    /// Waits on this thread. Of those whose `limit` has passed one at a time is sent to compute.
    pub(crate) fn wait(&self, limit: Duration) -> Waited<H> {
        let Some(_waiting) = Waiting::begin(self.claim.id) else { return Waited::Alone };
        let mut state = self.state.lock();
        let mut late = false;
        loop {
            if let Some(waited) = state.outcome(late, limit) {
                return waited;
            }
            state.threads += 1;
            (state, late) = match Instant::now().checked_add(limit) {
                Some(until) => self.changed.wait_until(state, until),
                None => (self.changed.wait(state), false),
            };
            state.threads -= 1;
        }
    }
}

/// A task's wait for a flight.
pub(crate) struct Seat {
    limit: Duration,
    ticket: Option<Ticket>,
    until: Option<Instant>,
    waiting: Option<Waiting>,
}

impl Seat {
    pub(crate) fn new(limit: Duration) -> Self {
        Self { limit, ticket: None, until: None, waiting: None }
    }
}

impl<H: Clone + Send + 'static> Flight<H> {
    /// The same for a task.
    pub(crate) fn poll(self: &Arc<Self>, seat: &mut Seat, cx: &mut Context<'_>) -> Poll<Waited<H>> {
        let now = Instant::now();
        if seat.waiting.is_none() {
            let Some(waiting) = Waiting::begin(self.claim.id) else {
                return Poll::Ready(Waited::Alone);
            };
            seat.waiting = Some(waiting);
            seat.until = now.checked_add(seat.limit);
        }
        let late = seat.until.is_some_and(|until| until <= now);
        if late {
            seat.until = now.checked_add(seat.limit);
        }
        // An executor's code: it runs with no lock held, here and where wakers are dropped.
        let waker = cx.waker().clone();
        let mut state = self.state.lock();
        if let Some(waited) = state.outcome(late, seat.limit) {
            let _left = seat.ticket.take().and_then(|ticket| state.tasks.leave(ticket));
            drop(state);
            seat.waiting = None;
            return Poll::Ready(waited);
        }
        let _former = state.tasks.park(&mut seat.ticket, waker, seat.until);
        let unseen = !std::mem::replace(&mut state.watched, true);
        drop(state);
        if unseen {
            let flight: Weak<Self> = Arc::downgrade(self);
            timer::watch(flight, seat.limit);
        }
        Poll::Pending
    }

    /// A task that waits no longer. True when the lead was its to take, perhaps: it has to be passed on.
    pub(crate) fn leave(&self, seat: &mut Seat) -> bool {
        let Some(ticket) = seat.ticket.take() else { return false };
        let mut state = self.state.lock();
        let _left = state.tasks.leave(ticket);
        let vacant = matches!(state.stage, Stage::Vacant);
        drop(state);
        vacant
    }
}

impl<H: Clone + Send> timer::Watched for Flight<H> {
    fn look(&self, now: Instant) -> bool {
        let mut state = self.state.lock();
        let next = match state.stage {
            Stage::Led => state.tasks.wake_late(now),
            // Who was woken may not be polled again.
            Stage::Vacant => state.tasks.wake_first(),
            Stage::Landed(_) => None,
        };
        state.watched = !state.tasks.is_empty();
        let watched = state.watched;
        drop(state);
        Heir(next).wake();
        watched
    }
}
