//! One computation per key: which caller computes, which callers wait, and how a wait ends.
//!
//! A flight has a leader. A leader that fails (a panic, an error or a dropped future) passes the lead on to a waiter.
//! For a short time the flight then has no leader: one waiter is woken, and the first waiter that checks the flight
//! takes the lead. So a task that is never polled again blocks no other waiter.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::epoch::participant::Activity;
use crate::key::KeyBytes;
use crate::platform::clock::{Instant, Stopwatch};
use crate::platform::sync::{Condvar, Mutex, THREADS};
use crate::single_flight::leader_task::LeaderTask;
use crate::single_flight::timer;
use crate::single_flight::wait_graph::{self, Id, Waiting};
use crate::single_flight::wakers::{WakerId, Wakers};
use crate::tags;

/// The right to compute the value of a key. The leader holds it until the claim ends or is passed on. During that time
/// the shard of the key stores the claim together with the key.
#[derive(Clone, Copy)]
pub(crate) struct Claim {
    pub(crate) hash: u64,
    pub(crate) id: Id,
    /// The number of its leader: 0 for the first, and one more for each that took the lead from a leader that is not
    /// polled. A former leader that fails has nothing to pass on.
    pub(crate) leader: u32,
    /// Whether it is to replace what is held, by a computation that began after somebody asked for it. So no value from
    /// disk or from a tier ends it.
    pub(crate) renews: bool,
}

/// A leader that is seen to run, or that waits itself, holds its waiters up for at most this many wait limits. Not
/// longer, because a pool may give the leader's thread other work without end while its own computation cannot go on.
const MAX_LIMITS: u32 = 16;

/// Where other callers wait for the value that is computed under a claim.
pub(crate) struct Flight<H> {
    pub(crate) claim: Claim,
    pub(crate) key: KeyBytes,
    /// The epoch of the first invalidation, while the value was computed, that may have been one of its tags, or 0.
    outdated: AtomicU64,
    state: Mutex<State<H>>,
    changed: Condvar,
}

struct State<H> {
    stage: Stage<H>,
    /// Whether the thread that leads begins other computations.
    leader: Activity,
    /// When it was last seen to have begun one.
    leader_ran: Option<Instant>,
    /// The leader, if it is a task that was polled and is not done.
    leader_task: Option<Arc<LeaderTask>>,
    /// When a waiter was woken because the leader seemed stuck. That waiter was not polled since.
    stuck_noticed: Option<Instant>,
    /// How many waiters that were woken so, one after another, found the leader still stuck.
    stuck_confirmed: u32,
    /// How often a waiter took the lead from a leader that is not polled.
    takeovers: u32,
    /// When the current relief began. The relief may itself wait for a waiter of this flight, so later another waiter
    /// computes as well.
    relief_began: Option<Instant>,
    /// The epoch of tags then.
    relief_epoch: u64,
    /// How many reliefs there were.
    reliefs: u32,
    /// How many threads sleep on `changed`, or woke and have not checked the state yet.
    threads: usize,
    wakers: Wakers,
    /// Whether the timer thread checks this flight.
    watched: bool,
}

enum Stage<H> {
    /// The leader computes.
    Led,
    /// The leader failed, and no waiter has taken the lead yet.
    Leaderless,
    /// The value. `None`: there is no value to share, and waiters look into the cache again.
    Completed(Option<H>),
}

/// When a caller began to wait.
pub(crate) struct Arrival {
    began: Stopwatch,
    /// The epoch of tags then.
    epoch: u64,
}

impl Arrival {
    pub(crate) fn now() -> Self {
        Self { began: Stopwatch::start(false), epoch: tags::epoch() }
    }

    /// Returns for how long the caller has waited, in nanoseconds.
    pub(crate) fn nanos(&self) -> u64 {
        self.began.nanos()
    }
}

/// How a wait ended.
pub(crate) enum WaitOutcome<H> {
    /// The leader returned this value.
    Value(H),
    /// The leader has no value to share. The waiter looks into the cache again.
    Nothing,
    /// The leader failed, or is not polled. The waiter is the leader now, with this number.
    Lead(u32),
    /// The wait would never end. The waiter computes for itself, without the lead.
    Alone,
    /// The wait limit has passed, and the wait may never end. The waiter computes and completes the flight for all
    /// waiters.
    Relieve,
}

/// The waiter that should take the lead. It is a task that the caller wakes while it holds no lock. `None`: it is a
/// thread, which is woken already, or there is no waiter to wake.
pub(crate) struct NextLeader(Option<Waker>);

impl NextLeader {
    pub(crate) fn wake(self) {
        if let Some(waker) = self.0 {
            waker.wake();
        }
    }
}

impl<H: Clone> State<H> {
    /// Returns how the wait ends, or `None` if it goes on. `late`: the deadline of the waiter has passed, and nothing
    /// shows that the leader runs.
    fn outcome(&mut self, late: bool, limit: Duration) -> Option<WaitOutcome<H>> {
        match &self.stage {
            Stage::Completed(value) => {
                Some(value.clone().map_or(WaitOutcome::Nothing, WaitOutcome::Value))
            }
            Stage::Leaderless => {
                self.stage = Stage::Led;
                Some(WaitOutcome::Lead(self.takeovers))
            }
            Stage::Led if late && self.may_relieve(limit) => {
                self.relief_began = Some(Instant::now());
                self.relief_epoch = tags::epoch();
                self.reliefs += 1;
                Some(WaitOutcome::Relieve)
            }
            Stage::Led => None,
        }
    }

    /// If the leader is a task that was woken and is not polled, returns since when.
    fn leader_stuck_for(&self) -> Option<Duration> {
        self.leader_task.as_ref()?.stuck_for()
    }

    /// Returns whether a task that was woken because the leader seems stuck leads as well. It does if two such tasks,
    /// one after another, were polled much sooner after their wake-up than the leader. Otherwise the executor may only
    /// be busy. It happens once per flight, since a leader that took over is polled like any other task. The first of
    /// both leaders to finish has the value.
    fn takes_lead(&mut self) -> bool {
        let Some(noticed) = self.stuck_noticed.take() else { return false };
        let is_stuck = self.leader_stuck_for().is_some_and(|time| time >= 4 * noticed.elapsed());
        self.stuck_confirmed = if is_stuck { self.stuck_confirmed + 1 } else { 0 };
        let replaces = self.stuck_confirmed == 2 && self.takeovers == 0;
        if replaces {
            (self.leader_task, self.takeovers) = (None, 1);
        }
        replaces
    }

    /// Returns whether a waiter whose deadline has passed computes. Each relief gets four times as long as the one
    /// before. So a cycle through reliefs ends, and a key that is only slow is computed a few times and not once per
    /// limit.
    fn may_relieve(&self, limit: Duration) -> bool {
        let time = limit.saturating_mul(4_u32.saturating_pow(self.reliefs));
        self.relief_began.is_none_or(|began| began.elapsed() >= time)
    }
}

impl<H: Clone> Flight<H> {
    /// `leader_task`: the leader, if it is a task that was polled already.
    pub(crate) fn new(claim: Claim, key: KeyBytes, leader_task: Option<Arc<LeaderTask>>) -> Self {
        let state = State {
            stage: Stage::Led,
            leader: Activity::since(claim.id),
            leader_ran: None,
            leader_task,
            stuck_noticed: None,
            stuck_confirmed: 0,
            takeovers: 0,
            relief_began: None,
            relief_epoch: 0,
            reliefs: 0,
            threads: 0,
            wakers: Wakers::default(),
            watched: false,
        };
        let outdated = AtomicU64::new(0);
        Self { claim, key, outdated, state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Records which task leads.
    pub(crate) fn set_leader_task(&self, task: Arc<LeaderTask>) {
        let mut state = self.state.lock();
        let replaced = state.leader_task.replace(task);
        drop(state);
        // Dropping a waker runs code of an executor.
        drop(replaced);
    }

    /// Ends the flight and all waits for it, with a value or without. Only the first call has an effect.
    pub(crate) fn complete(&self, value: Option<H>) {
        let mut state = self.state.lock();
        if matches!(state.stage, Stage::Completed(_)) {
            return;
        }
        state.stage = Stage::Completed(value);
        if state.threads > 0 {
            self.changed.notify_all();
        }
        let wakers = state.wakers.take_all();
        drop(state);
        wakers.wake();
    }

    /// Does the same with the value of a relief. Which tags that has is not known.
    pub(crate) fn complete_by_relief(&self, value: H) {
        let began = self.state.lock().relief_epoch;
        self.outdate((tags::epoch() > began).then_some(began + 1));
        self.complete(Some(value));
    }

    /// Notes, before the flight ends, from which epoch on the value is too old for who begins to wait, if it is.
    pub(crate) fn outdate(&self, from: Option<u64>) {
        if let Some(from) = from {
            self.outdated.store(from, Relaxed);
        }
    }

    /// Returns whether the value is older than an invalidation that the waiter `arrival` came after.
    pub(crate) fn is_outdated(&self, arrival: &Arrival) -> bool {
        let outdated = self.outdated.load(Relaxed);
        outdated > 0 && outdated <= arrival.epoch
    }

    /// Passes the lead on to the returned waiter. Returns `None` if nobody waits or the flight is complete. `led`: the
    /// number under which the caller was the leader. `None`: it is a waiter that could have taken the lead, and another
    /// waiter may have taken it first. The caller holds the lock of the flight's shard, so that no wait can begin.
    pub(crate) fn pass_on(&self, led: Option<u32>) -> Option<NextLeader> {
        let mut state = self.state.lock();
        match state.stage {
            Stage::Completed(_) => return None,
            _ if led.is_some_and(|leader| leader != state.takeovers) => {
                return Some(NextLeader(None));
            }
            Stage::Led if led.is_none() => return Some(NextLeader(None)),
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

    /// Ends a relief that did not complete the flight. The next waiter whose deadline has passed may then compute.
    pub(crate) fn relief_failed(&self) {
        let mut state = self.state.lock();
        state.relief_began = None;
        let late = state.wakers.wake_late(Instant::now());
        drop(state);
        NextLeader(late).wake();
    }

    /// Blocks this thread until the wait ends, for a leader that is a thread too. Of the waiters whose `limit` has
    /// passed, one at a time computes.
    pub(crate) fn wait(&self, limit: Duration) -> WaitOutcome<H> {
        // Without threads the leader is a task, which goes on when this call has returned.
        let waiting = Waiting::begin(self.claim.id).filter(|_| THREADS);
        let Some(_waiting) = waiting else { return WaitOutcome::Alone };
        let latest = Instant::now().checked_add(limit.saturating_mul(MAX_LIMITS));
        let mut state = self.state.lock();
        let mut late = false;
        loop {
            let overdue = || latest.is_some_and(|latest| latest <= Instant::now());
            late = late && (overdue() || !self.leader_runs(&mut state, limit));
            if let Some(outcome) = state.outcome(late, limit) {
                if let WaitOutcome::Lead(_) = outcome {
                    state.leader = Activity::of_this_thread();
                }
                return outcome;
            }
            state.threads += 1;
            (state, late) = match Instant::now().checked_add(limit) {
                Some(deadline) => self.changed.wait_until(state, deadline),
                None => (self.changed.wait(state), false),
            };
            state.threads -= 1;
        }
    }
}

impl<H> Flight<H> {
    /// Returns whether the leader's thread was seen within the last `limit` to have begun a computation, or waits for
    /// another flight. In the second case its own wait has a limit, and it computes when that has passed.
    fn leader_runs(&self, state: &mut State<H>, limit: Duration) -> bool {
        if state.leader.has_advanced() {
            state.leader_ran = Some(Instant::now());
        }
        state.leader_ran.is_some_and(|ran| ran.elapsed() < limit)
            || wait_graph::is_blocked(self.claim.id)
    }
}

/// The wait of a task for a flight.
pub(crate) struct TaskWait {
    limit: Duration,
    waker_id: Option<WakerId>,
    /// `None`: the wait has not begun, or has no deadline.
    deadline: Option<Instant>,
    waiting: Option<Waiting>,
}

impl TaskWait {
    pub(crate) fn new(limit: Duration) -> Self {
        Self { limit, waker_id: None, deadline: None, waiting: None }
    }
}

impl<H: Clone + Send + 'static> Flight<H> {
    /// Polls the wait of a task, which ends as in [`Flight::wait`].
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
            task_wait.deadline = now.checked_add(task_wait.limit);
        }
        let late = task_wait.deadline.is_some_and(|deadline| deadline <= now);
        if late {
            task_wait.deadline = now.checked_add(task_wait.limit);
        }
        // Cloning and dropping a waker runs code of an executor, so both happen while no lock is held.
        let waker = cx.waker().clone();
        let mut state = self.state.lock();
        let takes_lead = task_wait.waker_id.is_some() && state.takes_lead();
        let outcome = state.outcome(late, task_wait.limit);
        let takes_lead = takes_lead.then_some(WaitOutcome::Lead(state.takeovers));
        if let Some(outcome) = outcome.or(takes_lead) {
            let _removed = task_wait.waker_id.take().and_then(|id| state.wakers.remove(id));
            drop(state);
            task_wait.waiting = None;
            return Poll::Ready(outcome);
        }
        let _replaced = state.wakers.register(&mut task_wait.waker_id, waker, task_wait.deadline);
        let unwatched = !std::mem::replace(&mut state.watched, true);
        drop(state);
        if unwatched {
            let flight: Weak<Self> = Arc::downgrade(self);
            timer::watch(flight, task_wait.limit);
        }
        Poll::Pending
    }

    /// Ends the wait of a task that is dropped. Returns whether the flight has no leader: this task may be the one that
    /// was woken to take the lead, so the caller must pass the lead on.
    pub(crate) fn leave(&self, task_wait: &mut TaskWait) -> bool {
        let Some(waker_id) = task_wait.waker_id.take() else { return false };
        let mut state = self.state.lock();
        let _removed = state.wakers.remove(waker_id);
        let leaderless = matches!(state.stage, Stage::Leaderless);
        drop(state);
        leaderless
    }
}

impl<H: Clone + Send> timer::Watched for Flight<H> {
    fn check(&self, now: Instant) -> bool {
        let mut state = self.state.lock();
        let next = match state.stage {
            Stage::Led if state.leader_stuck_for().is_some() => {
                state.stuck_noticed = Some(now);
                state.wakers.wake_first()
            }
            Stage::Led => state.wakers.wake_late(now),
            // The task that was woken before may never be polled again.
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
