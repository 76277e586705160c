//! `isolated` keeps tests apart that run in one process.

use std::cell::Cell;
use std::future::Future;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread;

use memokit::{
    Cache, Source, bypass, bypass_async, clear_all, inherit, inherit_async, isolated,
    isolated_async, memoize, outcome, report,
};

thread_local! {
    /// The runs of functions in this thread.
    static RUNS: Cell<u32> = const { Cell::new(0) };
}

fn run() {
    RUNS.set(RUNS.get() + 1);
}

/// Returns how many functions `f` runs in this thread.
fn runs(f: impl FnOnce()) -> u32 {
    let before = RUNS.get();
    f();
    RUNS.get() - before
}

/// Polls once.
fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = poll(future.as_mut()) {
            return output;
        }
        thread::yield_now();
    }
}

/// Is pending at the first poll.
async fn step() {
    let mut is_first = true;
    std::future::poll_fn(|_| {
        if std::mem::take(&mut is_first) { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
}

#[memoize(max = 100)]
fn known(n: u32) -> String {
    run();
    n.to_string()
}

#[test]
fn a_function_begins_empty_and_ends_without_a_trace() {
    known(1);
    let before = known_memo().stats();
    {
        let _isolated = isolated();
        assert!(known_memo().is_empty());
        assert_eq!(runs(|| assert_eq!((known(1), known(1)), ("1".to_owned(), "1".to_owned()))), 1);
        let stats = known_memo().stats();
        assert_eq!((stats.hits, stats.misses, stats.entries), (1, 1, 1));
        assert_eq!((stats.name.as_str(), stats.is_bounded), ("it::isolation::known", true));
        assert!(known_memo().insert(&known_key(2), "two".to_owned()));
        assert_eq!(known(2), "two");
        assert!(known_memo().invalidate(&known_key(1)));
        known_memo().set_max(0);
    }
    let after = known_memo().stats();
    assert_eq!((after.hits, after.misses, after.entries), (before.hits, before.misses, 1));
    assert_eq!((known_memo().len(), known_memo().max()), (1, Some(100)));
    assert_eq!(runs(|| _ = (known(1), known(2))), 1);
}

#[test]
fn a_function_that_is_only_called_within_is_in_no_report() {
    #[memoize(name = "isolation::unknown")]
    fn unknown(n: u32) -> u32 {
        run();
        n
    }
    let rows = || report().caches().iter().filter(|row| row.name == "isolation::unknown").count();
    for _ in 0..2 {
        let _isolated = isolated();
        assert_eq!(runs(|| _ = (unknown(1), unknown(1), unknown(2))), 2);
        assert_eq!((rows(), report().caches().len()), (1, 1), "a report within has nothing else");
        clear_all();
        assert!(unknown_memo().is_empty());
    }
    assert_eq!(rows(), 0);
    assert_eq!(runs(|| _ = unknown(1)), 1);
    let _isolated = isolated();
    assert_eq!(runs(|| _ = (unknown(1), unknown(1))), 1);
}

#[test]
fn a_process_that_begins_meanwhile_keeps_its_own() {
    #[memoize]
    fn late(n: u32) -> u32 {
        run();
        n
    }
    let isolated = isolated();
    late(1);
    let outside = thread::spawn(|| {
        assert!(late_memo().is_empty());
        late(2);
        late_memo().len()
    });
    assert_eq!(outside.join().unwrap(), 1);
    assert_eq!(runs(|| _ = late(1)), 0, "still the cache of before");
    assert_eq!(late_memo().len(), 1);
    drop(isolated);
    assert_eq!(late_memo().keys(), [late_key(2)]);
}

#[test]
fn isolations_nest_and_end_in_any_order() {
    known(10);
    let outer = isolated();
    known(10);
    let inner = isolated();
    assert!(known_memo().is_empty());
    known(11);
    drop(outer);
    assert_eq!(known_memo().keys(), [known_key(11)], "the inner one lasts");
    drop(inner);
    assert!(known_memo().get(&known_key(10)).is_some());
    let outer = isolated();
    known(12);
    drop(isolated());
    assert_eq!(known_memo().keys(), [known_key(12)]);
    drop(outer);
}

#[test]
fn a_panic_ends_the_isolation() {
    known(20);
    let caught = std::panic::catch_unwind(|| {
        let _isolated = isolated();
        known(21);
        panic!("a test fails");
    });
    assert!(caught.is_err());
    assert_eq!(runs(|| _ = known(20)), 0);
    assert!(known_memo().get(&known_key(21)).is_none());
}

#[test]
fn threads_go_on_in_the_isolation_if_they_inherit_it() {
    #[memoize]
    fn shared(n: u32) -> u32 {
        run();
        n
    }
    shared(1);
    let _isolated = isolated();
    assert_eq!(thread::spawn(|| shared_memo().len()).join().unwrap(), 1, "another test");
    let barrier = Arc::new(Barrier::new(4));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let barrier = Arc::clone(&barrier);
            thread::spawn(inherit(move || {
                barrier.wait();
                runs(|| _ = (shared(1), shared(1)))
            }))
        })
        .collect();
    assert_eq!(threads.into_iter().map(|thread| thread.join().unwrap()).sum::<u32>(), 1);
    let stats = shared_memo().stats();
    assert_eq!((stats.hits, stats.misses), (7, 1), "one computation for all threads");
    assert_eq!(thread::spawn(inherit(|| bypass(inherit_and_call))).join().unwrap(), 2);
}

/// Called with memoization off: so is it in the thread that inherits that.
fn inherit_and_call() -> u32 {
    thread::spawn(inherit(|| runs(|| _ = (known(1), known(1))))).join().unwrap()
}

#[memoize]
async fn later(n: u32) -> String {
    run();
    step().await;
    known(n)
}

#[test]
fn tasks_are_isolated_at_each_poll() {
    block_on(later(1));
    let task = || async {
        let first = runs(|| ());
        let before = RUNS.get();
        later(1).await;
        step().await;
        later(1).await;
        (first + RUNS.get() - before, later_memo().len(), known_memo().len())
    };
    let (mut one, mut two) = (Box::pin(isolated_async(task())), Box::pin(isolated_async(task())));
    let mut ended = [None, None];
    // In turns, and with calls of nobody's isolation between.
    while ended.contains(&None) {
        let before = RUNS.get();
        if ended[0].is_none() {
            ended[0] = match poll(one.as_mut()) {
                Poll::Ready(found) => Some((found.1, found.2)),
                Poll::Pending => None,
            };
        }
        if ended[1].is_none() {
            ended[1] = match poll(two.as_mut()) {
                Poll::Ready(found) => Some((found.1, found.2)),
                Poll::Pending => None,
            };
        }
        assert!(RUNS.get() - before <= 4);
        assert_eq!(runs(|| _ = block_on(later(1))), 0, "outside it is a hit");
    }
    assert_eq!(ended, [Some((1, 1)); 2]);
}

#[test]
fn a_task_may_move_from_thread_to_thread() {
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    let mut task = Box::pin(is_send(isolated_async(async {
        later(30).await;
        step().await;
        (later_memo().len(), thread::spawn(inherit(|| later_memo().len())).join().unwrap())
    })));
    let found = loop {
        let (polled, back) = thread::spawn(move || (poll(task.as_mut()), task)).join().unwrap();
        task = back;
        if let Poll::Ready(found) = polled {
            break found;
        }
        assert!(later_memo().get(&later_key(30)).is_none());
    };
    assert_eq!(found, (1, 1));
    // Within the guard of a thread, a task that is spawned inherits.
    let _isolated = isolated();
    block_on(later(31));
    let inherited = inherit_async(async { runs(|| _ = block_on(later(31))) });
    assert_eq!(thread::spawn(move || block_on(inherited)).join().unwrap(), 0);
    let not = async { later_memo().get(&later_key(31)).is_none() };
    assert!(thread::spawn(move || block_on(not)).join().unwrap());
}

#[test]
fn bypass_holds_for_the_polls_of_a_future() {
    block_on(later(40));
    let before = later_memo().stats();
    let twice = async {
        later(40).await;
        step().await;
        later(40).await
    };
    let mut bypassed = Box::pin(bypass_async(twice));
    let began = RUNS.get();
    while poll(bypassed.as_mut()).is_pending() {
        let between = RUNS.get();
        block_on(later(40));
        assert_eq!(RUNS.get(), between, "between the polls memoization is on");
    }
    assert_eq!(RUNS.get() - began, 4, "both functions ran twice");
    assert_eq!(later_memo().stats().misses, before.misses);
    let inside = isolated_async(bypass_async(async {
        later(40).await;
        later_memo().len()
    }));
    assert_eq!(block_on(inside), 0);
}

#[test]
fn sources_and_verification() {
    #[memoize(verify = 1.0)]
    fn verified(n: u32) -> u32 {
        run();
        n
    }
    #[memoize(verify = 1.0)]
    async fn verified_later(n: u32) -> u32 {
        run();
        n
    }
    known(50);
    let _isolated = isolated();
    assert_eq!(outcome(|| known(50)).source(), Some(Source::Computed));
    assert_eq!(outcome(|| known(50)).source(), Some(Source::Hit));
    assert_eq!(runs(|| _ = (verified(1), verified(1))), 2);
    assert_eq!(runs(|| _ = (block_on(verified_later(1)), block_on(verified_later(1)))), 2);
    assert_eq!(verified_memo().stats().mismatches, 0);
}

#[test]
fn caches_of_threads_and_of_objects() {
    #[memoize(scope = "thread")]
    fn local(n: u32) -> Rc<u32> {
        run();
        Rc::new(n)
    }
    #[derive(Default)]
    struct Object(Cache);
    impl Object {
        #[memoize(scope = "instance", cache = self.0, name = "isolation::held")]
        fn held(&self, n: u32) -> Arc<u32> {
            run();
            Arc::new(n)
        }
    }
    let (one, two) = (Object::default(), Object::default());
    let first = local(1);
    one.held(1);
    let isolated = isolated();
    assert_eq!(runs(|| _ = (local(1), local(1))), 1);
    let within = Rc::downgrade(&local(1));
    assert_eq!(runs(|| _ = (one.held(1), one.held(1), two.held(1))), 2);
    assert_eq!((one.held_memo().len(), report().caches().len()), (1, 1), "one row for the method");
    assert_eq!(one.held_memo().stats().misses, 2);
    let value = Arc::downgrade(&two.held(1));
    drop(two);
    assert!(value.upgrade().is_none(), "an object frees what it has within");
    one.0.clear();
    assert!(one.held_memo().is_empty());
    drop(isolated);
    assert!(Rc::ptr_eq(&first, &local(1)) && within.upgrade().is_none());
    assert_eq!((runs(|| _ = one.held(1)), one.held_memo().stats().misses), (0, 1));
}

#[test]
fn a_refresh_stays_in_the_isolation() {
    static FOUND: Mutex<Vec<usize>> = Mutex::new(Vec::new());
    #[memoize(ttl = "1ms", stale = "1h", spawn = spawn)]
    fn refreshed(n: u32) -> u32 {
        known(n);
        FOUND.lock().unwrap().push(known_memo().len());
        n
    }
    fn spawn(task: impl FnOnce() + Send + 'static) {
        thread::spawn(task).join().unwrap();
    }
    known(60);
    let _isolated = isolated();
    refreshed(61);
    while !refreshed_memo().entry(&refreshed_key(61)).unwrap().is_stale() {
        thread::yield_now();
    }
    refreshed(61);
    assert_eq!(*FOUND.lock().unwrap(), [1, 1], "the thread of the refresh has the same caches");
}

#[test]
fn values_are_freed_at_the_end() {
    #[memoize(ttl = "1h")]
    fn kept(n: u32) -> Arc<u32> {
        Arc::new(n)
    }
    let isolated = isolated();
    let value = Arc::downgrade(&kept(1));
    let (send, receive) = channel();
    let thread = thread::spawn(inherit(move || {
        let found = kept(1);
        send.send(Arc::downgrade(&found)).unwrap();
    }));
    assert!(receive.recv().unwrap().ptr_eq(&value));
    thread.join().unwrap();
    drop(isolated);
    // The background thread may hold the cache for the moment of a sweep.
    while value.upgrade().is_some() {
        thread::yield_now();
    }
}

#[cfg(feature = "persist")]
#[test]
fn nothing_is_read_from_or_written_to_a_directory() {
    static DIRECTORY: std::sync::OnceLock<std::path::PathBuf> = std::sync::OnceLock::new();
    fn place(name: &str) -> std::path::PathBuf {
        DIRECTORY.get().unwrap().join(name)
    }
    let directory = tempfile::tempdir().unwrap();
    DIRECTORY.set(directory.path().to_owned()).unwrap();
    #[memoize(persist = place("first"))]
    fn first(n: u32) -> u32 {
        run();
        n
    }
    #[memoize(persist = place("second"))]
    fn second(n: u32) -> u32 {
        run();
        n
    }
    {
        let _isolated = isolated();
        assert_eq!(runs(|| _ = (first(1), first(1), second(1))), 2);
        assert!(!place("first").exists() && !place("second").exists());
        assert_eq!(first_memo().stats().stored, 0);
    }
    assert_eq!(runs(|| _ = second(2)), 1);
    {
        let _isolated = isolated();
        assert_eq!(runs(|| _ = second(2)), 1);
        assert!(second_memo().invalidate(&second_key(2)));
        second_memo().clear();
        memokit::flush_all().unwrap();
    }
    assert!(!place("first").exists());
    assert_eq!((second_memo().stats().stored, runs(|| _ = second(2))), (1, 0));
}

#[cfg(feature = "remote")]
#[test]
fn nothing_connects_to_a_tier() {
    fn tier() -> memokit::remote::Tier {
        unreachable!("an isolation has no tier")
    }
    #[memoize(remote = tier())]
    fn remote(n: u32) -> u32 {
        run();
        n
    }
    let _isolated = isolated();
    assert_eq!(runs(|| _ = (remote(1), remote(1))), 1);
    assert_eq!(remote_memo().len(), 1);
}

#[test]
fn a_test_moves_the_clock_of_its_isolation() {
    use std::time::Duration;

    use memokit::clock;

    #[memoize(ttl = "30m", stale = "10m")]
    fn fresh(n: u32) -> u32 {
        run();
        n
    }
    #[memoize(idle = "30m")]
    fn used(n: u32) -> u32 {
        run();
        n
    }
    #[derive(Default)]
    struct Object(Cache);
    impl Object {
        #[memoize(scope = "instance", cache = self.0, ttl = "30m")]
        fn brief(&self, n: u32) -> u32 {
            run();
            n
        }
    }
    let object = Object::default();
    let minutes = |count: u64| Duration::from_secs(60 * count);
    let all = || runs(|| _ = (fresh(1), used(1), object.brief(1)));
    all();
    let isolated = isolated();
    clock::pause();
    assert_eq!(all(), 3);
    clock::advance(minutes(29));
    assert_eq!(all(), 0);
    assert_eq!(fresh_memo().entry(&fresh_key(1)).unwrap().age(), Some(minutes(29)));
    clock::advance(minutes(2));
    assert!(fresh_memo().entry(&fresh_key(1)).unwrap().is_stale());
    assert_eq!(all(), 2, "what was used 2 minutes ago is not idle");
    let others = thread::spawn(inherit(move || {
        clock::advance(minutes(31));
        used_memo().len()
    }));
    assert_eq!(others.join().unwrap(), 0, "the clock is that of all threads of the isolation");
    assert_eq!(fresh_memo().sweep(), 0, "it may still be served stale");
    clock::resume();
    assert_eq!(all(), 3);
    drop(isolated);
    assert_eq!(all(), 0, "no time has passed outside");
    let task = isolated_async(async {
        fresh(2);
        step().await;
        clock::advance(minutes(41));
        fresh_memo().len()
    });
    assert_eq!(block_on(task), 0);
}

#[test]
#[should_panic(expected = "a clock is moved in an isolation")]
fn the_clock_of_the_process_is_not_moved() {
    memokit::clock::pause();
}

#[test]
fn the_threads_of_warm_inherit() {
    #[memoize]
    fn number(n: u32) -> u32 {
        thread::yield_now();
        n
    }
    // The threads call at the same time, so each makes one of the calls.
    let all = Barrier::new(4);
    let call = |n| {
        all.wait();
        number(n)
    };
    {
        let _isolated = isolated();
        assert_eq!(memokit::warm(0..4, 4, call).computed, 4);
        assert_eq!(number_memo().len(), 4);
    }
    bypass(|| memokit::warm(0..4, 4, call));
    assert!(number_memo().is_empty());
}

#[test]
fn an_object_that_is_first_called_in_an_isolation_is_used_outside_too() {
    struct Object {
        cache: Cache,
    }
    impl Object {
        #[memoize(scope = "instance", name = "isolation::outside", tags = [("outside", n)])]
        fn number(&self, n: u32) -> u32 {
            run();
            n
        }
    }
    let object = Object { cache: Cache::new() };
    let is_reported = || report().caches().iter().any(|stats| stats.name == "isolation::outside");
    {
        let _isolated = isolated();
        assert_eq!(runs(|| _ = (object.number(1), object.number(1))), 1);
    }
    assert!(!is_reported());
    assert_eq!(runs(|| _ = (object.number(1), object.number(1))), 1);
    assert!(is_reported());
    memokit::invalidate_tag(("outside", 1));
    assert_eq!(runs(|| _ = (object.number(1), object.number(1))), 1);
}

#[test]
fn a_function_gives_advice_there() {
    #[memoize(max = 100, advise)]
    fn square(n: u64) -> u64 {
        n * n
    }
    let _isolated = isolated();
    (0..5000).for_each(|n| _ = square(n % 250));
    assert!(square_memo().stats().advice.is_some_and(|advice| advice.hit_ratio_at(250) > 0.94));
}
