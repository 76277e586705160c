//! Makes many calls, so that their results are held: a bounded number of them at once.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::thread;

use crate::call::isolated::Surroundings;
use crate::call::not_a_future::NotAFuture;
use crate::platform::special::Special;
use crate::platform::sync::usual::Mutex;
use crate::statistics::source::{Noted, Source, Watch};

/// What the calls of [`warm`] came to. Each call counts once.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Warmed {
    /// Results that a call computed, and that the cache keeps.
    pub computed: u64,
    /// Results that were held, in memory or elsewhere, or that another caller computed meanwhile.
    pub found: u64,
    /// Calls without a result to keep: an error, a value that `cache_if` rejects, arguments without a key, a panic.
    pub failed: u64,
}

impl Warmed {
    fn count(&mut self, noted: Option<Noted>) {
        match noted {
            Some(Noted { source: Source::Computed, is_kept: true, .. }) => self.computed += 1,
            Some(Noted { is_kept: true, .. }) => self.found += 1,
            Some(_) | None => self.failed += 1,
        }
    }

    fn add(&mut self, other: Self) {
        self.computed += other.computed;
        self.found += other.found;
        self.failed += other.failed;
    }
}

/// Makes `call` with each of the arguments, so that the memoized function that it calls computes the results that are
/// not held. No more than `at_once` calls run at once: one in this thread, and the others in threads of their own, so
/// with 1 all run in this thread. Those threads inherit the isolation and bypass of this one. (With `scope = "thread"`
/// only this thread's cache is of use, so write 1.)
///
/// `call` calls one memoized function; if it calls several, the last to return counts. A call that panics is a failed
/// one, and the others go on. If the system cannot start a thread, fewer calls run at once. For an `async fn` there is
/// [`warm_async`]: a closure that returns a future does not compile here.
///
/// # Panics
/// If the iterator panics.
pub fn warm<I, R, UseWarmAsync>(
    arguments: I,
    at_once: usize,
    call: impl Fn(I::Item) -> R + Sync,
) -> Warmed
where
    I: IntoIterator<IntoIter: Send>,
    R: NotAFuture<UseWarmAsync>, // For futures write `warm_async(arguments, at_once, f).await`.
{
    let arguments = Mutex::new(arguments.into_iter().fuse());
    let run = || {
        let mut warmed = Warmed::default();
        loop {
            // A statement of its own, so that the lock is not held during the call.
            let next = arguments.lock().next();
            let Some(arguments) = next else { return warmed };
            warmed.count(noted_by(None, || _ = call(arguments)).1);
        }
    };
    let surroundings = Surroundings::current();
    let run_elsewhere = || surroundings.run(run);
    thread::scope(|scope| {
        let start = |_| thread::Builder::new().spawn_scoped(scope, run_elsewhere).ok();
        let threads: Vec<_> = (1..at_once).map_while(start).collect();
        let mut warmed = run();
        for thread in threads {
            match thread.join() {
                Ok(other) => warmed.add(other),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        warmed
    })
}

/// Runs `f`. Returns what it returned, or `None` if it panicked, and what its calls have noted. `before`: what earlier
/// polls have noted.
fn noted_by<R>(before: Option<Noted>, f: impl FnOnce() -> R) -> (Option<R>, Option<Noted>) {
    let _special = Special::begin();
    let watch = Watch::begin();
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(returned) => (Some(returned), watch.noted().or(before)),
        Err(_) => (None, None),
    }
}

/// Returns a future that does the same for an `async fn`. No more than `at_once` calls are polled at once, in its own
/// task; 0 counts as 1.
pub fn warm_async<I, F>(
    arguments: I,
    at_once: usize,
    call: impl Fn(I::Item) -> F,
) -> impl Future<Output = Warmed>
where
    I: IntoIterator,
    F: Future,
{
    Warming {
        arguments: arguments.into_iter().fuse(),
        call,
        at_once: at_once.max(1),
        running: Vec::new(),
        warmed: Warmed::default(),
    }
}

struct Warming<I, C, F> {
    arguments: I,
    call: C,
    at_once: usize,
    running: Vec<(Pin<Box<F>>, Option<Noted>)>,
    warmed: Warmed,
}

// The calls are pinned in their boxes. Nothing else is.
impl<I, C, F> Unpin for Warming<I, C, F> {}

impl<I: Iterator, C: Fn(I::Item) -> F, F: Future> Future for Warming<I, C, F> {
    type Output = Warmed;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Warmed> {
        let Self { arguments, call, at_once, running, warmed } = self.get_mut();
        loop {
            let free = at_once.saturating_sub(running.len());
            running.extend(
                arguments.by_ref().take(free).map(|arguments| (Box::pin(call(arguments)), None)),
            );
            if running.is_empty() {
                return Poll::Ready(*warmed);
            }
            let before = running.len();
            running.retain_mut(|(future, noted)| {
                let polled = noted_by(*noted, || future.as_mut().poll(cx).is_pending());
                *noted = polled.1;
                let goes_on = polled.0 == Some(true);
                if !goes_on {
                    warmed.count(*noted);
                }
                goes_on
            });
            if running.len() == before {
                return Poll::Pending;
            }
        }
    }
}
