//! `on_evict` and `Memo::on_evict`: a listener hears of each entry that leaves memory.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;

use memokit::{Departure, Key, memoize};

use crate::support::{folder, processes, restarts, wait_until, with_timeout};

/// What a listener has heard.
struct Heard(Mutex<Vec<(u32, u32, Departure)>>);

impl Heard {
    const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    fn note(&self, key: &Key, value: u32, why: Departure) {
        let n = key.get("n").expect("the argument has this name");
        self.0.lock().unwrap().push((n, value, why));
    }

    fn take(&self) -> Vec<(u32, u32, Departure)> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

#[test]
fn each_departure_is_told_with_its_cause() {
    static HEARD: Heard = Heard::new();
    fn note(key: &Key, value: &u32, why: Departure) {
        HEARD.note(key, *value, why);
    }
    #[memoize(max = 2, on_evict = note)]
    fn double(n: u32) -> u32 {
        2 * n
    }
    let memo = double_memo();
    (1..4).for_each(|n| _ = double(n));
    assert_eq!(HEARD.take(), [(1, 2, Departure::Size)]);
    assert!(memo.invalidate(&double_key(2)) && !memo.invalidate(&double_key(2)));
    assert_eq!(HEARD.take(), [(2, 4, Departure::Invalidated)]);
    assert!(memo.insert(&double_key(3), 7));
    assert_eq!(HEARD.take(), [(3, 6, Departure::Replaced)]);
    double(4);
    memo.retain(|_, value| *value != 7);
    assert_eq!(HEARD.take(), [(3, 7, Departure::Invalidated)]);
    memo.clear();
    assert_eq!(HEARD.take(), [(4, 8, Departure::Cleared)]);
    (1..3).for_each(|n| _ = double(n));
    memo.set_max(1);
    assert_eq!(HEARD.take(), [(1, 2, Departure::Size)]);
    assert_eq!(memo.stats().listener_panics, 0);
}

#[test]
fn weights_and_times_are_causes_too() {
    static HEARD: Heard = Heard::new();
    #[memoize(max_bytes = 20, weigh = |n| *n as usize, on_evict = |key, value, why| HEARD.note(key, *value, why))]
    fn light(n: u32) -> u32 {
        n
    }
    #[memoize(ttl = "1ms", on_evict = |key, value, why| HEARD.note(key, *value, why))]
    fn brief(n: u32) -> u32 {
        n
    }
    #[memoize(idle = "1ms", ttl = "1h", on_evict = |key, value, why| HEARD.note(key, *value, why))]
    fn unused(n: u32) -> u32 {
        n
    }
    light(9);
    light(12);
    assert_eq!(HEARD.take(), [(9, 9, Departure::Weight)]);
    // The newer value does not fit, and the older one does not stay.
    assert!(!light_memo().insert(&light_key(12), 30));
    assert_eq!(HEARD.take(), [(12, 12, Departure::Weight)]);
    brief(3);
    wait_until("it has expired", || !HEARD.0.lock().unwrap().is_empty());
    assert_eq!(HEARD.take(), [(3, 3, Departure::Expired)]);
    unused(4);
    wait_until("it is idle", || !HEARD.0.lock().unwrap().is_empty());
    assert_eq!(HEARD.take(), [(4, 4, Departure::Idle)]);
}

#[test]
fn the_argument_gets_the_cached_part_and_the_handle_the_result() {
    static PARTS: Mutex<Vec<String>> = Mutex::new(Vec::new());
    fn part(_: &Key, value: &str, _: Departure) {
        PARTS.lock().unwrap().push(value.to_owned());
    }
    fn whole(_: &Key, value: &Result<String, u8>, _: Departure) {
        PARTS.lock().unwrap().push(format!("{value:?}"));
    }
    #[memoize(max = 1, on_evict = |key, value, why| part(key, value, why))]
    fn some(n: u8) -> Result<String, u8> {
        if n == 0 { Err(n) } else { Ok(n.to_string()) }
    }
    #[memoize(max = 1, cache_err, on_evict = whole)]
    fn all(n: u8) -> Result<String, u8> {
        if n == 0 { Err(n) } else { Ok(n.to_string()) }
    }
    for n in [1, 0, 2] {
        let _ = (some(n), all(n));
    }
    assert_eq!(*PARTS.lock().unwrap(), ["Ok(\"1\")", "1", "Err(0)"]);
    let (sender, told) = std::sync::mpsc::channel();
    let results = sender.clone();
    some_memo().on_evict(move |_, result, _| results.send(result.clone().unwrap()).unwrap());
    all_memo().on_evict_ok(move |_, value, _| sender.send(value.clone()).unwrap());
    let _ = (some(3), all(0), all(3));
    assert_eq!(told.try_iter().collect::<Vec<_>>(), ["2", "2"], "the error is not told");
    assert_eq!(PARTS.lock().unwrap().len(), 3, "the listener of the argument is replaced");
}

#[test]
fn generic_functions_have_generic_listeners() {
    static SUM: AtomicU64 = AtomicU64::new(0);
    fn add<T: Into<u64> + Copy>(_: &Key, value: &[T; 1], _: Departure) {
        SUM.fetch_add(value[0].into(), SeqCst);
    }
    #[memoize(max = 1, on_evict = add::<T>)]
    fn one<T>(value: T) -> [T; 1]
    where
        T: Into<u64> + Copy + Send + Sync + serde::Serialize + 'static,
    {
        [value]
    }
    let _ = (one(1_u8), one(2_u8), one(10_u32), one(20_u32));
    assert_eq!(SUM.load(SeqCst), 11);
}

#[test]
fn a_listener_may_use_the_cache_and_is_not_called_within_itself() {
    static DEPTH: AtomicU32 = AtomicU32::new(0);
    static CALLS: AtomicU32 = AtomicU32::new(0);
    fn reenter(key: &Key, value: &u32, _: Departure) {
        assert_eq!(DEPTH.fetch_add(1, SeqCst), 0, "one at a time");
        if CALLS.fetch_add(1, SeqCst) < 3 {
            assert_eq!(square(*value + 100), (*value + 100) * (*value + 100));
            square_memo().invalidate(key);
            square_memo().clear();
            square_memo().set_max(1);
        }
        DEPTH.fetch_sub(1, SeqCst);
    }
    #[memoize(max = 1, on_evict = reenter)]
    fn square(n: u32) -> u32 {
        n * n
    }
    with_timeout(|| (1..20).for_each(|n| _ = square(n)));
    assert!(CALLS.load(SeqCst) > 20);
    assert_eq!(square_memo().stats().listener_panics, 0);
}

/// moka's users ask for this. Each insertion makes another entry leave, without an end.
#[test]
fn a_listener_that_puts_back_what_left_keeps_no_call() {
    static STOP: AtomicBool = AtomicBool::new(false);
    static CALLS: AtomicU32 = AtomicU32::new(0);
    fn put_back(key: &Key, value: &u32, _: Departure) {
        CALLS.fetch_add(1, SeqCst);
        if !STOP.load(SeqCst) {
            again_memo().insert(key, *value);
        }
    }
    #[memoize(max = 1, on_evict = put_back)]
    fn again(n: u32) -> u32 {
        n
    }
    with_timeout(|| (again(1), again(2)));
    let calls = CALLS.load(SeqCst);
    assert!(calls >= 1000);
    wait_until("the background thread goes on", || CALLS.load(SeqCst) > calls + 3000);
    STOP.store(true, SeqCst);
}

#[test]
fn a_panic_reaches_no_caller_and_is_counted() {
    static TOLD: Mutex<Vec<u32>> = Mutex::new(Vec::new());
    #[memoize(max = 1, on_evict = |_, value, _| {
        TOLD.lock().unwrap().push(*value);
        // Not while the lock is held, which would poison it.
        assert!(*value == 2, "on purpose");
    })]
    fn plain(n: u32) -> u32 {
        n
    }
    let before = plain_memo().stats();
    assert_eq!((1..5).map(plain).sum::<u32>(), 10);
    let stats = plain_memo().stats_since(&before);
    assert_eq!((stats.listener_panics, stats.panics, stats.evicted), (2, 0, 3));
    assert_eq!(*TOLD.lock().unwrap(), [1, 2, 3]);
}

#[test]
fn a_value_lives_until_its_listener_returns() {
    static LIVING: AtomicU32 = AtomicU32::new(0);
    static TOLD: AtomicU32 = AtomicU32::new(0);
    struct Counted;
    impl Drop for Counted {
        fn drop(&mut self) {
            LIVING.fetch_sub(1, SeqCst);
        }
    }
    fn lives(_: &Key, value: &Arc<Counted>, _: Departure) {
        assert!(Arc::strong_count(value) > 0 && LIVING.load(SeqCst) > 0);
        TOLD.fetch_add(1, SeqCst);
    }
    #[memoize(max = 1, on_evict = lives)]
    fn counted(_n: u32) -> Arc<Counted> {
        LIVING.fetch_add(1, SeqCst);
        Arc::new(Counted)
    }
    (0..10).for_each(|n| drop(counted(n)));
    counted_memo().clear();
    assert_eq!((TOLD.load(SeqCst), counted_memo().stats().listener_panics), (10, 0));
    wait_until("all are dropped", || {
        counted_memo().clear();
        LIVING.load(SeqCst) == 0
    });
}

#[test]
fn a_key_is_told_in_the_order_of_its_values_to_one_listener_at_a_time() {
    static TURN: AtomicU64 = AtomicU64::new(0);
    static TELLING: AtomicBool = AtomicBool::new(false);
    static LAST: Mutex<Option<HashMap<u32, u64>>> = Mutex::new(None);
    static TOLD: AtomicU64 = AtomicU64::new(0);
    fn in_order(key: &Key, value: &u64, _: Departure) {
        assert!(!TELLING.swap(true, SeqCst), "one at a time");
        let mut last = LAST.lock().unwrap();
        let last = last.get_or_insert_default().insert(key.get("n").unwrap(), *value);
        let is_later = last.is_none_or(|last| last < *value);
        TOLD.fetch_add(1, SeqCst);
        TELLING.store(false, SeqCst);
        assert!(is_later, "{last:?} before {value}");
    }
    // The values of a key grow: a value whose key was invalidated during its computation is not kept.
    #[memoize(max = 16, on_evict = in_order)]
    fn turn(n: u32) -> u64 {
        u64::from(n > 0) + TURN.fetch_add(2, SeqCst)
    }
    let barrier = Barrier::new(4);
    thread::scope(|scope| {
        for thread in 0..4_u32 {
            let barrier = &barrier;
            scope.spawn(move || {
                barrier.wait();
                for round in 0..2000_u32 {
                    let n = (round * 7 + thread * 13) % 24;
                    turn(n);
                    match round % 50 {
                        49 if thread == 0 => turn_memo().clear(),
                        _ if n % 3 == thread % 3 => _ = turn_memo().invalidate(&turn_key(n)),
                        _ => {}
                    }
                }
            });
        }
    });
    turn_memo().clear();
    let stats = turn_memo().stats();
    assert_eq!(stats.listener_panics, 0);
    assert_eq!(TOLD.load(SeqCst), stats.misses - stats.uncached, "each that was kept is told once");
}

#[test]
fn the_cache_of_a_thread_tells_in_that_thread() {
    thread_local! {
        static TOLD: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    }
    fn note(key: &Key, value: &Rc<str>, why: Departure) {
        TOLD.with_borrow_mut(|told| told.push(format!("{:?} {value} {why}", key.get::<u8>("n"))));
    }
    #[memoize(max = 1, scope = "thread", on_evict = note)]
    fn text(n: u8) -> Rc<str> {
        n.to_string().into()
    }
    let _ = (text(1), text(2));
    TOLD.with_borrow(|told| assert_eq!(**told, ["Ok(1) 1 evicted because of `max`"]));
    thread::spawn(|| {
        let _ = (text(1), text(2), text(3));
        TOLD.with_borrow(|told| assert_eq!(told.len(), 2));
    })
    .join()
    .unwrap();
    TOLD.with_borrow(|told| assert_eq!(told.len(), 1));
    text_memo().on_evict(|_, _, _| ());
    text(5);
    TOLD.with_borrow(|told| assert_eq!(told.len(), 1));
}

/// Who asks may hold a lock that the listener takes, as a publisher of metrics does.
#[test]
fn statistics_tell_nothing_in_the_thread_that_asks() {
    static LOCK: Mutex<()> = Mutex::new(());
    static TOLD: AtomicU32 = AtomicU32::new(0);
    fn locking(_: &Key, _: &u32, _: Departure) {
        drop(LOCK.lock().unwrap());
        TOLD.fetch_add(1, SeqCst);
    }
    #[memoize(ttl = "1ms", on_evict = locking)]
    fn brief(n: u32) -> u32 {
        n
    }
    with_timeout(|| {
        brief(1);
        let locked = LOCK.lock().unwrap();
        wait_until("it has expired", || brief_memo().stats().entries == 0);
        drop(locked);
        wait_until("it is told", || TOLD.load(SeqCst) == 1);
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_are_told_in_the_poll_that_made_room() {
    static HEARD: Heard = Heard::new();
    #[memoize(max = 1, on_evict = |key, value, why| HEARD.note(key, *value, why))]
    async fn later(n: u32) -> u32 {
        tokio::task::yield_now().await;
        n
    }
    let tasks: Vec<_> = (0..20).map(|n| tokio::spawn(later(n))).collect();
    for task in tasks {
        task.await.unwrap();
    }
    wait_until("all are told", || HEARD.0.lock().unwrap().len() == 19);
    assert!(HEARD.take().iter().all(|(n, value, why)| n == value && *why == Departure::Size));
}

#[test]
fn what_left_memory_is_still_on_disk() {
    static HEARD: Heard = Heard::new();
    fn note(key: &Key, value: &u32, why: Departure) {
        HEARD.note(key, *value, why);
    }
    #[memoize(max = 1, max_disk = "1MiB", persist = folder(), on_evict = note)]
    fn stored(n: u32) -> u32 {
        n
    }
    restarts!(
        || {
            let _ = (stored(1), stored(2));
            assert_eq!(HEARD.take(), [(1, 1, Departure::Size)]);
            stored(1);
            assert_eq!((stored_memo().stats().disk_hits, HEARD.take().len()), (1, 1));
        },
        || {
            let _ = (stored(1), stored(2));
            assert_eq!((stored_memo().stats().disk_hits, HEARD.take().len()), (2, 1));
        }
    );
}

#[test]
fn removals_by_another_process_are_told() {
    static HEARD: Heard = Heard::new();
    #[memoize(persist = folder(), on_evict = |key, value, why| HEARD.note(key, *value, why))]
    fn stored(n: u32) -> u32 {
        n
    }
    fn listens() {
        (1..4).for_each(|n| _ = stored(n));
        let this = std::env::current_exe().unwrap();
        let test = "listener::removals_by_another_process_are_told";
        let mut other = std::process::Command::new(this);
        other.args([test, "--exact", "--nocapture", "--test-threads=1"]);
        crate::support::run_test(other.env("MEMOKIT_IT_STEP", "1"));
        // A hit sees that something was removed.
        stored(3);
        let mut heard = HEARD.take();
        heard.sort_by_key(|(n, ..)| *n);
        assert_eq!(heard[0], (1, 1, Departure::Invalidated));
    }
    fn removes() {
        assert!(stored(1) == 1 && stored_memo().stats().disk_hits == 1);
        stored_memo().invalidate(&stored_key(1));
    }
    processes!(listens, removes).run(0);
}

#[test]
fn all_that_leaves_an_object_is_told() {
    static TOLD: AtomicU32 = AtomicU32::new(0);
    struct Object {
        cache: memokit::Cache,
    }
    impl Object {
        #[memoize(scope = "instance", on_evict = |_, _, _| _ = TOLD.fetch_add(1, SeqCst))]
        fn double(&self, n: u32) -> u32 {
            2 * n
        }
    }
    for isolates in [false, true] {
        let _isolated = isolates.then(memokit::isolated);
        let object = Object { cache: memokit::Cache::new() };
        // One thread tells of a thousand at once.
        (0..4500).for_each(|n| _ = object.double(n));
        TOLD.store(0, SeqCst);
        object.cache.clear();
        wait_until("all are told", || TOLD.load(SeqCst) == 4500);
    }
}

#[test]
fn all_that_leaves_in_an_isolation_is_told() {
    static TOLD: AtomicU32 = AtomicU32::new(0);
    #[memoize(on_evict = |_, _, _| _ = TOLD.fetch_add(1, SeqCst))]
    fn double(n: u32) -> u32 {
        2 * n
    }
    let _isolated = memokit::isolated();
    (0..4500).for_each(|n| _ = double(n));
    double_memo().clear();
    wait_until("all are told", || TOLD.load(SeqCst) == 4500);
}

#[test]
fn panics_of_the_listeners_of_all_objects_are_counted() {
    struct Object {
        cache: memokit::Cache,
    }
    impl Object {
        #[memoize(
            scope = "instance",
            max = 1,
            on_evict = |_, _, _| std::panic::resume_unwind(Box::new("on purpose"))
        )]
        fn double(&self, n: u32) -> u32 {
            2 * n
        }
    }
    let [one, two] = [(); 2].map(|()| Object { cache: memokit::Cache::new() });
    (0..3).for_each(|n| _ = one.double(n));
    (0..2).for_each(|n| _ = two.double(n));
    assert_eq!(two.double_memo().stats().listener_panics, 3);
    drop(one);
    assert_eq!(two.double_memo().stats().listener_panics, 3);
}
