//! One call of an `async fn` with `spawn`: the spawner gets the computation, and the caller waits for it. So the
//! computation goes on if its callers stop waiting, and its value is kept.
//!
//! The work, a claim and the body as far as it got, lies in a job that the spawner's task and the caller share. The
//! task takes it out for each poll. A task that is dropped, or was not polled when the wait limit has passed, leaves it
//! to the caller. So a caller never waits for a task that nobody runs.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::thread;
use std::time::Duration;

use crate::call::future::{AsyncLookup, Missed, Progress, ShouldStore, Stage};
use crate::call::isolated::Surroundings;
use crate::call::pinned::LazyFuture;
use crate::call::refresh::hand_over;
use crate::platform::clock::Instant;
use crate::platform::sync::Mutex;
use crate::single_flight::alarm::Alarm;
use crate::single_flight::wait_graph::Waiting;
use crate::statistics::source::{self, Noted, Watch};
use crate::value::keep::Keep;

impl<K: Keep<Held: Send + Sync>> AsyncLookup<K> {
    /// On a miss, `spawn` gets `body`, and its value is stored. If there is an older value that may be served, the call
    /// returns it, and otherwise waits for the new one.
    pub fn spawn<B, S, R>(self, body: B, spawn: S) -> FirstSpawn<K, B, ShouldStore<K::Return>, S>
    where
        B: Future<Output = K::Return>,
        S: FnOnce(SpawnedTask<K, B, ShouldStore<K::Return>>) -> R,
    {
        self.spawn_if(body, |_| true, spawn)
    }

    /// Does the same, but stores nothing if `should_store` returns false.
    pub fn spawn_if<B, W, S, R>(self, body: B, should_store: W, spawn: S) -> FirstSpawn<K, B, W, S>
    where
        B: Future<Output = K::Return>,
        W: FnOnce(&K::Return) -> bool,
        S: FnOnce(SpawnedTask<K, B, W>) -> R,
    {
        FirstSpawn(self.0.map_err(|missed| (missed, body, should_store, spawn)))
    }
}

/// The input of the first poll of a call: the value, or on a miss what was found, the body, the predicate of what to
/// store, and the spawner.
pub struct FirstSpawn<K: Keep<Held: Send + Sync>, B, W, S>(Result<K::Return, (Missed<K>, B, W, S)>);

/// Returns the future of a call. `begin` holds the arguments; the first poll runs it.
pub fn call_spawned<K, L, B, W, S, R>(begin: L) -> impl Future<Output = K::Return>
where
    K: Keep<Held: Send + Sync>,
    L: FnOnce() -> FirstSpawn<K, B, W, S>,
    B: Future<Output = K::Return>,
    W: FnOnce(&K::Return) -> bool,
    S: FnOnce(SpawnedTask<K, B, W>) -> R,
{
    Call::NotPolled(begin)
}

/// A call and how far it is.
enum Call<K: Keep<Held: Send + Sync>, L, B, W, S> {
    NotPolled(L),
    /// Others compute the value, or it is looked for elsewhere.
    Looking(Looking<K, B, W, S>),
    /// The spawner has the work.
    Away(Away<K, B, W>),
    /// The caller does the work.
    Here(Work<K, B, W>),
    /// The call has returned its value, or has panicked.
    Ended,
}

// Nothing in a call is pinned, except a body, in its box.
impl<K: Keep<Held: Send + Sync>, L, B, W, S> Unpin for Call<K, L, B, W, S> {}

impl<K, L, B, W, S, R> Future for Call<K, L, B, W, S>
where
    K: Keep<Held: Send + Sync>,
    L: FnOnce() -> FirstSpawn<K, B, W, S>,
    B: Future<Output = K::Return>,
    W: FnOnce(&K::Return) -> bool,
    S: FnOnce(SpawnedTask<K, B, W>) -> R,
{
    type Output = K::Return;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<K::Return> {
        let call = self.get_mut();
        loop {
            let value = match call {
                Self::NotPolled(_) => call.begin(),
                Self::Looking(looking) => {
                    let value = ready!(looking.stage.wait(cx));
                    if value.is_none() {
                        call.start();
                    }
                    value
                }
                Self::Away(away) => match ready!(away.poll(cx)) {
                    Returned::Value(value) => Some(value),
                    Returned::Panic(panic) => {
                        *call = Self::Ended;
                        resume_unwind(panic)
                    }
                    Returned::Work(work) => {
                        *call = Self::Here(work);
                        None
                    }
                },
                Self::Here(work) => Some(ready!(work.poll(cx))),
                Self::Ended => panic!("a call was polled after it ended"),
            };
            if let Some(value) = value {
                *call = Self::Ended;
                return Poll::Ready(value);
            }
        }
    }
}

impl<K, L, B, W, S, R> Call<K, L, B, W, S>
where
    K: Keep<Held: Send + Sync>,
    L: FnOnce() -> FirstSpawn<K, B, W, S>,
    B: Future<Output = K::Return>,
    W: FnOnce(&K::Return) -> bool,
    S: FnOnce(SpawnedTask<K, B, W>) -> R,
{
    /// Looks into the cache. Returns the value, if there is one.
    fn begin(&mut self) -> Option<K::Return> {
        // If the closure panics, in a `Serialize` or in the settings, the call has ended.
        let Self::NotPolled(begin) = std::mem::replace(self, Self::Ended) else { return None };
        let (missed, body, should_store, spawn) = match begin().0 {
            Ok(value) => return Some(value),
            Err(missed) => missed,
        };
        let stage = match missed.value_or_stage() {
            Ok(value) => return Some(value),
            Err(stage) => stage,
        };
        match stage.behind() {
            Ok((stage, older)) => {
                let work = Work::new(stage, body, should_store);
                hand_over(SpawnedTask::new(Job::new(work, Caller::Gone)), spawn);
                Some(K::into_return(older))
            }
            Err(stage) => {
                *self = Self::Looking(Looking { stage, body, should_store, spawn });
                None
            }
        }
    }

    /// Gives the work to the spawner, once there is nothing to wait for any more. If others do not wait for it, the
    /// caller does it.
    fn start(&mut self) {
        let Self::Looking(looking) = std::mem::replace(self, Self::Ended) else { return };
        let Looking { stage, body, should_store, spawn } = looking;
        let led = stage.leads();
        let waiting = led.and_then(|(id, limit)| Some((Waiting::begin(id)?, limit)));
        let work = Work::new(stage, body, should_store);
        *self = match waiting {
            Some((waiting, limit)) => Self::Away(Away::begin(work, waiting, limit, spawn)),
            None => Self::Here(work),
        };
    }
}

/// A call that has no value yet, and whose body has not begun.
struct Looking<K: Keep<Held: Send + Sync>, B, W, S> {
    stage: Stage<K>,
    body: B,
    should_store: W,
    spawn: S,
}

/// A computation, and how far it is.
struct Work<K: Keep<Held: Send + Sync>, B, W> {
    was_polled: bool,
    progress: Progress<K, W>,
    body: Pin<Box<LazyFuture<(), B>>>,
    /// Where the value comes from, as far as it is known.
    noted: Option<Noted>,
}

impl<K: Keep<Held: Send + Sync>, B, W> Work<K, B, W> {
    fn new(stage: Stage<K>, body: B, should_store: W) -> Self {
        Self {
            was_polled: false,
            progress: Progress { stage, should_store: Some(should_store), task: None },
            body: Box::pin(LazyFuture::Future(body)),
            noted: None,
        }
    }

    /// Returns whether the task that has it seems not to be polled: it never was, or it was woken some time ago.
    fn is_left_alone(&self) -> bool {
        !self.was_polled
            || self.progress.task.as_ref().is_some_and(|task| task.stuck_for().is_some())
    }
}

impl<K, B, W> Work<K, B, W>
where
    K: Keep<Held: Send + Sync>,
    B: Future<Output = K::Return>,
    W: FnOnce(&K::Return) -> bool,
{
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<K::Return> {
        let stage = &mut self.progress.stage;
        if !std::mem::replace(&mut self.was_polled, true) {
            stage.begin();
        }
        let value = match ready!(stage.wait(cx)) {
            Some(value) => value,
            None => ready!(self.progress.compute(self.body.as_mut(), cx)),
        };
        self.body.set(LazyFuture::Empty);
        Poll::Ready(value)
    }
}

/// How work has ended: the value and where it comes from, or the panic.
type Outcome<R> = thread::Result<(R, Option<Noted>)>;

/// What the spawner's task and the caller share.
struct Job<K: Keep<Held: Send + Sync>, B, W>(Mutex<State<K, B, W>>);

struct State<K: Keep<Held: Send + Sync>, B, W> {
    /// `None` while it is polled, and once it has ended or the caller has taken it.
    work: Option<Work<K, B, W>>,
    /// The value or the panic, for the caller.
    outcome: Option<Outcome<K::Return>>,
    /// Whether the task was dropped before the work was done.
    is_dropped: bool,
    caller: Caller,
}

enum Caller {
    /// It waits, and is woken by this waker if it was polled.
    Waits(Option<Waker>),
    Gone,
}

impl Caller {
    /// Returns what wakes the caller, if it waits.
    fn take_waker(&mut self) -> Option<Waker> {
        match self {
            Self::Waits(waker) => waker.take(),
            Self::Gone => None,
        }
    }
}

impl<K: Keep<Held: Send + Sync>, B, W> Job<K, B, W> {
    fn new(work: Work<K, B, W>, caller: Caller) -> Arc<Self> {
        let state = State { work: Some(work), outcome: None, is_dropped: false, caller };
        Arc::new(Self(Mutex::new(state)))
    }

    /// Passes the value or the panic to the caller. Returns it if the caller has gone.
    fn finish(&self, outcome: Outcome<K::Return>) -> Option<Outcome<K::Return>> {
        let mut state = self.0.lock();
        if let Caller::Gone = state.caller {
            return Some(outcome);
        }
        state.outcome = Some(outcome);
        let waker = state.caller.take_waker();
        drop(state);
        waker.into_iter().for_each(Waker::wake);
        None
    }
}

/// The future that the spawner gets, which has no output. If it is dropped before its end, the caller computes. If the
/// caller has gone, that is as if the caller of a function without `spawn` is dropped; of a refresh the older value
/// stays and the next attempt is postponed, as after a failure.
#[must_use = "futures do nothing unless polled"]
pub struct SpawnedTask<K: Keep<Held: Send + Sync>, B, W> {
    job: Arc<Job<K, B, W>>,
    /// Those of the call.
    surroundings: Surroundings,
}

impl<K: Keep<Held: Send + Sync>, B, W> SpawnedTask<K, B, W> {
    fn new(job: Arc<Job<K, B, W>>) -> Self {
        Self { job, surroundings: Surroundings::current() }
    }
}

impl<K, B, W> Future for SpawnedTask<K, B, W>
where
    K: Keep<Held: Send + Sync>,
    B: Future<Output = K::Return>,
    W: FnOnce(&K::Return) -> bool,
{
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Self { job, surroundings } = &*self;
        let work = job.0.lock().work.take();
        let Some(mut work) = work else { return Poll::Ready(()) };
        // Whoever watches this thread asks for other calls. The caller of this one may be watched elsewhere.
        let watch = Watch::begin();
        let polled = catch_unwind(AssertUnwindSafe(|| surroundings.run(|| work.poll(cx))));
        work.noted = watch.noted().or(work.noted);
        drop(watch);
        let outcome = match polled {
            Ok(Poll::Pending) => {
                job.0.lock().work = Some(work);
                return Poll::Pending;
            }
            Ok(Poll::Ready(value)) => Ok((value, work.noted)),
            Err(panic) => Err(panic),
        };
        drop(work);
        if let Some(Err(panic)) = job.finish(outcome) {
            resume_unwind(panic);
        }
        Poll::Ready(())
    }
}

impl<K: Keep<Held: Send + Sync>, B, W> Drop for SpawnedTask<K, B, W> {
    fn drop(&mut self) {
        let mut state = self.job.0.lock();
        state.is_dropped = true;
        let is_left = if let Caller::Gone = state.caller { state.work.take() } else { None };
        let waker = state.caller.take_waker();
        drop(state);
        // Code of the user and of an executor runs without the lock.
        drop(is_left);
        waker.into_iter().for_each(Waker::wake);
    }
}

/// What the caller gets back.
enum Returned<K: Keep<Held: Send + Sync>, B, W> {
    Value(K::Return),
    Panic(Box<dyn Any + Send>),
    /// Nobody else does it.
    Work(Work<K, B, W>),
}

/// A caller leaves the spawner at least this time to begin. (A wait limit of zero is about the computations of others.)
const LEAST_LIMIT: Duration = Duration::from_millis(50);

/// The wait of a caller for its own computation, which the spawner has.
struct Away<K: Keep<Held: Send + Sync>, B, W> {
    job: Arc<Job<K, B, W>>,
    /// When the caller takes work that nobody has begun.
    deadline: Option<Instant>,
    alarm: Arc<Alarm>,
    /// Shows that what this thread computes waits for the work.
    _waiting: Waiting,
}

impl<K: Keep<Held: Send + Sync>, B, W> Away<K, B, W> {
    /// Gives `work` to `spawn`.
    fn begin<R>(
        work: Work<K, B, W>,
        waiting: Waiting,
        limit: Duration,
        spawn: impl FnOnce(SpawnedTask<K, B, W>) -> R,
    ) -> Self {
        let job = Job::new(work, Caller::Waits(None));
        let task = SpawnedTask::new(Arc::clone(&job));
        // A spawner that panics drops the task, which leaves the work to the caller.
        let _ = catch_unwind(AssertUnwindSafe(|| hand_over(task, spawn)));
        let deadline = Instant::now().checked_add(limit.max(LEAST_LIMIT));
        Self { job, deadline, alarm: Arc::default(), _waiting: waiting }
    }

    /// Returns the value or the panic, or the work if nobody else does it.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Returned<K, B, W>> {
        // Cloning and dropping a waker runs code of an executor, so both happen while no lock is held.
        let waker = cx.waker().clone();
        let late = self.deadline.is_some_and(|deadline| deadline <= Instant::now());
        let mut state = self.job.0.lock();
        if let Some(outcome) = state.outcome.take() {
            drop(state);
            return Poll::Ready(match outcome {
                Ok((value, noted)) => {
                    source::note_again(noted);
                    Returned::Value(value)
                }
                Err(panic) => Returned::Panic(panic),
            });
        }
        let takes = |work: &mut Work<K, B, W>| late && work.is_left_alone();
        let work = if state.is_dropped { state.work.take() } else { state.work.take_if(takes) };
        if let Some(work) = work {
            return Poll::Ready(Returned::Work(work));
        }
        let replaced = std::mem::replace(&mut state.caller, Caller::Waits(Some(waker)));
        drop(state);
        drop(replaced);
        self.alarm.set_from(cx.waker().clone(), self.deadline);
        Poll::Pending
    }
}

impl<K: Keep<Held: Send + Sync>, B, W> Drop for Away<K, B, W> {
    fn drop(&mut self) {
        let mut state = self.job.0.lock();
        let caller = std::mem::replace(&mut state.caller, Caller::Gone);
        let left = if state.is_dropped { state.work.take() } else { None };
        let outcome = state.outcome.take();
        drop(state);
        drop((caller, left, outcome));
    }
}
