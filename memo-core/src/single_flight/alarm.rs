//! Wakes a task at regular intervals, while it waits for something that cannot wake it: another process, or time.

use std::sync::{Arc, Weak};
use std::task::Waker;
use std::time::Duration;

use crate::platform::clock::Instant;
use crate::platform::sync::usual::Mutex;
use crate::single_flight::timer::{self, Watched};

/// Wakes the task that has set it. Ends when it is dropped.
#[derive(Default)]
pub(crate) struct Alarm(Mutex<State>);

#[derive(Default)]
struct State {
    waker: Option<Waker>,
    /// The task is not woken before.
    from: Option<Instant>,
    /// Whether the timer knows this alarm.
    watched: bool,
}

impl Alarm {
    /// Wakes the task soon. `limit`: how long it waits in all.
    #[inline]
    pub(crate) fn set(self: &Arc<Self>, waker: Waker, limit: Duration) {
        self.watch(waker, None, limit);
    }

    /// Wakes the task at that time, or never if that is `None`.
    #[inline]
    pub(crate) fn set_from(self: &Arc<Self>, waker: Waker, from: Option<Instant>) {
        if let Some(from) = from {
            self.watch(waker, Some(from), from.saturating_duration_since(Instant::now()));
        }
    }

    #[inline]
    fn watch(self: &Arc<Self>, waker: Waker, from: Option<Instant>, limit: Duration) {
        let mut state = self.0.lock();
        state.from = from;
        let replaced = state.waker.replace(waker);
        let is_watched = std::mem::replace(&mut state.watched, true);
        drop(state);
        // Dropping a waker runs code of an executor.
        drop(replaced);
        if !is_watched {
            let alarm: Weak<Self> = Arc::downgrade(self);
            timer::watch(alarm, limit);
        }
    }
}

impl Watched for Alarm {
    #[inline]
    fn check(&self, now: Instant) -> bool {
        let mut state = self.0.lock();
        let is_due = state.from.is_none_or(|from| from <= now);
        let waker = if is_due { state.waker.take() } else { None };
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
        true
    }
}
