//! `scope = "thread"`: each thread has its own cache, for results that cannot leave their thread.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread;

use memokit::memoize;
use serde::Serialize;

static RUNS: AtomicU32 = AtomicU32::new(0);

#[memoize(scope = "thread", max = 2)]
fn words(text: &str) -> Rc<Vec<String>> {
    RUNS.fetch_add(1, Relaxed);
    Rc::new(text.split(' ').map(str::to_owned).collect())
}

#[test]
fn each_thread_has_its_own_cache() {
    let runs = RUNS.load(Relaxed);
    let first = words("a b");
    assert!(Rc::ptr_eq(&first, &words("a b")));
    thread::spawn(|| {
        assert!(words_memo().is_empty());
        assert_eq!(*words("a b"), ["a", "b"]);
        assert_eq!((words_memo().len(), words_memo().stats().misses), (1, 1));
    })
    .join()
    .unwrap();
    assert_eq!(RUNS.load(Relaxed) - runs, 2);
    let stats = words_memo().stats();
    assert_eq!((stats.hits, stats.misses, stats.entries), (1, 1, 1));
    assert_eq!(stats.name, "it::scope::words");
}

#[test]
fn handles_and_bounds_apply_to_the_calling_thread() {
    let memo = words_memo();
    for text in ["a", "b", "a", "c"] {
        words(text);
    }
    assert_eq!((memo.len(), memo.stats().evicted, memo.max()), (2, 1, Some(2)));
    assert!(memo.get(&words_key("b")).is_none());
    assert!(memo.invalidate(&words_key("a")));
    assert!(memo.insert(&words_key("d"), Rc::new(vec!["e".into()])));
    assert_eq!(*words("d"), ["e"]);
    memo.retain(|_, words| words.len() > 1);
    assert!(memo.is_empty());
    // A handle refers to the cache of the thread that uses it.
    words("here");
    assert_eq!(thread::spawn(move || memo.len()).join().unwrap(), 0);
    assert!(memo.flush().is_err() && memo.health().is_ok());
}

/// A result that shares a counter with its caller.
#[derive(Clone)]
struct Counted(Rc<Cell<u32>>);

/// Sends the id of the thread on which it is dropped.
struct ReportsDrop(std::sync::mpsc::Sender<thread::ThreadId>);

impl Drop for ReportsDrop {
    fn drop(&mut self) {
        let _ = self.0.send(thread::current().id());
    }
}

struct Wire(std::sync::mpsc::Sender<thread::ThreadId>);

#[memoize(scope = "thread", skip(wire))]
fn reporting(wire: &Wire, n: u32) -> Rc<ReportsDrop> {
    let _ = n;
    Rc::new(ReportsDrop(wire.0.clone()))
}

#[test]
fn results_are_dropped_with_their_thread() {
    let (sender, receiver) = std::sync::mpsc::channel();
    let wire = Wire(sender);
    let id = thread::spawn(move || {
        drop(reporting(&wire, 1));
        drop(reporting(&wire, 2));
        thread::current().id()
    })
    .join()
    .unwrap();
    assert_eq!(receiver.iter().collect::<Vec<_>>(), [id, id]);
}

#[memoize(scope = "thread")]
fn last(n: u32) -> Rc<Last> {
    Rc::new(Last(n))
}

/// Calls a memoized function when its thread ends.
struct Last(u32);

impl Drop for Last {
    fn drop(&mut self) {
        if self.0 < 3 {
            assert_eq!(last(self.0 + 1).0, self.0 + 1);
            assert!(last_memo().len() <= 2);
        }
    }
}

#[test]
fn a_drop_at_the_end_of_a_thread_may_call_the_function() {
    thread::spawn(|| drop(last(1))).join().unwrap();
}

#[test]
fn errors_are_cached_only_with_cache_err() {
    #[memoize(scope = "thread")]
    fn even(n: u32) -> Result<Rc<u32>, Box<dyn std::error::Error>> {
        RUNS_OF_EVEN.set(RUNS_OF_EVEN.get() + 1);
        if n.is_multiple_of(2) { Ok(Rc::new(n)) } else { Err("odd".into()) }
    }
    #[memoize(scope = "thread", cache_err)]
    fn odd(n: u32) -> Result<Rc<u32>, Rc<str>> {
        RUNS_OF_EVEN.set(RUNS_OF_EVEN.get() + 1);
        if n % 2 == 1 { Ok(Rc::new(n)) } else { Err("even".into()) }
    }
    thread_local! {
        static RUNS_OF_EVEN: Cell<u32> = const { Cell::new(0) };
    }
    for _ in 0..2 {
        assert_eq!(even(2).unwrap(), Rc::new(2));
        assert!(even(1).is_err());
        assert_eq!((odd(1), odd(2)), (Ok(Rc::new(1)), Err("even".into())));
    }
    assert_eq!(RUNS_OF_EVEN.get(), 5);
}

#[test]
fn recursive_and_generic_functions_work_per_thread() {
    #[memoize(scope = "thread")]
    fn path<T: Serialize + Copy>(start: T, depth: u32) -> Rc<u32> {
        if depth == 0 { Rc::new(0) } else { Rc::new(*path(start, depth - 1) + 1) }
    }
    assert_eq!((path('a', 20), path(1u8, 5)), (Rc::new(20), Rc::new(5)));
    assert_eq!((path_memo::<char>().len(), path_memo::<u8>().len()), (21, 6));
    // The function calls its own key while it computes it.
    #[memoize(scope = "thread", skip(again))]
    fn within(n: u32, again: bool) -> u32 {
        if again { within(n, false) + 1 } else { n }
    }
    assert_eq!((within(1, true), within(1, true)), (2, 2));
}

#[test]
fn scope_process_shares_the_cache_between_threads() {
    #[memoize(scope = "process", policy = "lru")]
    fn shared(n: u32) -> u32 {
        n
    }
    shared(1);
    assert_eq!(thread::spawn(|| shared_memo().len()).join().unwrap(), 1);
}

struct Places;

impl Places {
    #[memoize(scope = "thread", skip(self))]
    fn place(&self, n: u32) -> Rc<u32> {
        Rc::new(n)
    }
}

#[test]
fn methods_have_a_cache_per_thread() {
    assert!(Rc::ptr_eq(&Places.place(1), &Places.place(1)));
    assert_eq!(Places::place_memo().stats().hits, 1);
    let counted = Counted(Rc::default());
    #[memoize(scope = "thread", skip(counted))]
    fn count(counted: &Counted, n: u32) -> Counted {
        counted.0.set(counted.0.get() + n);
        counted.clone()
    }
    for _ in 0..3 {
        count(&counted, 2);
    }
    assert_eq!(counted.0.get(), 2);
}
