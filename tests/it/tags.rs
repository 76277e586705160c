//! Tags: results of many functions that are invalidated together.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::thread;

use memokit::{Explanation, Remover, Tag, invalidate_tag, memoize};

use crate::support::{restarts, wait_until, with_timeout};
use crate::task_flights::Door;
use crate::tasks::{block_on, poll};

static RUNS: AtomicU32 = AtomicU32::new(0);

fn run() -> u32 {
    RUNS.fetch_add(1, Relaxed)
}

#[test]
fn an_invalidated_tag_takes_its_results_out_of_all_functions() {
    #[memoize(tags = [("one", user), "one"])]
    fn name(user: u64) -> u32 {
        run()
    }
    #[memoize(max = 100, max_bytes = "1MiB", tags = [("one", user.clone()), ("place", place)], ttl = "1h")]
    fn orders(user: String, place: &str) -> Result<u32, ()> {
        let _ = (user, place);
        Ok(run())
    }
    let all = || {
        [
            name(7),
            name(8),
            orders("7".to_owned(), "x").unwrap(),
            orders("8".to_owned(), "x").unwrap(),
        ]
    };
    let changed = |before: [u32; 4]| {
        let now = all();
        assert_eq!(now, all());
        std::array::from_fn(|at| now[at] != before[at])
    };
    let before = all();
    // An integer of another type, and a text that is no integer.
    invalidate_tag(("one", 7_i32));
    assert_eq!(changed(before), [true, false, false, false]);
    let before = all();
    invalidate_tag(("one", "8"));
    assert_eq!(changed(before), [false, false, false, true]);
    let before = all();
    invalidate_tag("one");
    assert_eq!(changed(before), [true, true, false, false]);
    let before = all();
    invalidate_tag(("place", "x"));
    assert_eq!(changed(before), [false, false, true, true]);
    let before = all();
    invalidate_tag(("place", "y"));
    assert_eq!(changed(before), [false; 4]);
}

#[test]
fn a_result_names_its_tags() {
    #[derive(Clone)]
    struct Page(u32, Vec<u32>);
    #[memoize(tags = [("pages", n % 2)], tags_with = authors)]
    fn page(n: u32) -> Option<Page> {
        (n > 0).then(|| Page(run(), (0..n).collect()))
    }
    fn authors(page: &Option<Page>) -> Vec<Tag> {
        page.iter().flat_map(|page| &page.1).map(|n| Tag::new(&("author", n))).collect()
    }
    let version = |n| page(n).map(|page| page.0);
    let before = [1, 2, 3].map(version);
    invalidate_tag(("author", 2));
    assert_eq!([1, 2].map(version), before[..2]);
    assert_ne!(version(3), before[2]);
    invalidate_tag(("author", 0_u8));
    assert!([1, 2].map(version).iter().zip(before).all(|(now, before)| *now != before));
    let before = [1, 2, 3].map(version);
    invalidate_tag(("pages", 1));
    assert_eq!(version(2), before[1]);
    assert!(version(1) != before[0] && version(3) != before[2]);
}

/// Holds a computation until it may end.
struct Gate {
    began: mpsc::SyncSender<()>,
    may_end: Mutex<mpsc::Receiver<()>>,
}

fn gate() -> (Gate, mpsc::Receiver<()>, mpsc::SyncSender<()>) {
    let (began, has_begun) = mpsc::sync_channel(1);
    let (end, may_end) = mpsc::sync_channel(1);
    (Gate { began, may_end: may_end.into() }, has_begun, end)
}

impl Gate {
    fn pass(&self) {
        self.began.send(()).unwrap();
        self.may_end.lock().unwrap().recv().unwrap();
    }
}

/// One thread computes, and the tag is invalidated meanwhile. What it returns is not kept, and who asks after the
/// invalidation does not get it. `waits`: who asks does not know the tags, and so waits for it.
fn check_running(call: fn(u32) -> u32, is_slow: &'static Mutex<Option<Gate>>, waits: bool) {
    with_timeout(move || {
        let (gate, has_begun, end) = gate();
        *is_slow.lock().unwrap() = Some(gate);
        let first = thread::spawn(move || call(1));
        has_begun.recv().unwrap();
        invalidate_tag(("running", 2));
        invalidate_tag(("running", 1));
        let second = thread::spawn(move || call(1));
        let second = if waits {
            end.send(()).unwrap();
            second.join().unwrap()
        } else {
            let second = second.join().unwrap();
            end.send(()).unwrap();
            second
        };
        assert_ne!(first.join().unwrap(), second);
        assert_eq!(call(1), second);
    });
}

#[test]
fn what_is_being_computed_is_invalidated() {
    static SLOW: Mutex<Option<Gate>> = Mutex::new(None);
    #[memoize(tags = [("running", n)])]
    fn known(n: u32) -> u32 {
        let gate = SLOW.lock().unwrap().take();
        gate.iter().for_each(Gate::pass);
        run()
    }
    check_running(known, &SLOW, false);
    static SLOW_TOO: Mutex<Option<Gate>> = Mutex::new(None);
    #[memoize(tags_with = |_| [Tag::new(&("running", 1))])]
    fn unknown(_n: u32) -> u32 {
        let gate = SLOW_TOO.lock().unwrap().take();
        gate.iter().for_each(Gate::pass);
        run()
    }
    check_running(unknown, &SLOW_TOO, true);
}

#[test]
fn who_waited_before_the_invalidation_gets_what_is_computed_and_nobody_after() {
    static DOOR: Door = Door::closed();
    #[memoize(tags = ["task"])]
    async fn slow() -> u32 {
        let value = run();
        DOOR.pass().await;
        value
    }
    // In a process of its own: who waits asks again if another test has invalidated anything since the computation began.
    restarts!(|| {
        let mut calls: Vec<_> = (0..3).map(|_| Box::pin(slow())).collect();
        assert!(calls.iter_mut().all(|call| poll(call.as_mut()).is_pending()));
        invalidate_tag("task");
        let mut late = Box::pin(slow());
        assert!(poll(late.as_mut()).is_pending());
        DOOR.open();
        let values: Vec<u32> = calls.into_iter().map(block_on).collect();
        let late = block_on(late);
        assert!(values.iter().all(|value| *value == values[0]) && values[0] != late);
        assert_eq!(block_on(slow()), late);
    });
}

#[test]
fn threads_see_no_value_from_before_an_invalidation_that_returned() {
    static VERSION: AtomicU32 = AtomicU32::new(0);
    #[memoize(tags = [("threads", n % 4)], max = 64)]
    fn version(n: u32) -> u32 {
        VERSION.load(Relaxed)
    }
    const ROUNDS: u32 = 2000;
    let barrier = Arc::new(Barrier::new(4));
    let readers: Vec<_> = (0..3_u32)
        .map(|seed| {
            let barrier = Arc::clone(&barrier);
            thread::spawn(move || {
                barrier.wait();
                let mut n = seed;
                while VERSION.load(Relaxed) < ROUNDS {
                    n = n.wrapping_mul(5).wrapping_add(1);
                    // What was invalidated before the call began was at least as old as this.
                    let least = VERSION.load(Relaxed).saturating_sub(1);
                    assert!(version(n % 128) >= least);
                }
            })
        })
        .collect();
    barrier.wait();
    for round in 1..=ROUNDS {
        VERSION.store(round, Relaxed);
        (0..4).for_each(|n| invalidate_tag(("threads", n)));
    }
    readers.into_iter().for_each(|reader| reader.join().unwrap());
}

#[test]
fn an_invalidated_result_is_not_served_stale_and_does_not_count() {
    static FAILS: AtomicU32 = AtomicU32::new(0);
    #[memoize(tags = [("stale", n)], ttl = "1h", stale = "1h", explain = 10)]
    fn value(n: u32) -> Result<u32, u32> {
        let run = run();
        if FAILS.load(Relaxed) > 0 { Err(run) } else { Ok(run) }
    }
    let memo = value_memo();
    let before = value(1).unwrap();
    value(2).unwrap();
    invalidate_tag(("stale", 1));
    let key = value_key(1);
    assert_eq!((memo.len(), memo.get(&key), memo.entry(&key)), (1, None, None));
    assert_eq!(memo.explain(&key), Explanation::TagInvalidated);
    assert_eq!(memo.keys(), [value_key(2)]);
    FAILS.store(1, Relaxed);
    assert!(value(1).is_err_and(|run| run > before));
    assert_eq!(memo.sweep(), 1);
    let why = memo.explain(&key);
    assert!(
        matches!(
            why,
            Explanation::Invalidated { by: Remover::Tag, .. } | Explanation::NotKept { .. }
        ),
        "{why:?}"
    );
    assert_eq!((memo.stats().entries, memo.stats().expired), (1, 0));
}

#[test]
fn inserted_results_have_the_tags_of_their_key() {
    #[memoize(tags = [("inserted", n)])]
    fn value(n: u32) -> u32 {
        run()
    }
    let memo = value_memo();
    assert!(memo.insert(&value_key(1), 9));
    invalidate_tag(("inserted", 1));
    assert_eq!(memo.get(&value_key(1)), None);
    // A key that was not made by the companion says nothing of tags: those of the entry stay.
    value(2);
    let key = memo.keys().remove(0);
    assert!(memo.insert(&key, 9));
    assert_eq!(value(2), 9);
    invalidate_tag(("inserted", 2));
    assert_eq!(memo.get(&key), None);
}

#[test]
fn methods_generics_threads_and_expressions() {
    #[derive(serde::Serialize)]
    struct Shop(u32);
    impl Shop {
        #[memoize(tags = [("shop", self.0), ("item", item)])]
        fn price(&self, item: &str) -> u32 {
            run()
        }
    }
    #[memoize(tags = shelf_tags(shelf), scope = "thread")]
    fn size<T: serde::Serialize + Copy>(shelf: T) -> u32 {
        run()
    }
    fn shelf_tags<T: serde::Serialize>(shelf: T) -> Vec<Tag> {
        vec![Tag::new(&("shop", 1)), Tag::new(&shelf)]
    }
    #[memoize(key = (a, b), tags = [(a, b)])]
    fn keyed(a: u32, b: String, _c: u32) -> u32 {
        run()
    }
    let (one, two) = (Shop(1), Shop(2));
    let all = || [one.price("x"), two.price("x"), size(5), size("x"), keyed(1, "b".into(), 3)];
    let changed = |tag: &dyn Fn()| {
        let before = all();
        tag();
        let now = all();
        std::array::from_fn::<_, 5, _>(|at| now[at] != before[at])
    };
    assert_eq!(changed(&|| invalidate_tag(("shop", 1))), [true, false, true, true, false]);
    assert_eq!(changed(&|| invalidate_tag(("item", "x"))), [true, true, false, false, false]);
    assert_eq!(changed(&|| invalidate_tag(5_u8)), [false, false, true, false, false]);
    assert_eq!(changed(&|| invalidate_tag((1, "b"))), [false, false, false, false, true]);
}

#[test]
fn a_cache_that_nobody_calls_gives_up_what_was_invalidated() {
    #[memoize(tags = ["swept"])]
    fn value(n: u32) -> Arc<u32> {
        Arc::new(n)
    }
    let held: Vec<_> = (0..100).map(|n| Arc::downgrade(&value(n))).collect();
    assert!(held.iter().all(|held| held.strong_count() > 0));
    invalidate_tag("swept");
    wait_until("all are freed", || held.iter().all(|held| held.strong_count() == 0));
    assert_eq!(value_memo().stats().entries, 0);
}

#[test]
fn an_entry_that_a_tag_ended_left_because_of_the_tag() {
    static HEARD: Mutex<Vec<memokit::Departure>> = Mutex::new(Vec::new());
    #[memoize(ttl = "1h", tags = [("left", n % 2)], on_evict = |_, _, why| HEARD.lock().unwrap().push(why))]
    fn left(n: u32) -> u32 {
        n
    }
    (1..4).for_each(|n| _ = left(n));
    invalidate_tag(("left", 1));
    assert_eq!((left(1), left_memo().invalidate(&left_key(3))), (1, false));
    assert_eq!(*HEARD.lock().unwrap(), [memokit::Departure::Invalidated; 2]);
    memokit::refresh(|| left(2));
    assert_eq!(HEARD.lock().unwrap().pop(), Some(memokit::Departure::Replaced));
    assert_eq!(left_memo().stats().expired, 0);
}
