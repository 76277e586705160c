//! `scope = "instance"`: each object has its own cache, in a field, which is freed with it.

use std::collections::HashSet;
use std::fmt::Debug;
use std::future::Future;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Barrier, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use memokit::{Cache, Source, memoize, outcome, report};
use serde::{Deserialize, Serialize};

/// Answers with its own name, and counts how often it is asked. It is not `Serialize`.
#[derive(Default)]
struct Upstream {
    name: String,
    asked: AtomicU32,
    cache: Cache,
}

impl Upstream {
    fn new(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    fn asked(&self) -> u32 {
        self.asked.load(Relaxed)
    }

    #[memoize(scope = "instance", max = 100)]
    fn page(&self, path: &str) -> String {
        self.asked.fetch_add(1, Relaxed);
        format!("{}{path}", self.name)
    }

    #[memoize(scope = "instance")]
    fn length(&self, path: &str) -> usize {
        self.asked.fetch_add(1, Relaxed);
        self.page(path).len()
    }

    #[memoize(scope = "instance", skip(log))]
    async fn later(&self, path: &str, log: &Mutex<Vec<String>>) -> Result<String, u32> {
        log.lock().unwrap().push(path.to_owned());
        std::future::ready(()).await;
        if path.is_empty() { Err(404) } else { Ok(format!("{}{path}", self.name)) }
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return output;
        }
        thread::yield_now();
    }
}

#[test]
fn objects_do_not_share_results() {
    let (one, two) = (Upstream::new("one"), Upstream::new("two"));
    for _ in 0..3 {
        assert_eq!((one.page("/a").as_str(), two.page("/a").as_str()), ("one/a", "two/a"));
        assert_eq!(one.length("/a"), 5);
    }
    assert_eq!((one.asked(), two.asked()), (2, 1));
}

#[test]
fn companions_refer_to_the_object() {
    let (one, two) = (Upstream::new("one"), Upstream::new("two"));
    let key = one.page_key("/a");
    assert_eq!(one.page_memo().get(&key), None, "a companion may come first");
    assert_eq!((one.page("/a"), two.page("/a")), ("one/a".to_owned(), "two/a".to_owned()));
    assert_eq!(one.page_memo().get(&key).as_deref(), Some("one/a"));
    assert_eq!(two.page_memo().get(&key).as_deref(), Some("two/a"));
    assert_eq!(key.get::<String>("path").as_deref(), Ok("/a"));
    assert!(one.page_memo().invalidate(&key) && one.page_memo().is_empty());
    assert_eq!((two.page_memo().len(), two.page_memo().max()), (1, Some(100)));
    two.page_memo().set_max(0);
    assert!(two.page_memo().is_empty() && one.page_memo().max() == Some(100));
    one.page("/a");
    one.length("/a");
    one.cache.clear();
    assert!(one.page_memo().is_empty() && one.length_memo().is_empty());
    assert!(two.page_memo().flush().is_err() && two.page_memo().health().is_ok());
    assert_eq!(one.page_uncached("/b"), "one/b");
}

#[test]
fn handles_keep_the_cache_and_not_the_object() {
    let one = Upstream::new("one");
    one.page("/a");
    let (memo, key) = (one.page_memo(), one.page_key("/a"));
    drop(one);
    assert_eq!(memo.clone().get(&key).as_deref(), Some("one/a"));
}

struct Counted {
    cache: Cache,
}

impl Counted {
    #[memoize(scope = "instance", max = 2, name = "objects::counted")]
    fn double(&self, n: u32) -> u32 {
        2 * n
    }
}

#[test]
fn statistics_are_those_of_the_function_and_outlive_the_objects() {
    let rows = || {
        let report = report();
        let rows = report.caches().iter().filter(|stats| stats.name == "objects::counted");
        rows.cloned().collect::<Vec<_>>()
    };
    let (one, two) = (Counted { cache: Cache::new() }, Counted { cache: Cache::new() });
    for n in 0..3 {
        one.double(n);
    }
    two.double(1);
    two.double(1);
    let stats = one.double_memo().stats();
    assert_eq!((stats.hits, stats.misses, stats.entries, stats.evicted), (1, 4, 3, 1));
    assert!(stats.is_bounded);
    assert_eq!(rows().len(), 1);
    assert_eq!(rows()[0].entries, 3);
    drop(one);
    let stats = two.double_memo().stats();
    assert_eq!((stats.hits, stats.misses, stats.entries, stats.evicted), (1, 4, 1, 1));
    drop(two);
    let stats = &rows()[0];
    assert_eq!((stats.hits, stats.misses, stats.entries, stats.evicted), (1, 4, 0, 1));
    #[cfg(feature = "report")]
    assert!(report().to_html().contains("objects"));
}

/// Sends when it is dropped.
struct Dropped(Sender<u32>, u32);

impl Drop for Dropped {
    fn drop(&mut self) {
        let _ = self.0.send(self.1);
    }
}

struct Holder {
    sender: Mutex<Sender<u32>>,
    cache: Cache,
}

impl Holder {
    fn new() -> (Self, Receiver<u32>) {
        let (sender, receiver) = channel();
        (Self { sender: Mutex::new(sender), cache: Cache::new() }, receiver)
    }

    fn value(&self, n: u32) -> Arc<Dropped> {
        Arc::new(Dropped(self.sender.lock().unwrap().clone(), n))
    }

    #[memoize(scope = "instance", ttl = "1h")]
    fn held(&self, n: u32) -> Arc<Dropped> {
        self.value(n)
    }

    #[memoize(scope = "instance")]
    async fn awaited(&self, n: u32) -> Arc<Dropped> {
        std::future::ready(()).await;
        self.value(n)
    }
}

#[test]
fn results_are_freed_with_the_object() {
    let (holder, dropped) = Holder::new();
    for n in 0..100 {
        holder.held(n);
        holder.held(n);
    }
    block_on(holder.awaited(100));
    assert!(dropped.try_recv().is_err());
    drop(holder);
    // Every sender is gone, so this ends. What the background thread looks at meanwhile it drops at once.
    let all: HashSet<u32> = dropped.iter().collect();
    assert_eq!(all.len(), 101);
}

#[test]
fn a_clone_is_empty_and_the_cache_is_no_part_of_the_value() {
    #[derive(
        Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
    )]
    struct Document {
        text: String,
        #[serde(skip)]
        cache: Cache,
    }
    impl Document {
        #[memoize(scope = "instance")]
        fn words(&self, letter: char) -> usize {
            self.text.split(' ').filter(|word| word.starts_with(letter)).count()
        }
    }
    fn hash(value: &impl Hash) -> u64 {
        let mut hasher = DefaultHasher::new();
        value.hash(&mut hasher);
        hasher.finish()
    }
    fn is_usual<T: Debug + Send + Sync + std::panic::UnwindSafe + std::panic::RefUnwindSafe>(
        _: &T,
    ) {
    }
    let document = Document { text: "a b a".to_owned(), cache: Cache::default() };
    assert_eq!(document.words('a'), 2);
    let mut clone = document.clone();
    assert!(clone == document && hash(&clone) == hash(&document) && clone <= document);
    assert!(clone.words_memo().is_empty());
    clone.text.push_str(" a");
    assert_eq!((clone.words('a'), document.words('a')), (3, 2));
    assert_eq!(document.words_memo().stats().misses, 2);
    let json = serde_json::to_string(&document).unwrap();
    assert_eq!(json, r#"{"text":"a b a"}"#);
    let read: Document = serde_json::from_str(&json).unwrap();
    assert_eq!(read.words('a'), 2);
    is_usual(&read);
    assert_eq!(format!("{:?}", read.cache), "Cache { methods: 1 }");
}

/// A place for the cache that is no field of the object itself, and one that clones share.
#[derive(Clone)]
struct Session<T> {
    state: Arc<State>,
    _user: T,
}

#[derive(Default)]
struct State {
    shared: Arc<Cache>,
    runs: AtomicU32,
}

impl<T: Clone + Send + Sync + 'static> Session<T> {
    #[memoize(scope = "instance", cache = self.state.shared, skip(times))]
    fn repeat<U: Serialize + Clone + Into<u64>>(&self, n: U, times: usize) -> Vec<u64> {
        self.state.runs.fetch_add(1, Relaxed);
        vec![n.into(); times]
    }

    #[memoize(scope = "instance", cache = self.state.shared, key = text.len(), verify = 1.0)]
    fn size(self: &Arc<Self>, text: &str) -> usize {
        self.state.runs.fetch_add(1, Relaxed);
        text.len() + size_of::<T>()
    }
}

#[test]
fn generic_methods_have_a_part_for_each_instance() {
    let state = Arc::<State>::default();
    let (bytes, words) = (
        Arc::new(Session { state: Arc::clone(&state), _user: 0_u8 }),
        Arc::new(Session { state: Arc::clone(&state), _user: 0_u32 }),
    );
    assert_eq!((bytes.size("ab"), words.size("ab")), (3, 6), "one cache, two instances");
    assert_eq!((bytes.repeat(7_u8, 2), bytes.repeat(7_u16, 1)), (vec![7, 7], vec![7]));
    assert_eq!(bytes.repeat_memo::<u8>().len(), 1);
    let runs = state.runs.load(Relaxed);
    let clone = bytes.as_ref().clone();
    assert_eq!(clone.repeat(7_u8, 5), [7, 7], "the clone shares the cache");
    assert_eq!(state.runs.load(Relaxed), runs);
    assert_eq!((bytes.size_memo().stats().mismatches, bytes.size("cd")), (0, 3));
    assert_eq!(state.runs.load(Relaxed), runs + 1, "a hit was verified");
}

#[test]
fn many_methods_share_one_cache() {
    struct Many(Cache);
    macro_rules! methods {
        ($($name:ident)*) => {
            impl Many {
                $(
                    #[memoize(scope = "instance", cache = self.0)]
                    fn $name(&self, n: u32) -> String {
                        format!(concat!(stringify!($name), "{}"), n)
                    }
                )*
            }
            const METHODS: &[(&str, fn(&Many, u32) -> String)] =
                &[$((stringify!($name), Many::$name)),*];
        };
    }
    methods!(a b c d e f g h i j k l m n o p q r s t u v w x y z);
    let many = Many(Cache::new());
    for _ in 0..3 {
        for (name, method) in METHODS {
            assert_eq!(method(&many, 1), format!("{name}1"));
        }
    }
    assert_eq!(format!("{:?}", many.0), "Cache { methods: 26 }");
    assert_eq!((many.z_memo().stats().hits, many.a_memo().stats().misses), (2, 1));
}

#[test]
fn threads_that_call_first_at_once_have_one_cache() {
    for _ in 0..50 {
        let (upstream, barrier) = (Upstream::new("x"), Barrier::new(4));
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    barrier.wait();
                    assert_eq!((upstream.page("/a"), upstream.length("/b")), ("x/a".to_owned(), 3));
                });
            }
        });
        assert_eq!(upstream.asked(), 3, "one computation for each key");
    }
}

#[test]
fn sources_and_bypass() {
    let upstream = Upstream::new("x");
    assert_eq!(outcome(|| upstream.page("/a")).source(), Some(Source::Computed));
    assert_eq!(outcome(|| upstream.page("/a")).source(), Some(Source::Hit));
    assert_eq!(memokit::bypass(|| upstream.page("/a")), "x/a");
    assert_eq!(upstream.asked(), 2);
    let other = Upstream::new("y");
    memokit::bypass(|| other.page("/a"));
    assert!(other.page_memo().is_empty());
}

#[test]
fn tasks_of_one_object_share_results() {
    let (upstream, log) = (Upstream::new("x"), Mutex::new(Vec::new()));
    for _ in 0..2 {
        assert_eq!(block_on(upstream.later("/a", &log)).as_deref(), Ok("x/a"));
        assert_eq!(block_on(upstream.later("", &log)), Err(404));
    }
    assert_eq!(*log.lock().unwrap(), ["/a", "", ""], "errors are not cached");
    assert_eq!(upstream.later_memo().get_ok(&upstream.later_key("/a")).as_deref(), Some("x/a"));
}

struct Owned {
    _dropped: Dropped,
    gate: Mutex<Receiver<()>>,
    cache: Cache,
}

impl Owned {
    #[memoize(scope = "instance", ttl = "1ms", stale = "1h", spawn = thread::spawn)]
    fn slow(self: Arc<Self>, n: u32) -> u32 {
        self.gate.lock().unwrap().recv().map_or(0, |()| n)
    }

    #[memoize(scope = "instance")]
    async fn stuck(self: Arc<Self>, n: u32) -> u32 {
        std::future::pending::<()>().await;
        n
    }
}

fn owned() -> (Arc<Owned>, Sender<()>, Receiver<u32>) {
    let ((open, gate), (sender, dropped)) = (channel(), channel());
    let object =
        Owned { _dropped: Dropped(sender, 0), gate: Mutex::new(gate), cache: Cache::new() };
    (Arc::new(object), open, dropped)
}

#[test]
fn a_refresh_may_outlive_the_callers_hold_of_the_object() {
    let (object, open, dropped) = owned();
    open.send(()).unwrap();
    assert_eq!(Arc::clone(&object).slow(1), 1);
    let memo = object.slow_memo();
    let is_stale = || memo.entry(&object.slow_key(1)).unwrap().is_stale();
    while !is_stale() {
        thread::yield_now();
    }
    assert_eq!(Arc::clone(&object).slow(1), 1, "the older value, while a thread computes");
    drop((memo, object));
    assert!(dropped.try_recv().is_err(), "the refresh has the object");
    open.send(()).unwrap();
    dropped.recv().unwrap();
}

#[test]
fn a_call_may_be_dropped_after_the_object() {
    let (object, _open, dropped) = owned();
    let mut call = Box::pin(Arc::clone(&object).stuck(1));
    let mut waiter = Box::pin(Arc::clone(&object).stuck(1));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(call.as_mut().poll(&mut cx).is_pending() && waiter.as_mut().poll(&mut cx).is_pending());
    assert_eq!(object.stuck_memo().computing(), 1);
    drop(object);
    drop(call);
    drop(waiter);
    dropped.recv().unwrap();
    assert!(dropped.recv().is_err());
}

#[test]
fn an_invalidation_within_a_computation() {
    struct Doubtful(Cache, AtomicU32);
    impl Doubtful {
        #[memoize(scope = "instance", cache = self.0)]
        fn changing(&self, n: u32) -> u32 {
            self.changing_memo().invalidate(&self.changing_key(n));
            self.0.clear();
            self.1.fetch_add(1, Relaxed)
        }
    }
    let doubtful = Doubtful(Cache::new(), AtomicU32::new(0));
    assert_eq!((doubtful.changing(1), doubtful.changing(1)), (0, 1), "neither is kept");
    assert_eq!(doubtful.changing_memo().computing(), 0);
}

#[test]
fn expired_entries_are_removed_for_all_objects() {
    struct Short(Cache);
    impl Short {
        #[memoize(scope = "instance", cache = self.0, ttl = "1ms")]
        fn brief(&self, n: u32) -> Arc<u32> {
            Arc::new(n)
        }
        #[memoize(scope = "instance", cache = self.0, idle = "1ms", max_bytes = "1MiB")]
        fn unused(&self, n: u32) -> u32 {
            n
        }
    }
    let objects = [Short(Cache::new()), Short(Cache::new())];
    let weak: Vec<_> = objects.iter().map(|object| Arc::downgrade(&object.brief(1))).collect();
    objects.iter().for_each(|object| _ = object.unused(1));
    while weak.iter().any(|value| value.strong_count() > 0) || !objects[1].unused_memo().is_empty()
    {
        thread::sleep(Duration::from_millis(5));
    }
    let memo = objects[0].brief_memo();
    assert_eq!(memo.stats().expired, 2);
    assert_eq!(memo.sweep(), 0);
}

/// A trait has no place for companions.
trait Area {
    fn area(&self, scale: u32) -> u32;
}

struct Square(u32, Box<Cache>);

impl Area for Square {
    #[memoize(scope = "instance", cache = self.1, companion = none)]
    fn area(&self, scale: u32) -> u32 {
        self.0 * self.0 * scale
    }
}

#[test]
fn methods_of_traits() {
    let (two, three) = (Square(2, Box::default()), Square(3, Box::default()));
    assert_eq!((two.area(1), three.area(1), two.area(1)), (4, 9, 4));
}
