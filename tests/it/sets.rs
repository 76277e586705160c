//! Sets, heaps and maps have the same key in any iteration order; sequences do not. The tests give each container two
//! values that iterate differently, so that a changed type name (see memo-core's key/sets.rs) cannot go unnoticed.

use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, LinkedList, VecDeque};
use std::hash::{BuildHasher, DefaultHasher, Hasher};
use std::rc::Rc;
use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};
use memokit::memoize;
use serde::{Serialize, Serializer};

/// A hasher with a salt. Different salts give different iteration orders.
#[derive(Clone, Copy, Default)]
struct Salted(u64);

impl BuildHasher for Salted {
    type Hasher = DefaultHasher;
    fn build_hasher(&self) -> DefaultHasher {
        let mut hasher = DefaultHasher::new();
        hasher.write_u64(self.0);
        hasher
    }
}

type StdSet<T> = HashSet<T, Salted>;
type BrownSet<T> = hashbrown::HashSet<T, Salted>;
type StdMap<K, V> = HashMap<K, V, Salted>;
type BrownMap<K, V> = hashbrown::HashMap<K, V, Salted>;

/// Returns the key of a call with one argument of this type.
macro_rules! key {
    ($type:ty, $value:expr) => {{
        #[memoize]
        #[allow(dead_code, clippy::boxed_local, reason = "only its key is used")]
        fn keyed(argument: $type) {
            let _ = argument;
        }
        keyed_key($value)
    }};
}

const WORDS: [&str; 12] = ["a", "b", "c", "d", "e", "f", "g", "h", "ab", "abc", "", "z"];

fn salted<C: Extend<T> + Filled, T>(salt: u64, items: impl Iterator<Item = T>) -> C {
    let mut out = C::empty(Salted(salt));
    out.extend(items);
    out
}

trait Filled {
    fn empty(hasher: Salted) -> Self;
}

macro_rules! filled {
    ($([$($generics:tt)*] $type:ty,)*) => {$(
        impl<$($generics)*> Filled for $type {
            fn empty(hasher: Salted) -> Self {
                Self::with_hasher(hasher)
            }
        }
    )*};
}
filled! { [T] StdSet<T>, [T] BrownSet<T>, [K, V] StdMap<K, V>, [K, V] BrownMap<K, V>, }

/// Returns two containers with the same content and different iteration orders.
fn two_orders<C, T: PartialEq>(make: impl Fn(u64) -> C, order: impl Fn(&C) -> T) -> [C; 2] {
    let first = make(0);
    let second = (1..100).map(make).find(|other| order(other) != order(&first));
    [first, second.expect("some salt gives another order")]
}

macro_rules! one_key {
    ($type:ty, $make:expr, $order:expr) => {{
        let order: fn(&$type) -> _ = $order;
        let [a, b]: [$type; 2] = two_orders($make, order);
        let (a, b) = (key!($type, a), key!($type, b));
        assert!(a.is_keyable());
        assert_eq!(a, b, "{}", stringify!($type));
    }};
}

macro_rules! set_has_one_key {
    ($($set:ident),*) => {$(
        one_key!($set<&'static str>, |n| salted(n, WORDS.into_iter()), |s| s.iter().copied().collect::<Vec<_>>());
    )*};
}

macro_rules! map_has_one_key {
    ($($map:ident),*) => {$(
        one_key!(
            $map<&'static str, u8>,
            |n| salted(n, WORDS.into_iter().zip(0..)),
            |m| m.keys().copied().collect::<Vec<_>>()
        );
    )*};
}

fn rotated(n: u64) -> impl Iterator<Item = &'static str> {
    let n = usize::try_from(n).unwrap() % WORDS.len();
    WORDS.into_iter().cycle().skip(n).take(WORDS.len())
}

#[test]
fn a_set_has_one_key_in_any_order() {
    set_has_one_key!(StdSet, BrownSet);
    one_key!(IndexSet<&'static str>, |n| rotated(n).collect(), |s| s
        .iter()
        .copied()
        .collect::<Vec<_>>());
    one_key!(BinaryHeap<&'static str>, |n| rotated(n).collect(), |h| h
        .iter()
        .copied()
        .collect::<Vec<_>>());
}

#[test]
fn a_map_has_one_key_in_any_order() {
    map_has_one_key!(StdMap, BrownMap);
    one_key!(
        IndexMap<&'static str, usize>,
        |n| rotated(n).map(|word| (word, word.len())).collect(),
        |m| m.keys().copied().collect::<Vec<_>>()
    );
}

/// One element more or less, or another value, makes another key.
#[test]
fn other_contents_have_other_keys() {
    type Heap = BinaryHeap<&'static str>;
    type Index = IndexMap<&'static str, u8>;
    assert_ne!(key!(Heap, Heap::from(["a", "a"])), key!(Heap, Heap::from(["a"])));
    assert_ne!(key!(Heap, Heap::from(["a", "b"])), key!(Heap, Heap::from(["a", "ab"])));
    assert_ne!(
        key!(Index, Index::from([("a", 1), ("b", 2)])),
        key!(Index, Index::from([("a", 2), ("b", 1)]))
    );
    assert_ne!(key!(StdSet<u8>, salted(0, 0..3)), key!(StdSet<u8>, salted(0, 0..4)));
}

#[test]
fn the_order_of_a_sequence_is_part_of_the_key() {
    macro_rules! ordered {
        ($($type:ty),*) => {$(
            let forwards = key!($type, [1u16, 2, 3].into_iter().collect::<$type>());
            let backwards = key!($type, [3u16, 2, 1].into_iter().collect::<$type>());
            assert_ne!(forwards, backwards, "{}", stringify!($type));
        )*};
    }
    ordered!(Vec<u16>, VecDeque<u16>, LinkedList<u16>, Box<[u16]>, Rc<[u16]>, Arc<[u16]>);
    assert_ne!(key!([u16; 2], [1, 2]), key!([u16; 2], [2, 1]));
    assert_ne!(key!((u16, u16), (1, 2)), key!((u16, u16), (2, 1)));
}

/// A slice of an `IndexSet` is ordered: its `Eq` and its `Serialize` respect the order.
#[test]
fn a_slice_of_an_index_set_is_keyed_like_a_sequence() {
    type Slice = indexmap::set::Slice<u16>;
    let slice = |items: [u16; 2]| IndexSet::<u16>::from(items).into_boxed_slice();
    assert_ne!(slice([1, 2]), slice([2, 1]));
    assert_ne!(key!(Box<Slice>, slice([1, 2])), key!(Box<Slice>, slice([2, 1])));
}

/// All kinds of sets with the same content have the same key. A sequence with that content has another.
#[test]
fn all_kinds_of_sets_have_the_same_key_and_sequences_another() {
    type Tree = BTreeSet<&'static str>;
    type Index = IndexSet<&'static str>;
    type Heap = BinaryHeap<&'static str>;
    type Std = StdSet<&'static str>;
    type Brown = BrownSet<&'static str>;
    let tree = key!(Tree, WORDS.into_iter().collect());
    assert_eq!(tree, key!(Std, salted(3, WORDS.into_iter())));
    assert_eq!(tree, key!(Brown, salted(3, WORDS.into_iter())));
    assert_eq!(tree, key!(Index, WORDS.into_iter().collect()));
    assert_eq!(tree, key!(Heap, WORDS.into_iter().collect()));
    let mut sorted = WORDS;
    sorted.sort_unstable();
    for words in [WORDS, sorted] {
        assert_ne!(tree, key!(Vec<&'static str>, words.to_vec()));
    }
    let empty: [&str; 0] = [];
    assert_ne!(key!(Tree, Tree::new()), key!(Vec<&'static str>, empty.to_vec()));
}

#[test]
fn all_kinds_of_maps_have_the_same_key() {
    type Tree = BTreeMap<&'static str, u8>;
    type Index = IndexMap<&'static str, u8>;
    type Std = StdMap<&'static str, u8>;
    type Brown = BrownMap<&'static str, u8>;
    let pairs = || WORDS.into_iter().zip(0u8..);
    let tree = key!(Tree, pairs().collect());
    assert_eq!(tree, key!(Std, salted(5, pairs())));
    assert_eq!(tree, key!(Brown, salted(5, pairs())));
    assert_eq!(tree, key!(Index, pairs().collect()));
}

/// Tests a hand-written `Serialize` that passes an iterator over a set to `collect_seq`.
macro_rules! iterated {
    ($set:ty, $make:expr, $iter:ident $(, $other:expr)?) => {{
        struct Iterated($set);
        impl Serialize for Iterated {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_seq(self.0.$iter($(&$other)?))
            }
        }
        let order = |value: &Iterated| value.0.$iter($(&$other)?).copied().collect::<Vec<_>>();
        one_key!(Iterated, |n| Iterated($make(n)), order);
    }};
}

#[test]
fn an_iterator_over_a_set_is_keyed_like_a_set() {
    type Std = StdSet<&'static str>;
    type Brown = BrownSet<&'static str>;
    let std = |n| salted::<Std, _>(n, WORDS.into_iter());
    let brown = |n| salted::<Brown, _>(n, WORDS.into_iter());
    let index = |n| rotated(n).collect::<IndexSet<_>>();
    iterated!(Std, std, iter);
    iterated!(Std, std, union, Std::from_iter(["more"]));
    iterated!(Std, std, difference, Std::from_iter(["a"]));
    iterated!(Std, std, intersection, Std::from_iter(WORDS));
    iterated!(Brown, brown, iter);
    iterated!(Brown, brown, difference, Brown::from_iter(["a"]));
    iterated!(IndexSet<&'static str>, index, iter);
    iterated!(IndexSet<&'static str>, index, union, IndexSet::<&'static str>::from_iter(["more"]));
    iterated!(BinaryHeap<&'static str>, |n| rotated(n).collect::<BinaryHeap<_>>(), iter);
}

/// An adapted iterator over a set is a sequence: its type does not show that the order has no meaning.
#[test]
fn an_adapted_iterator_is_keyed_like_a_sequence() {
    struct Copied(BTreeSet<u16>);
    impl Serialize for Copied {
        fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
            s.collect_seq(self.0.iter().copied())
        }
    }
    let copied = Copied(BTreeSet::from([1, 2]));
    assert_eq!(key!(Copied, copied), key!(Vec<u16>, vec![1, 2]));
}

/// serde buffers an enum in a flattened field, and passes its set on as a sequence.
#[test]
fn a_set_in_a_flattened_enum_is_keyed_like_a_sequence() {
    #[derive(Serialize)]
    enum Inner {
        Held { set: BTreeSet<u8> },
    }
    #[derive(Serialize)]
    struct Outer {
        #[serde(flatten)]
        inner: Inner,
        set: BTreeSet<u8>,
    }
    let set = || BTreeSet::from([2, 1]);
    let printed =
        format!("{:?}", key!(Outer, Outer { inner: Inner::Held { set: set() }, set: set() }));
    assert_eq!(printed, r#"({"set": {1, 2}, "Held": { set: [1, 2] }},)"#);
}

/// A value with sets in many places. The salt decides their iteration orders.
#[derive(Clone, Serialize)]
struct Nested {
    z: StdSet<String>,
    options: Option<Box<StdSet<u32>>>,
    inner: StdMap<String, BTreeSet<u8>>,
    choice: Choice,
    tuple: (Arc<StdSet<u8>>, Vec<BrownSet<u8>>),
    pair: Pair,
    sets: BTreeSet<BTreeSet<u8>>,
    by_struct: StdMap<Point, StdSet<u8>>,
    empty: StdSet<u8>,
}

#[derive(Clone, Serialize)]
struct Pair(StdSet<u8>, IndexMap<Option<u8>, BrownSet<u64>>);

#[derive(Clone, Serialize)]
enum Choice {
    Named { set: StdSet<i64> },
    Bare(BrownSet<char>),
}

#[derive(Clone, PartialEq, Eq, Hash, Serialize)]
struct Point {
    y: u8,
    x: u8,
}

fn nested(salt: u64) -> Nested {
    let set = || salted::<StdSet<u8>, _>(salt, 0..20);
    let points = (0..20).map(|n| (Point { y: n, x: 20 - n }, set()));
    let choice = match salt / 1000 {
        0 => Choice::Named { set: salted(salt, -10..10) },
        _ => Choice::Bare(salted(salt, 'a'..'p')),
    };
    Nested {
        z: salted(salt, (0..20).map(|n: u8| n.to_string())),
        options: Some(Box::new(salted(salt, 0..20))),
        inner: salted(salt, (0..20u8).map(|n| (n.to_string(), BTreeSet::from([n, 7])))),
        choice,
        tuple: (Arc::new(set()), vec![salted(salt, 0..9), salted(salt + 1, 0..9)]),
        pair: Pair(set(), (0..9).map(|n: u8| (Some(n), salted(salt, 0..9))).collect()),
        sets: (0..9).map(|n| (0..n).collect()).collect(),
        by_struct: salted(salt, points),
        empty: StdSet::default(),
    }
}

#[test]
fn sets_have_one_key_at_any_depth() {
    one_key!(Nested, nested, orders);
    one_key!(Nested, |salt| nested(salt + 1000), orders);
    let mut other = nested(0);
    if let Some(set) = other.by_struct.get_mut(&Point { y: 3, x: 17 }) {
        set.remove(&5);
    }
    assert_ne!(key!(Nested, nested(0)), key!(Nested, other));
}

/// Returns the iteration orders of three of the containers inside.
fn orders(nested: &Nested) -> (Vec<String>, Vec<u8>, Vec<u8>) {
    let points = nested.by_struct.keys().map(|point| point.x).collect();
    (nested.z.iter().cloned().collect(), points, nested.pair.0.iter().copied().collect())
}

/// A heap keeps all elements that its ordering calls equal. The key depends on the elements and not on the ordering.
#[test]
fn elements_that_a_heap_calls_equal_are_part_of_the_key() {
    #[derive(Serialize)]
    struct Task {
        priority: u8,
        name: &'static str,
    }
    impl PartialEq for Task {
        fn eq(&self, other: &Self) -> bool {
            self.priority == other.priority
        }
    }
    impl Eq for Task {}
    impl PartialOrd for Task {
        fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
            Some(self.cmp(other))
        }
    }
    impl Ord for Task {
        fn cmp(&self, other: &Self) -> std::cmp::Ordering {
            self.priority.cmp(&other.priority)
        }
    }
    let heap =
        |names: [&'static str; 2]| BinaryHeap::from(names.map(|name| Task { priority: 1, name }));
    let names = |heap: &BinaryHeap<Task>| heap.iter().map(|task| task.name).collect::<Vec<_>>();
    assert_ne!(names(&heap(["a", "b"])), names(&heap(["b", "a"])));
    assert_eq!(key!(BinaryHeap<Task>, heap(["a", "b"])), key!(BinaryHeap<Task>, heap(["b", "a"])));
    assert_ne!(key!(BinaryHeap<Task>, heap(["a", "b"])), key!(BinaryHeap<Task>, heap(["a", "c"])));
}
