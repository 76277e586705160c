//! The result of a request that comes later, for a thread, a task or a callback.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::error::StoreError;
use crate::platform::clock::Instant;
use crate::platform::sync::usual::{Condvar, Mutex};

/// The result of a request to a [`Store`](super::Store), which comes later. It is a future for any runtime.
#[must_use = "the result of the request"]
pub struct Pending<T>(Arc<Shared<T>>);

/// Ends a [`Pending`]. If it is dropped before, the request has failed.
pub struct Completer<T>(Arc<Shared<T>>);

struct Shared<T> {
    state: Mutex<State<T>>,
    done: Condvar,
}

enum State<T> {
    /// There is no result yet. This task is to be woken, if any.
    Waiting(Option<Waker>),
    /// There is no result yet, and this takes it.
    Followed(Box<dyn FnOnce(Result<T, StoreError>) + Send>),
    Done(Result<T, StoreError>),
    Taken,
}

impl<T> Pending<T> {
    /// Returns a result that comes later, and what ends it.
    pub fn new() -> (Completer<T>, Self) {
        let state = Mutex::new(State::Waiting(None));
        let shared = Arc::new(Shared { state, done: Condvar::new() });
        (Completer(Arc::clone(&shared)), Self(shared))
    }

    /// Returns a result that is there already.
    pub fn ready(result: Result<T, StoreError>) -> Self {
        Self(Arc::new(Shared { state: Mutex::new(State::Done(result)), done: Condvar::new() }))
    }

    /// Waits for the result, as a thread.
    ///
    /// # Errors
    /// Why the request failed. [`StoreError::TimedOut`] if there is no result at `deadline`.
    pub fn wait_until(self, deadline: Instant) -> Result<T, StoreError> {
        let mut state = self.0.state.lock();
        loop {
            if let State::Done(result) = std::mem::replace(&mut *state, State::Waiting(None)) {
                *state = State::Taken;
                return result;
            }
            let is_late;
            (state, is_late) = self.0.done.wait_until(state, deadline);
            if is_late && !matches!(*state, State::Done(_)) {
                return Err(StoreError::TimedOut);
            }
        }
    }

    /// Passes the result to `then` as soon as it is there: in this call, or later by the thread that has it.
    pub fn then(self, then: impl FnOnce(Result<T, StoreError>) + Send + 'static) {
        let mut state = self.0.state.lock();
        match std::mem::replace(&mut *state, State::Taken) {
            State::Done(result) => {
                drop(state);
                then(result);
            }
            _ => *state = State::Followed(Box::new(then)),
        }
    }

    /// Returns the result if it is there. Otherwise `waker` is woken when it is.
    ///
    /// # Panics
    /// If the result was returned before.
    pub fn poll_result(&mut self, waker: &Waker) -> Poll<Result<T, StoreError>> {
        let mut state = self.0.state.lock();
        match std::mem::replace(&mut *state, State::Taken) {
            State::Done(result) => Poll::Ready(result),
            State::Waiting(known) => {
                let known = known.filter(|known| known.will_wake(waker));
                *state = State::Waiting(Some(known.unwrap_or_else(|| waker.clone())));
                Poll::Pending
            }
            State::Followed(_) | State::Taken => panic!("a result was polled after it was taken"),
        }
    }
}

impl<T> Future for Pending<T> {
    type Output = Result<T, StoreError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.poll_result(cx.waker())
    }
}

impl<T> Completer<T> {
    /// Ends the request.
    pub fn complete(self, result: Result<T, StoreError>) {
        self.end(result);
    }

    fn end(&self, result: Result<T, StoreError>) {
        let mut state = self.0.state.lock();
        // Code of others runs while no lock is held.
        match std::mem::replace(&mut *state, State::Taken) {
            State::Waiting(waker) => {
                *state = State::Done(result);
                drop(state);
                self.0.done.notify_all();
                if let Some(waker) = waker {
                    waker.wake();
                }
            }
            State::Followed(then) => {
                drop(state);
                then(result);
            }
            ended @ (State::Done(_) | State::Taken) => *state = ended,
        }
    }
}

impl<T> Drop for Completer<T> {
    fn drop(&mut self) {
        self.end(Err(StoreError::Disconnected("the request was dropped".to_owned())));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    use super::*;

    fn far() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    #[test]
    fn a_thread_gets_the_result() {
        let (completer, pending) = Pending::new();
        thread::spawn(move || completer.complete(Ok(5)));
        assert_eq!(pending.wait_until(far()), Ok(5));
        assert_eq!(Pending::ready(Ok(6)).wait_until(Instant::now()), Ok(6));
    }

    #[test]
    fn a_thread_waits_no_longer_than_it_says() {
        let (completer, pending) = Pending::<()>::new();
        assert_eq!(pending.wait_until(Instant::now()), Err(StoreError::TimedOut));
        // Nobody takes it.
        completer.complete(Ok(()));
    }

    #[test]
    fn a_request_that_is_dropped_has_failed() {
        let (completer, pending) = Pending::<()>::new();
        drop(completer);
        assert!(matches!(pending.wait_until(far()), Err(StoreError::Disconnected(_))));
    }

    #[test]
    fn a_callback_gets_the_result_once_before_or_after() {
        let (sender, receiver) = mpsc::channel();
        let (completer, pending) = Pending::new();
        let late = sender.clone();
        pending.then(move |result| late.send(result).unwrap());
        assert!(receiver.try_recv().is_err());
        completer.complete(Ok(1));
        Pending::ready(Ok(2)).then(move |result| sender.send(result).unwrap());
        assert_eq!(receiver.iter().collect::<Vec<_>>(), [Ok(1), Ok(2)]);
    }

    #[test]
    fn a_task_is_woken() {
        struct Woken(mpsc::Sender<()>);
        impl std::task::Wake for Woken {
            fn wake(self: Arc<Self>) {
                self.0.send(()).unwrap();
            }
        }
        let (sender, receiver) = mpsc::channel();
        let waker = Waker::from(Arc::new(Woken(sender)));
        let (completer, mut pending) = Pending::new();
        assert!(pending.poll_result(&waker).is_pending());
        assert!(pending.poll_result(&waker).is_pending());
        thread::spawn(move || completer.complete(Ok(3)));
        receiver.recv().unwrap();
        assert_eq!(pending.poll_result(&waker), Poll::Ready(Ok(3)));
    }
}
