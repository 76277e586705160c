//! A task that leads a flight, as those who wait see it: whether it was woken and is not polled.
//!
//! Such a task may never be polled again, for example because its future is held beside a `select!`. No executor tells,
//! so the leader passes a waker of its own to the body, which notes the time of each wake-up.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use crate::platform::clock::{self, Millis};
use crate::platform::sync::MODELLED;

/// A task that was woken this long ago and was not polled since may never be polled, in ms of the clock that no test
/// moves: who wakes it may go by another than who looks.
const PATIENCE: Millis = 10;

#[derive(Debug)]
pub(crate) struct LeaderTask {
    /// The waker of the task.
    waker: Waker,
    /// When the task was woken first since its last poll, or one of the words below.
    woken: AtomicU64,
}

/// It was not woken since its last poll.
const ASLEEP: u64 = u64::MAX;
/// It is being polled.
const POLLED: u64 = u64::MAX - 1;
/// It is being polled, and was woken meanwhile.
const POLLED_AND_WOKEN: u64 = u64::MAX - 2;

impl LeaderTask {
    /// Polls `future` for the task of `cx`. `known`: the task of the last poll, which may be another. Also returns the
    /// task if it is not that one.
    pub(crate) fn poll<F: Future>(
        known: &mut Option<Arc<Self>>,
        future: Pin<&mut F>,
        cx: &mut Context<'_>,
    ) -> (Poll<F::Output>, Option<Arc<Self>>) {
        let same = known.take_if(|task| task.waker.will_wake(cx.waker()));
        let is_new = same.is_none();
        let task = same.unwrap_or_else(|| {
            let (waker, woken) = (cx.waker().clone(), AtomicU64::new(ASLEEP));
            Arc::new(Self { waker, woken })
        });
        task.woken.store(POLLED, Relaxed);
        let waker = Waker::from(Arc::clone(&task));
        let polled = future.poll(&mut Context::from_waker(&waker));
        if task.woken.compare_exchange(POLLED, ASLEEP, Relaxed, Relaxed).is_err() {
            task.woken.store(clock::real(), Relaxed);
        }
        let new_task = is_new.then(|| Arc::clone(&task));
        *known = Some(task);
        (polled, new_task)
    }

    /// If it was woken some time ago and was not polled since, returns how long ago. In a model time does not pass.
    #[inline]
    pub(crate) fn stuck_for(&self) -> Option<Duration> {
        let woken = self.woken.load(Relaxed);
        let waits = woken < POLLED_AND_WOKEN && !MODELLED;
        let time = waits.then(|| clock::real().saturating_sub(woken));
        time.filter(|&time| time >= PATIENCE).map(Duration::from_millis)
    }
}

impl Wake for LeaderTask {
    #[inline]
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    #[inline]
    fn wake_by_ref(self: &Arc<Self>) {
        let next = |woken| match woken {
            ASLEEP => Some(clock::real()),
            POLLED => Some(POLLED_AND_WOKEN),
            _ => None,
        };
        let _ = self.woken.fetch_update(Relaxed, Relaxed, next);
        self.waker.wake_by_ref();
    }
}
