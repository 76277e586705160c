//! Wakes a task at regular intervals, while it waits for something that cannot wake it: another process.

use std::sync::{Arc, Weak};
use std::task::Waker;
use std::time::{Duration, Instant};

use crate::platform::sync::usual::Mutex;
use crate::single_flight::timer::{self, Watched};

/// Wakes the task that has set it. Ends when it is dropped.
#[derive(Default)]
pub(crate) struct Alarm(Mutex<State>);

#[derive(Default)]
struct State {
    waker: Option<Waker>,
    /// Whether the timer knows this alarm.
    watched: bool,
}

impl Alarm {
    /// Wakes the task soon. `limit`: how long it waits in all.
    #[inline]
    pub(crate) fn set(self: &Arc<Self>, waker: Waker, limit: Duration) {
        let mut state = self.0.lock();
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
    fn check(&self, _now: Instant) -> bool {
        let waker = self.0.lock().waker.take();
        if let Some(waker) = waker {
            waker.wake();
        }
        true
    }
}
