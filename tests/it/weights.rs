//! `max_bytes` and `weigh`: a bound on the total weight of the entries.

use std::panic::catch_unwind;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::thread;

use memokit::{Weigh, memoize};

use crate::tasks::block_on;

/// The weight of a key of one `u32`.
const KEY: u64 = 5;

#[test]
fn the_total_weight_never_exceeds_the_bound() {
    #[memoize(max_bytes = 1000, weigh = |text: &String| text.len())]
    fn text(length: usize) -> String {
        "x".repeat(length)
    }
    let memo = text_memo();
    assert_eq!(memo.max_bytes(), Some(1000));
    [400, 300, 400, 200].into_iter().for_each(|length| drop(text(length)));
    assert_eq!((memo.len(), memo.stats().bytes), (3, 900));
    // The least recently used entry is evicted.
    text(350);
    assert!(memo.get(&text_key(300)).is_none() && memo.len() == 3);
    assert_eq!(memo.stats().bytes, 950);
    // A value heavier than the bound is not cached and evicts nothing.
    assert_eq!((text(1001).len(), text(1001).len()), (1001, 1001));
    let stats = memo.stats();
    assert_eq!((stats.bytes, stats.evicted, stats.uncached, stats.hits), (950, 1, 2, 1));
    text(1000);
    assert_eq!((memo.len(), memo.stats().bytes), (1, 1000));
    assert!(memo.set_max_bytes(999));
    assert_eq!((memo.len(), memo.stats().bytes, memo.max_bytes()), (0, 0, Some(999)));
}

#[test]
fn a_function_without_max_bytes_has_no_such_bound() {
    #[memoize(max = 10)]
    fn plain(n: u32) -> u32 {
        n
    }
    plain(1);
    assert_eq!((plain_memo().max_bytes(), plain_memo().set_max_bytes(1)), (None, false));
    assert_eq!(plain_memo().len(), 1);
}

#[test]
fn the_bound_may_be_an_expression() {
    fn configured() -> u64 {
        3 << 10
    }
    #[memoize(max_bytes = configured())]
    fn called(n: u32) -> u32 {
        n
    }
    #[memoize(max_bytes = 64 << 20)]
    fn shifted(n: u32) -> u32 {
        n
    }
    #[memoize(max_bytes = "2 KiB")]
    fn text(n: u32) -> u32 {
        n
    }
    #[memoize(max_bytes = configured() - 3072)]
    fn none(n: u32) -> u32 {
        n
    }
    assert_eq!((called(1), shifted(1), text(1), none(1)), (1, 1, 1, 1));
    assert_eq!(called_memo().max_bytes(), Some(3072));
    assert_eq!(shifted_memo().max_bytes(), Some(64 << 20));
    assert_eq!(text_memo().max_bytes(), Some(2048));
    assert_eq!((none_memo().max_bytes(), none_memo().len()), (Some(0), 0));
}

#[test]
fn max_and_max_bytes_both_apply() {
    #[memoize(max = 3, max_bytes = 100, weigh = |n| *n as usize)]
    fn held(n: u32) -> u32 {
        n
    }
    (1..=4).for_each(|n| _ = held(n));
    assert_eq!((held_memo().len(), held_memo().stats().bytes), (3, 9));
    held(95);
    assert_eq!((held_memo().len(), held_memo().stats().bytes), (2, 99));
    held_memo().set_max(1);
    assert_eq!((held_memo().len(), held_memo().stats().bytes), (1, 95));
}

#[derive(Clone, Weigh)]
struct Row {
    name: String,
    tags: Vec<String>,
}

fn row(length: usize) -> Row {
    Row { name: "n".repeat(length), tags: vec!["tag".to_owned()] }
}

#[derive(Clone)]
struct Unreported {
    text: String,
}

#[derive(Clone, Copy, Weigh)]
struct Point {
    x: f32,
    y: f32,
}

#[test]
fn without_weigh_an_entry_weighs_its_key_its_value_and_its_heap() {
    macro_rules! weighs {
        ($type:ty: $value:expr => $owned:expr) => {{
            #[memoize(max_bytes = "1MiB")]
            fn held(n: u32) -> $type {
                let _ = n;
                $value
            }
            let value = held(1);
            let owned: fn(&$type) -> usize = $owned;
            let expected = KEY + (size_of_val(&value) + owned(&value)) as u64;
            assert_eq!(held_memo().stats().bytes, expected, stringify!($type));
            value
        }};
    }
    weighs!(u64: 5 => |_| 0);
    weighs!((): () => |()| 0);
    weighs!(String: "x".repeat(300) => |_| 300);
    weighs!(Arc<str>: "four".into() => |_| 24);
    weighs!(Option<Vec<u16>>: Some(vec![1, 2, 3]) => |_| 6);
    weighs!(Vec<String>: vec!["ab".to_owned()] => |_| 24 + 2);
    weighs!(Row: row(100) => |_| 100 + 24 + 3);
    weighs!(Vec<Row>: vec![row(10), row(10)] => |_| 2 * (48 + 10 + 24 + 3));
    weighs!((Row, [String; 1]): (row(10), ["a".to_owned()]) => |_| 37 + 1);
    let point = weighs!(Point: Point { x: 1.0, y: 2.0 } => |_| 0);
    assert!(point.x < point.y);
}

#[test]
fn a_shallow_weight_is_that_of_the_key_and_the_value() {
    #[memoize(max_bytes = "1MiB", weigh = shallow)]
    fn unreported(length: u32) -> Unreported {
        Unreported { text: "x".repeat(length as usize) }
    }
    assert_eq!(unreported(100).text.len(), 100);
    assert_eq!(unreported_memo().stats().bytes, KEY + size_of::<Unreported>() as u64);
}

/// Names that a derived implementation must not mistake for its own.
mod derived {
    use std::borrow::Cow;
    use std::collections::{BTreeMap, HashMap};
    use std::marker::PhantomData;
    use std::rc::Rc;

    #[allow(dead_code, reason = "only to be in the way")]
    pub(super) trait Weigh {}
    #[allow(non_camel_case_types, dead_code, reason = "only to be in the way")]
    pub(super) struct usize;

    #[derive(Clone, memokit::Weigh)]
    pub(super) struct Unit;

    #[derive(Clone, memokit::Weigh)]
    #[weigh(crate = memokit)]
    pub(super) struct Tuple<'a, const N: u32>(
        pub(super) &'a str,
        pub(super) String,
        pub(super) [u8; 4],
    );

    #[derive(Clone, memokit::Weigh)]
    pub(super) enum Enum<T, I: Iterator> {
        None,
        One(T, PhantomData<Rc<super::Unreported>>),
        Named { r#type: Option<I::Item>, some: Cow<'static, str> },
    }

    #[derive(memokit::Weigh)]
    pub(super) enum Never {}

    #[derive(memokit::Weigh)]
    pub(super) struct List<T: ?Sized + 'static>
    where
        Self: Sized,
    {
        pub(super) next: Option<Box<Self>>,
        pub(super) item: Box<T>,
        #[weigh(shallow)]
        pub(super) _foreign: super::Unreported,
    }

    #[derive(memokit::Weigh)]
    pub(super) struct Maps<K, V> {
        pub(super) hashed: HashMap<K, Vec<V>>,
        pub(super) sorted: BTreeMap<K, V>,
        pub(super) _phantom: PhantomData<super::Unreported>,
    }
}

#[test]
fn a_derived_type_owns_what_its_fields_own() {
    use derived::{Enum, List, Maps, Never, Tuple, Unit};
    use std::marker::PhantomData;

    type Letters = Enum<String, std::vec::IntoIter<String>>;
    let text = || "four".to_owned();
    assert_eq!((Unit.heap_size(), None::<Never>.heap_size()), (0, 0));
    assert_eq!(Tuple::<1>("abc", text(), [0; 4]).heap_size(), 4);
    assert_eq!(Letters::None.heap_size(), 0);
    assert_eq!(Letters::One(text(), PhantomData).heap_size(), 4);
    let named = Letters::Named { r#type: Some(text()), some: text().into() };
    assert_eq!(named.heap_size(), 8);
    let foreign = || Unreported { text: text() };
    let last = List { next: None, item: Box::<str>::from("ab"), _foreign: foreign() };
    let list = List { next: Some(Box::new(last)), item: "c".into(), _foreign: foreign() };
    assert_eq!(list.heap_size(), 3 + size_of_val(&list));
    let mut maps = Maps { hashed: [].into(), sorted: [].into(), _phantom: PhantomData };
    assert_eq!(maps.heap_size(), 0);
    maps.hashed.insert(1_u8, vec![text()]);
    maps.sorted.insert(1, text());
    assert_eq!(maps.heap_size(), maps.hashed.heap_size() + maps.sorted.heap_size());
    assert!(maps.hashed.heap_size() > 28 && maps.sorted.heap_size() > 28);
}

#[test]
fn the_cached_part_of_a_result_is_weighed() {
    #[memoize(max_bytes = 100, weigh = String::len)]
    fn parsed(text: &str) -> Result<String, std::fmt::Error> {
        if text.is_empty() { Err(std::fmt::Error) } else { Ok(text.to_owned()) }
    }
    assert!(parsed("").is_err());
    assert!(parsed("abc").is_ok() && parsed("de").is_ok());
    assert_eq!(parsed_memo().stats().bytes, 5);
    #[memoize(max_bytes = 100, cache_err, weigh = |r| r.as_ref().map_or(7, |n| *n))]
    fn both(n: usize) -> Result<usize, String> {
        if n == 0 { Err("none".to_owned()) } else { Ok(n) }
    }
    assert!(both(0).is_err() && both(3).is_ok());
    assert_eq!(both_memo().stats().bytes, 10);
}

#[test]
fn a_generic_function_weighs_by_the_bounds_of_its_types() {
    #[memoize(max_bytes = "1MiB")]
    fn repeated<T: Clone + Send + Sync + Weigh + serde::Serialize + 'static>(item: T) -> Vec<T> {
        vec![item; 10]
    }
    repeated("x".repeat(100));
    let weight = repeated_memo::<String>().stats().bytes;
    assert!((10 * 124..10 * 124 + 200).contains(&weight), "{weight}");
    #[memoize(max_bytes = "1MiB", weigh = Vec::len)]
    fn counted<T: Clone + Send + Sync + serde::Serialize + 'static>(item: T) -> Vec<T> {
        vec![item; 10]
    }
    counted("x".repeat(100));
    assert_eq!(counted_memo::<String>().stats().bytes, 10);
}

#[test]
fn each_thread_has_its_own_bound() {
    #[memoize(scope = "thread", max_bytes = 100, weigh = |text| text.len())]
    fn shared(length: usize) -> Rc<str> {
        "x".repeat(length).into()
    }
    [60, 70].into_iter().for_each(|length| drop(shared(length)));
    assert_eq!(shared_memo().stats().bytes, 70);
    thread::spawn(|| {
        [30, 40].into_iter().for_each(|length| drop(shared(length)));
        assert_eq!(shared_memo().stats().bytes, 70);
        assert_eq!(shared_memo().len(), 2);
    })
    .join()
    .unwrap();
}

#[test]
fn tasks_respect_the_bound() {
    #[memoize(max_bytes = 100, weigh = |text: &String| text.len())]
    async fn text(length: usize) -> String {
        std::future::ready(()).await;
        "x".repeat(length)
    }
    for length in [60, 70, 101] {
        assert_eq!(block_on(text(length)).len(), length);
    }
    assert_eq!((text_memo().stats().bytes, text_memo().stats().uncached), (70, 1));
}

#[test]
fn an_entry_that_became_too_heavy_is_removed() {
    static LENGTH: AtomicU32 = AtomicU32::new(10);
    #[memoize(max_bytes = 100, weigh = |text: &String| text.len())]
    fn grown(n: u32) -> String {
        "x".repeat(LENGTH.load(Relaxed) as usize + n as usize)
    }
    let memo = grown_memo();
    (0..2).for_each(|n| drop(grown(n)));
    assert!(!memo.insert(&grown_key(0), "x".repeat(101)));
    assert!(memo.get(&grown_key(0)).is_none() && memo.get(&grown_key(1)).is_some());
    // Waiters get a value even if it is too heavy to cache.
    LENGTH.store(200, Relaxed);
    let lengths = thread::scope(|scope| {
        let callers: Vec<_> = (0..4).map(|_| scope.spawn(|| grown(5).len())).collect();
        callers.into_iter().map(|caller| caller.join().unwrap()).collect::<Vec<_>>()
    });
    assert_eq!((lengths, memo.len(), memo.computing()), (vec![205; 4], 1, 0));
}

#[test]
fn a_panic_while_weighing_reaches_the_caller_and_breaks_nothing() {
    static PANICS: AtomicBool = AtomicBool::new(true);
    fn weight(n: &u32) -> usize {
        assert!(*n != 3 || !PANICS.load(Relaxed), "on purpose");
        10
    }
    #[memoize(max_bytes = 100, weigh = weight)]
    fn weighed(n: u32) -> u32 {
        n
    }
    weighed(1);
    assert!(catch_unwind(|| weighed(3)).is_err());
    assert!(catch_unwind(|| weighed_memo().insert(&weighed_key(3), 3)).is_err());
    assert_eq!((weighed(1), weighed_memo().len(), weighed_memo().computing()), (1, 1, 0));
    PANICS.store(false, Relaxed);
    assert_eq!((weighed(3), weighed_memo().stats().bytes), (3, 20));
}

#[test]
fn weighing_may_call_memoized_functions() {
    #[memoize(max_bytes = 1000, weigh = |_| if weighed_memo().len() < 3 { weighed(1) as usize } else { 5 })]
    fn weighed(n: u32) -> u32 {
        if n == 0 { 7 } else { weighed(n - 1) }
    }
    #[memoize(max_bytes = 1000, weigh = |n| *n as usize + other_memo().len())]
    fn other(n: u32) -> u32 {
        n
    }
    crate::support::with_timeout(|| (0..20).for_each(|n| assert_eq!((other(n), other(n)), (n, n))));
    // The weight of the first entry needs the second, which needs the first, which is being computed.
    crate::support::with_timeout(|| assert_eq!((weighed(2), weighed(2)), (7, 7)));
}

#[test]
fn many_threads_never_exceed_the_bound() {
    const BOUND: u64 = 20_000;
    #[memoize(max_bytes = BOUND, shards = 8, weigh = |n: &usize| *n)]
    fn weighed(n: usize) -> usize {
        n
    }
    let memo = weighed_memo();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            while !done.load(Relaxed) {
                assert!(memo.stats().bytes <= BOUND);
                thread::yield_now();
            }
        });
        let workers: Vec<_> = (0..4)
            .map(|seed: usize| {
                scope.spawn(move || {
                    let mut n = seed;
                    for step in 0..5000 {
                        n = (n * 1_103_515_245 + 12345) % 4999;
                        assert_eq!(weighed(n), n);
                        if step % 100 == 0 {
                            memo.set_max_bytes(BOUND - n as u64);
                            assert!(memo.stats().bytes <= BOUND);
                        }
                    }
                })
            })
            .collect();
        workers.into_iter().for_each(|worker| worker.join().unwrap());
        done.store(true, Relaxed);
        watcher.join().unwrap();
    });
    memo.set_max_bytes(BOUND);
    (0..2000).for_each(|n| _ = weighed(n));
    let bytes = memo.stats().bytes;
    assert!((BOUND * 9 / 10..=BOUND).contains(&bytes), "{bytes}");
}
