//! Keys of unusual arguments: those that fail to serialize, change between passes, panic, or are too deep.

use std::cell::Cell;
use std::collections::HashSet;
use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use memokit::{Memo, memoize};
use serde::ser::{Error as _, SerializeSeq, SerializeStruct, SerializeTuple};
use serde::{Serialize, Serializer};

/// Asserts that two calls both computed, because their arguments have no key.
fn assert_unkeyable<R>(memo: Memo<R>) {
    let stats = memo.stats();
    assert_eq!((stats.hits, stats.misses, stats.entries), (0, 2, 0));
    assert_eq!((stats.unkeyable, stats.uncached, stats.panics), (2, 2, 0));
}

#[cfg(unix)]
#[test]
fn a_path_that_is_not_utf8_is_computed_each_time() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::path::Path;

    #[memoize]
    fn length(path: &Path) -> usize {
        path.as_os_str().len()
    }
    let path = Path::new(OsStr::from_bytes(b"/tmp/\xff"));
    assert_eq!((length(path), length(path)), (6, 6));
    assert_unkeyable(length_memo());
    assert_eq!(format!("{:?}", length_key(path)), "(no key: an argument failed to serialize)");
    assert!(!length_memo().insert(&length_key(path), 9));
    assert!(!length_memo().invalidate(&length_key(path)));
    assert_eq!(length_memo().get(&length_key(path)), None);
    assert_eq!((length(Path::new("/tmp")), length_memo().len()), (4, 1));
}

#[test]
fn a_poisoned_mutex_is_computed_each_time() {
    #[memoize]
    fn doubled(number: &Arc<Mutex<u64>>) -> u64 {
        2 * *number.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
    let number = Arc::new(Mutex::new(4));
    let held = Arc::clone(&number);
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let _guard = held.lock();
        panic!("while it is locked");
    }));
    assert!(outcome.is_err() && number.is_poisoned());
    assert_eq!((doubled(&number), doubled(&number)), (8, 8));
    assert_unkeyable(doubled_memo());
}

struct Failing;

impl Serialize for Failing {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(S::Error::custom("not today"))
    }
}

#[test]
fn an_argument_with_a_failing_part_is_computed_each_time() {
    #[memoize]
    fn first(_: &(u8, Failing), n: u8) -> u8 {
        n
    }
    #[memoize]
    fn last(n: u8, _: Option<&[(u8, Failing)]>) -> u8 {
        n
    }
    assert_eq!((first(&(1, Failing), 5), first(&(1, Failing), 5)), (5, 5));
    assert_unkeyable(first_memo());
    let failing = [(1, Failing)];
    assert_eq!((last(5, Some(&failing)), last(5, Some(&failing))), (5, 5));
    assert_unkeyable(last_memo());
    assert_eq!((last(5, None), last(5, None), last_memo().stats().hits), (5, 5, 1));
}

/// Ignores the failure of a nested set. The encoder then holds bytes that look like a length.
struct Forgiving;

#[derive(PartialEq, Eq)]
struct Half;

impl Hash for Half {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

impl Serialize for Half {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut out = s.serialize_tuple(3)?;
        out.serialize_element(&0u128)?;
        out.serialize_element(&0u32)?;
        out.serialize_element(&Failing)?;
        out.end()
    }
}

impl Serialize for Forgiving {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut out = s.serialize_seq(None)?;
        let _ = out.serialize_element(&HashSet::from([Half]));
        out.end()
    }
}

#[test]
fn an_ignored_failure_does_not_panic() {
    #[derive(Serialize)]
    struct Holder {
        field: Forgiving,
        set: Vec<Vec<Forgiving>>,
    }
    #[memoize]
    fn held(_: &Holder) -> u8 {
        1
    }
    let holder = Holder { field: Forgiving, set: vec![vec![Forgiving, Forgiving]] };
    assert_eq!((held(&holder), held(&holder)), (1, 1));
    assert_unkeyable(held_memo());
}

/// Serializes as another number in each pass.
struct Counter(AtomicU64);

impl Serialize for Counter {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_u64(self.0.fetch_add(1, Relaxed) % 16)
    }
}

/// Serializes a [`Counter`] as a set and a number that are read at different times.
struct Torn<'a>(&'a Counter);

impl Serialize for Torn<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut out = s.serialize_struct("Torn", 2)?;
        out.serialize_field("b", &HashSet::from([self.0.0.load(Relaxed) % 3, 7]))?;
        out.serialize_field("a", self.0)?;
        out.end()
    }
}

/// Each entry is found under the key that was written and the table stays consistent, whatever an argument serializes
/// as.
#[test]
fn arguments_that_change_between_passes_leave_the_cache_consistent() {
    const CALLS: u64 = 2_000;
    const THREADS: u64 = 4;
    #[memoize(max = 8)]
    fn torn(counter: &Torn<'_>, salt: u64) -> u64 {
        let _ = counter;
        salt
    }
    let counter = Counter(AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope
                .spawn(|| (0..CALLS).for_each(|n| assert_eq!(torn(&Torn(&counter), n % 5), n % 5)));
        }
    });
    let memo = torn_memo();
    let stats = memo.stats();
    assert_eq!(stats.hits + stats.misses, THREADS * CALLS);
    assert_eq!((stats.unkeyable, stats.panics), (0, 0));
    assert!(memo.len() <= 8);
    let keys = memo.keys();
    assert_eq!(keys.iter().collect::<HashSet<_>>().len(), memo.len());
    for key in &keys {
        let salt = memo.get(key).expect("the key has an entry");
        assert!(format!("{key:?}").ends_with(&format!(", {salt})")), "{key:?}");
        assert!(memo.invalidate(key));
        assert_eq!(memo.get(key), None);
    }
    assert!(memo.is_empty());
}

/// A number behind a lock can change between two calls with the same argument.
#[test]
fn a_shared_number_is_keyed_by_its_value_at_the_call() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memoize]
    fn seen(number: &Mutex<u32>) -> u32 {
        RUNS.fetch_add(1, Relaxed);
        *number.lock().expect("not poisoned")
    }
    let number = Mutex::new(1);
    assert_eq!((seen(&number), seen(&number)), (1, 1));
    *number.lock().expect("not poisoned") = 2;
    assert_eq!((seen(&number), seen(&number)), (2, 2));
    assert_eq!(RUNS.load(Relaxed), 2);
}

/// A chain of boxes that is dropped without recursion.
#[derive(Default)]
struct Chain(Option<Box<Chain>>);

impl Chain {
    fn new(depth: usize) -> Self {
        (0..depth).fold(Self::default(), |chain, _| Self(Some(Box::new(chain))))
    }
}

impl Drop for Chain {
    fn drop(&mut self) {
        let mut next = self.0.take();
        while let Some(mut chain) = next {
            next = chain.0.take();
        }
    }
}

/// A chain that serializes as one kind of nesting. The number selects the kind.
struct Link<'a>(&'a Chain, u32);

#[derive(Serialize)]
enum Kind<'a> {
    Newtype(Link<'a>),
    Tuple(u8, Link<'a>),
    Struct { link: Link<'a> },
}

#[derive(Serialize)]
struct Named<'a> {
    link: Link<'a>,
}

impl Serialize for Link<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let Some(chain) = &self.0.0 else { return s.serialize_unit() };
        let next = Link(chain, self.1);
        match self.1 {
            0 => s.serialize_some(&next),
            1 => s.collect_seq([next]),
            2 => s.collect_map([(0u8, next)]),
            3 => s.collect_map([(next, 0u8)]),
            4 => Named { link: next }.serialize(s),
            5 => Kind::Newtype(next).serialize(s),
            6 => Kind::Tuple(1, next).serialize(s),
            7 => Kind::Struct { link: next }.serialize(s),
            8 => s.collect_seq(&std::collections::BinaryHeap::from([HeapItem(next)])),
            _ => s.serialize_newtype_struct("Link", &next),
        }
    }
}

/// The element of a heap. All elements are equal.
struct HeapItem<'a>(Link<'a>);

impl Serialize for HeapItem<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(s)
    }
}

impl PartialEq for HeapItem<'_> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}
impl Eq for HeapItem<'_> {}
impl PartialOrd for HeapItem<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for HeapItem<'_> {
    fn cmp(&self, _: &Self) -> std::cmp::Ordering {
        std::cmp::Ordering::Equal
    }
}

const KINDS: u32 = 10;

#[memoize]
fn linked(link: &Link<'_>) -> u32 {
    link.1
}

/// This holds even in a debug build, on the small stack of a test.
#[test]
fn arguments_that_are_too_deep_have_no_key_and_do_not_overflow_the_stack() {
    let (deepest, deeper, deep) = (Chain::new(256), Chain::new(257), Chain::new(100_000));
    for kind in 0..KINDS {
        for _ in 0..2 {
            assert_eq!(linked(&Link(&deepest, kind)), kind);
            assert_eq!(linked(&Link(&deeper, kind)), kind);
            assert_eq!(linked(&Link(&deep, kind)), kind);
        }
        assert!(!linked_key(&Link(&deeper, kind)).is_keyable());
        assert!(format!("{:?}", linked_key(&Link(&deepest, kind))).contains("()"));
    }
    let stats = linked_memo().stats();
    let kinds = u64::from(KINDS);
    assert_eq!((stats.hits, stats.misses, stats.unkeyable), (kinds, 5 * kinds, 4 * kinds));
    assert_eq!(stats.entries, kinds);
}

/// Panics in pass number `at`.
struct Panicking<'a> {
    passes: &'a Cell<u32>,
    at: u32,
}

impl Serialize for Panicking<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        self.passes.set(self.passes.get() + 1);
        assert_ne!(self.passes.get(), self.at, "on purpose");
        s.collect_seq([1u8, 2])
    }
}

/// The first call serializes twice (to hash and to write), the second also twice (to hash and to compare).
#[test]
fn a_panic_while_serializing_reaches_its_caller_and_harms_no_later_call() {
    #[memoize]
    fn sum(set: &HashSet<u8>, panicking: &Panicking<'_>) -> usize {
        let _ = panicking;
        set.len()
    }
    let set = HashSet::from([1, 2, 3]);
    for at in 1..=4 {
        sum_memo().clear();
        let passes = Cell::new(0);
        let argument = Panicking { passes: &passes, at };
        let mut panics = 0;
        for _ in 0..4 {
            let outcome = catch_unwind(AssertUnwindSafe(|| sum(&set, &argument)));
            panics += u32::from(outcome.is_err());
            assert_eq!(outcome.unwrap_or(3), 3);
        }
        assert_eq!(panics, 1, "in pass {at}");
        assert_eq!(sum_memo().len(), 1);
    }
    let stats = sum_memo().stats();
    assert_eq!((stats.hits, stats.misses), (8, 4));
    assert_eq!(stats.unkeyable, 0);
    sum_memo().clear();
}

/// A `Serialize` that calls memoized functions, including the one that takes the argument.
struct Calling(u32);

#[memoize]
fn called(calling: &Calling) -> u32 {
    calling.0
}

impl Serialize for Calling {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let below = if self.0 == 0 { 0 } else { called(&Calling(self.0 - 1)) };
        s.collect_map([(HashSet::from([self.0]), below)])
    }
}

#[test]
fn serializing_may_call_memoized_functions() {
    for _ in 0..3 {
        assert_eq!(called(&Calling(4)), 4);
    }
    assert_eq!(called_memo().len(), 5);
}

#[test]
fn a_key_prints_its_arguments() {
    #[derive(Serialize)]
    enum Side {
        Buy,
        Sell { limit: Option<f64> },
    }
    #[derive(Serialize)]
    struct Options {
        side: Side,
        depth: u32,
    }
    #[memoize]
    fn quote(_: &str, _: &Options) -> u8 {
        1
    }
    let print = |side| format!("{:?}", quote_key("AC\"ME\n", &Options { side, depth: 3 }));
    assert_eq!(print(Side::Buy), r#"("AC\"ME\n", { side: Buy, depth: 3 })"#);
    let sell = print(Side::Sell { limit: Some(1.5) });
    assert_eq!(sell, r#"("AC\"ME\n", { side: Sell { limit: Some(1.5) }, depth: 3 })"#);
}

#[test]
fn keys_print_bytes_units_and_chars() {
    #[memoize]
    fn bytes(_: &[u8], _: (), _: char) -> u8 {
        1
    }
    #[memoize]
    fn nothing() -> u8 {
        1
    }
    let printed = format!("{:?}", bytes_key(b"\xff\x00", (), '\u{7f}'));
    assert_eq!(printed, r"(0xff00, (), '\u{7f}')");
    assert_eq!(format!("{:?}", nothing_key()), "()");
}
