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
use crate::single_flight::wakers::{WakerId, Wakers};

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
    wakers: Wakers,
    /// The alarm knows of the tasks.
    watched: bool,
}

enum Stage<H> {
    /// Somebody computes.
    Led,
    /// Who did gave up, and another is to.
    Leaderless,
    /// The value, or none to share: look again.
    Completed(Option<H>),
}

/// How a wait ended.
pub(crate) enum WaitOutcome<H> {
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
pub(crate) struct NextLeader(Option<Waker>);

impl NextLeader {
    pub(crate) fn wake(self) {
        if let Some(waker) = self.0 {
            waker.wake();
        }
    }
}

impl<H: Clone> State<H> {
    /// What ends a wait now, if anything does. `late`: the waiter's patience has ended.
    fn outcome(&mut self, late: bool, limit: Duration) -> Option<WaitOutcome<H>> {
        match &self.stage {
            Stage::Completed(value) => {
                Some(value.clone().map_or(WaitOutcome::Nothing, WaitOutcome::Value))
            }
            Stage::Leaderless => {
                self.stage = Stage::Led;
                Some(WaitOutcome::Lead)
            }
            Stage::Led if late && self.relieved.is_none_or(|since| since.elapsed() >= limit) => {
                self.relieved = Some(Instant::now());
                Some(WaitOutcome::Relieve)
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
            wakers: Wakers::default(),
            watched: false,
        };
        Self { claim, key, state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Lets all who wait go, with a value or without; the first landing counts.
    pub(crate) fn complete(&self, value: Option<H>) {
        let mut state = self.state.lock();
        if matches!(state.stage, Stage::Completed(_)) {
            return;
        }
        state.stage = Stage::Completed(value);
        if state.threads > 0 {
            self.changed.notify_all();
        }
        let tasks = state.wakers.take_all();
        drop(state);
        tasks.wake();
    }

    /// Passes the lead on, from who has it or, unless `led`, from one who was to take it and may be too late: to the
    /// one returned, or to nobody where nobody waits. The flight's shard is locked, so that nobody can begin to.
    pub(crate) fn pass_on(&self, led: bool) -> Option<NextLeader> {
        let mut state = self.state.lock();
        match state.stage {
            Stage::Completed(_) => return None,
            Stage::Led if !led => return Some(NextLeader(None)),
            Stage::Led | Stage::Leaderless => {}
        }
        let next_leader = if state.threads > 0 {
            self.changed.notify_one();
            NextLeader(None)
        } else if !state.wakers.is_empty() {
            NextLeader(state.wakers.wake_first())
        } else {
            state.stage = Stage::Completed(None);
            return None;
        };
        state.stage = Stage::Leaderless;
        Some(next_leader)
    }

    /// The waiter who was to land it did not: the next whose patience has ended may.
    pub(crate) fn relief_failed(&self) {
        let mut state = self.state.lock();
        state.relieved = None;
        let late = state.wakers.wake_late(Instant::now());
        drop(state);
        NextLeader(late).wake();
    }

    /// Waits on this thread. Of those whose `limit` has passed one at a time is sent to compute.
    pub(crate) fn wait(&self, limit: Duration) -> WaitOutcome<H> {
        let Some(_waiting) = Waiting::begin(self.claim.id) else { return WaitOutcome::Alone };
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
pub(crate) struct TaskWait {
    limit: Duration,
    waker_id: Option<WakerId>,
    until: Option<Instant>,
    waiting: Option<Waiting>,
}

impl TaskWait {
    pub(crate) fn new(limit: Duration) -> Self {
        Self { limit, waker_id: None, until: None, waiting: None }
    }
}

impl<H: Clone + Send + 'static> Flight<H> {
    /// The same for a task.
    pub(crate) fn poll(
        self: &Arc<Self>,
        task_wait: &mut TaskWait,
        cx: &mut Context<'_>,
    ) -> Poll<WaitOutcome<H>> {
        let now = Instant::now();
        if task_wait.waiting.is_none() {
            let Some(waiting) = Waiting::begin(self.claim.id) else {
                return Poll::Ready(WaitOutcome::Alone);
            };
            task_wait.waiting = Some(waiting);
            task_wait.until = now.checked_add(task_wait.limit);
        }
        let late = task_wait.until.is_some_and(|until| until <= now);
        if late {
            task_wait.until = now.checked_add(task_wait.limit);
        }
        // An executor's code: it runs with no lock held, here and where wakers are dropped.
        let waker = cx.waker().clone();
        let mut state = self.state.lock();
        if let Some(waited) = state.outcome(late, task_wait.limit) {
            let _left = task_wait.waker_id.take().and_then(|waker_id| state.wakers.leave(waker_id));
            drop(state);
            task_wait.waiting = None;
            return Poll::Ready(waited);
        }
        let _former = state.wakers.park(&mut task_wait.waker_id, waker, task_wait.until);
        let unseen = !std::mem::replace(&mut state.watched, true);
        drop(state);
        if unseen {
            let flight: Weak<Self> = Arc::downgrade(self);
            timer::watch(flight, task_wait.limit);
        }
        Poll::Pending
    }

    /// A task that waits no longer. True when the lead was its to take, perhaps: it has to be passed on.
    pub(crate) fn leave(&self, task_wait: &mut TaskWait) -> bool {
        let Some(waker_id) = task_wait.waker_id.take() else { return false };
        let mut state = self.state.lock();
        let _left = state.wakers.leave(waker_id);
        let vacant = matches!(state.stage, Stage::Leaderless);
        drop(state);
        vacant
    }
}

impl<H: Clone + Send> timer::Watched for Flight<H> {
    fn look(&self, now: Instant) -> bool {
        let mut state = self.state.lock();
        let next = match state.stage {
            Stage::Led => state.wakers.wake_late(now),
            // Who was woken may not be polled again.
            Stage::Leaderless => state.wakers.wake_first(),
            Stage::Completed(_) => None,
        };
        state.watched = !state.wakers.is_empty();
        let watched = state.watched;
        drop(state);
        NextLeader(next).wake();
        watched
    }
}
