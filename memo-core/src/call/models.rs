//! Tests the flights under a model checker, which tries different interleavings at each run. No caller waits forever,
//! nothing stays registered, and every value that stays in the cache was computed after the last removal began.
//!
//! No time passes in a model. So no wait limit ends a lost wake-up: it is a deadlock, which the checker reports.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::task::{Context, Poll, Waker};

use shuttle::rand::{Rng, thread_rng};
use shuttle::sync::Mutex;
use shuttle::{future, thread};

use crate::call::future::call;
use crate::call::lookup::Lookup;
use crate::call::renewal::{refresh, refresh_async};
use crate::call::spawned::call_spawned;
use crate::function::function_cache::FunctionCache;
use crate::function::settings::Settings;
use crate::handle::memo::Memo;
use crate::key::arguments::PlainValue;
use crate::key::{Key, WrittenKey};
use crate::statistics::explanation::Remover;
use crate::value::holder::InPlace;
use crate::value::keep::KeepOf;
use crate::value::selection::OkOnly;

/// Threads remember such results.
type Kept = KeepOf<OkOnly<u32, ()>, InPlace>;

/// The number of schedules that are tried for each model.
const RUNS: usize = 10_000;

/// A memoized function, with the number of its runs.
struct Model {
    function: &'static FunctionCache<Kept>,
    runs: AtomicU32,
    spawned: Mutex<Vec<thread::JoinHandle<()>>>,
}

impl Model {
    fn new(max: usize) -> &'static Self {
        let function = Settings::of(Kept::NEW).max(max).shared("modelled".to_owned(), 1);
        // A cache lives as long as the process.
        let function: &'static std::sync::Arc<_> = Box::leak(Box::new(function));
        Box::leak(Box::new(Self { function, runs: AtomicU32::new(0), spawned: Mutex::default() }))
    }

    fn call(&self, key: u32, body: impl FnOnce(u32) -> Result<u32, ()>) -> Result<u32, ()> {
        match self.function.lookup(&(PlainValue(&key), ())) {
            Lookup::Hit(hit) => hit.value(),
            Lookup::Miss(miss) => miss.store({
                let run = self.runs.fetch_add(1, SeqCst);
                thread::yield_now();
                body(run)
            }),
        }
    }

    fn task(
        &'static self,
        key: u32,
        body: impl Fn(u32) -> Result<u32, ()>,
    ) -> impl Future<Output = Result<u32, ()>> {
        call(move || {
            self.function.begin(&(PlainValue(&key), ())).compute(async move {
                let run = self.runs.fetch_add(1, SeqCst);
                pause().await;
                body(run)
            })
        })
    }

    /// The task of a computation runs in a thread, or is dropped after some polls.
    fn spawned(
        &'static self,
        key: u32,
        body: impl Fn(u32) -> Result<u32, ()> + Send + 'static,
    ) -> impl Future<Output = Result<u32, ()>> {
        call_spawned(move || {
            let body = async move {
                let run = self.runs.fetch_add(1, SeqCst);
                pause().await;
                body(run)
            };
            self.function.begin(&(PlainValue(&key), ())).spawn(body, |task| {
                let drops = thread_rng().gen_bool(0.3);
                let run = move || if drops { poll_and_drop(task) } else { future::block_on(task) };
                self.spawned.lock().unwrap().push(thread::spawn(run));
            })
        })
    }

    /// Waits until all tasks have ended. No call may begin meanwhile.
    fn join_spawned(&self) {
        let threads = std::mem::take(&mut *self.spawned.lock().unwrap());
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    }

    fn peek(&self, key: u32) -> Option<u32> {
        let written = WrittenKey::new(&(PlainValue(&key), ()), None);
        let (hash, key) = self.function.key(&written)?;
        self.function.memory.peek(hash, key)
    }

    fn invalidate(&self, key: u32) {
        let written = WrittenKey::new(&(PlainValue(&key), ()), None);
        let (hash, key) = self.function.key(&written).unwrap();
        self.function.invalidate(hash, key, Remover::Invalidate);
    }

    fn insert(&self, key: u32, value: u32) {
        let key = Key::of(&(PlainValue(&key), ()));
        assert!(Memo::shared(self.function).insert(&key, Ok(value)));
    }

    fn runs(&self) -> u32 {
        self.runs.load(SeqCst)
    }

    #[track_caller]
    fn assert_no_claim_is_left(&self) {
        assert_eq!(self.function.memory.claimed_count(), 0, "a claim is left");
    }
}

async fn pause() {
    let mut paused = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut paused, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Polls the task a few times or until it is ready, then drops it.
fn poll_and_drop<F: Future>(task: F) {
    let mut task = pin!(task);
    for _ in 0..thread_rng().gen_range(0..5u32) {
        if task.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready() {
            return;
        }
        thread::yield_now();
    }
}

/// Runs three threads and waits until each has returned.
fn three(threads: [Box<dyn FnOnce() + Send>; 3]) {
    let threads = threads.map(thread::spawn);
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

fn check(model: impl Fn() + Send + Sync + 'static) {
    shuttle::check_random(model, RUNS);
}

#[test]
fn one_leader_computes_for_waiting_threads_and_tasks() {
    check(|| {
        let model = Model::new(4);
        three([
            Box::new(|| assert_eq!(model.call(1, Ok), Ok(0))),
            Box::new(|| assert_eq!(model.call(1, Ok), Ok(0))),
            Box::new(|| assert_eq!(future::block_on(model.task(1, Ok)), Ok(0))),
        ]);
        assert_eq!((model.runs(), model.peek(1)), (1, Some(0)));
        model.assert_no_claim_is_left();
    });
}

#[test]
fn one_leader_computes_for_waiting_tasks() {
    check(|| {
        let model = Model::new(4);
        let call = || Box::new(|| assert_eq!(future::block_on(model.task(1, Ok)), Ok(0)));
        three([call(), call(), call()]);
        assert_eq!((model.runs(), model.peek(1)), (1, Some(0)));
        model.assert_no_claim_is_left();
    });
}

#[test]
fn an_error_is_returned_only_to_the_caller_that_computed_it() {
    check(|| {
        let model = Model::new(4);
        let failures: &'static AtomicU32 = Box::leak(Box::default());
        let first_two_fail = |run| if run < 2 { Err(()) } else { Ok(run) };
        let count =
            move |outcome: Result<u32, ()>| _ = failures.fetch_add(outcome.is_err().into(), SeqCst);
        three([
            Box::new(move || count(model.call(1, first_two_fail))),
            Box::new(move || count(future::block_on(model.task(1, first_two_fail)))),
            Box::new(move || count(future::block_on(model.task(1, first_two_fail)))),
        ]);
        assert_eq!((model.runs(), failures.load(SeqCst), model.peek(1)), (3, 2, Some(2)));
        model.assert_no_claim_is_left();
    });
}

#[test]
fn a_panic_reaches_only_the_caller_whose_computation_panicked() {
    check(|| {
        let model = Model::new(4);
        let first_panics = |run| {
            if run == 0 {
                std::panic::resume_unwind(Box::new("on purpose"));
            }
            Ok(run)
        };
        let by_call = move || _ = catch_unwind(AssertUnwindSafe(|| model.call(1, first_panics)));
        let by_task = move || {
            let task = || future::block_on(model.task(1, first_panics));
            let _ = catch_unwind(AssertUnwindSafe(task));
        };
        three([Box::new(by_call), Box::new(by_call), Box::new(by_task)]);
        assert_eq!((model.runs(), model.peek(1)), (2, Some(1)));
        model.assert_no_claim_is_left();
    });
}

#[test]
fn callers_do_not_wait_for_a_dropped_task() {
    check(|| {
        let model = Model::new(4);
        three([
            Box::new(|| poll_and_drop(model.task(1, Ok))),
            Box::new(|| poll_and_drop(model.task(1, Ok))),
            Box::new(|| assert!(future::block_on(model.task(1, Ok)).is_ok())),
        ]);
        assert!(model.peek(1).is_some());
        model.assert_no_claim_is_left();
    });
    check(|| {
        let model = Model::new(4);
        three([
            Box::new(|| poll_and_drop(model.task(1, Ok))),
            Box::new(|| poll_and_drop(model.task(1, |_| Err(())))),
            Box::new(|| assert!(model.call(1, Ok).is_ok())),
        ]);
        assert!(model.peek(1).is_some());
        model.assert_no_claim_is_left();
    });
}

#[test]
fn callers_of_spawned_computations_do_not_wait_for_a_dropped_task() {
    check(|| {
        let model = Model::new(4);
        three([
            Box::new(|| poll_and_drop(model.spawned(1, Ok))),
            Box::new(|| poll_and_drop(model.spawned(1, Ok))),
            Box::new(|| assert!(future::block_on(model.spawned(1, Ok)).is_ok())),
        ]);
        model.join_spawned();
        assert!(model.peek(1).is_some());
        model.assert_no_claim_is_left();
    });
    check(|| {
        let model = Model::new(4);
        three([
            Box::new(|| poll_and_drop(model.spawned(1, |_| Err(())))),
            Box::new(|| assert!(future::block_on(model.spawned(1, Ok)).is_ok())),
            Box::new(|| assert!(model.call(1, Ok).is_ok())),
        ]);
        model.join_spawned();
        assert!(model.peek(1).is_some());
        model.assert_no_claim_is_left();
    });
}

/// Returns a number, and a body that returns what it was a moment ago.
fn slow_source()
-> (&'static AtomicU32, impl Fn(u32) -> Result<u32, ()> + Copy + Send + Sync + 'static) {
    let source: &'static AtomicU32 = Box::leak(Box::default());
    let read = move |_| {
        let seen = source.load(SeqCst);
        thread::yield_now();
        Ok(seen)
    };
    (source, read)
}

#[test]
fn a_refresh_is_not_satisfied_by_what_began_before() {
    for by_task in [false, true] {
        check(move || {
            let model = Model::new(4);
            let (source, read) = slow_source();
            let renew = move || {
                let written = source.fetch_add(1, SeqCst) + 1;
                let read = if by_task {
                    future::block_on(refresh_async(model.task(1, read)))
                } else {
                    refresh(|| model.call(1, read))
                };
                assert!(read >= Ok(written), "{read:?} was read before {written}");
            };
            three([Box::new(move || _ = model.call(1, read)), Box::new(renew), Box::new(renew)]);
            assert_eq!(model.peek(1), Some(2));
            model.assert_no_claim_is_left();
        });
    }
}

#[test]
fn a_value_computed_before_a_removal_is_not_cached() {
    for clear in [false, true] {
        check(move || {
            let model = Model::new(4);
            let (source, read) = slow_source();
            three([
                Box::new(move || _ = model.call(1, read)),
                Box::new(move || _ = future::block_on(model.task(1, read))),
                Box::new(move || {
                    source.store(1, SeqCst);
                    if clear {
                        model.function.clear();
                    } else {
                        model.invalidate(1);
                    }
                    assert_eq!(model.call(1, read), Ok(1), "it was asked for after the removal");
                }),
            ]);
            assert_eq!(model.peek(1), Some(1));
            model.assert_no_claim_is_left();
        });
    }
}

#[test]
fn evicted_entries_are_computed_again_when_they_are_asked_for() {
    check(|| {
        let model = Model::new(1);
        let call = move |key| assert_eq!(model.call(key, |_| Ok(key)), Ok(key));
        three([
            Box::new(move || [1, 2].into_iter().for_each(call)),
            Box::new(move || [2, 1].into_iter().for_each(call)),
            Box::new(|| assert_eq!(future::block_on(model.task(1, |_| Ok(1))), Ok(1))),
        ]);
        assert_eq!(model.function.memory.len(), 1);
        model.assert_no_claim_is_left();
    });
}

/// Computes `key` by a call for the next of three keys, until the calls have gone around the three keys twice.
fn around(model: &'static Model, key: u32, hops: u32) -> Result<u32, ()> {
    model.call(key, |_| if hops == 6 { Ok(hops) } else { around(model, (key + 1) % 3, hops + 1) })
}

#[test]
fn calls_that_wait_for_each_other_in_a_ring_end() {
    check(|| {
        let model = Model::new(4);
        let go = |key| Box::new(move || _ = around(model, key, 0));
        three([go(0), go(1), go(2)]);
        assert!((0..3).all(|key| model.peek(key).is_some()));
        model.assert_no_claim_is_left();
    });
}

#[test]
fn what_a_thread_remembers_is_never_older_than_what_another_has_seen() {
    for replace in [false, true] {
        check(move || {
            // Large: in a small cache each use of an entry ends what is remembered of others.
            let model = Model::new(1000);
            let zero = || &*Box::leak(Box::new(AtomicU32::new(0)));
            let (source, seen) = (zero(), zero());
            let read = move || model.call(1, |_| Ok(source.load(SeqCst))).unwrap();
            assert_eq!([read(), read(), read()], [0; 3]);
            let arguments = (PlainValue(&1_u32), ());
            assert!(model.function.recall(&arguments).is_some(), "the value is remembered");
            three([
                Box::new(move || {
                    // The second one remembers the value.
                    assert!(read() <= read());
                    let before = seen.load(SeqCst);
                    let value = read();
                    assert!(value >= before, "{value} after {before}");
                }),
                Box::new(move || _ = seen.fetch_max(read(), SeqCst)),
                Box::new(move || {
                    if replace {
                        model.insert(1, 1);
                    } else {
                        source.store(1, SeqCst);
                        model.invalidate(1);
                    }
                    seen.fetch_max(1, SeqCst);
                    assert_eq!(read(), 1);
                }),
            ]);
            model.assert_no_claim_is_left();
        });
    }
}
