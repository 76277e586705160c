//! Hash maps, hash sets and heaps have the same key in any iteration order; other containers do not. The tests give
//! each container two values that iterate differently, so that a changed type name (see memo-core's key/containers.rs)
//! cannot go unnoticed.

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

/// Collects the words that `each` visits.
fn words(
    each: impl FnOnce(&mut dyn FnMut(&&'static str) -> bool) -> bool,
) -> std::vec::IntoIter<&'static str> {
    let mut words = Vec::new();
    each(&mut |word| {
        words.push(*word);
        true
    });
    words.into_iter()
}

fn rotated(n: u64) -> impl Iterator<Item = &'static str> {
    let n = usize::try_from(n).unwrap() % WORDS.len();
    WORDS.into_iter().cycle().skip(n).take(WORDS.len())
}

#[test]
fn a_set_has_one_key_in_any_order() {
    set_has_one_key!(StdSet, BrownSet);
    one_key!(BinaryHeap<&'static str>, |n| rotated(n).collect(), |h| h
        .iter()
        .copied()
        .collect::<Vec<_>>());
}

#[test]
fn a_map_has_one_key_in_any_order() {
    map_has_one_key!(StdMap, BrownMap);
}

/// The hash maps and sets of other crates.
#[test]
fn unordered_containers_of_other_crates_have_one_key_in_any_order() {
    macro_rules! map {
        ($type:ty, $empty:expr, |$map:ident, $key:ident, $value:ident| $insert:expr, |$all:ident| $keys:expr) => {
            one_key!(
                $type,
                |salt| {
                    let empty: fn(u64) -> $type = $empty;
                    #[allow(unused_mut, reason = "some insert by a shared reference")]
                    let mut $map = empty(salt);
                    for ($key, $value) in WORDS.into_iter().zip(0u8..) {
                        let _ = $insert;
                    }
                    $map
                },
                |$all| $keys.collect::<Vec<&'static str>>()
            )
        };
    }
    type Word = &'static str;
    map!(dashmap::DashMap<Word, u8, Salted>, |salt| dashmap::DashMap::with_hasher(Salted(salt)),
        |map, key, value| map.insert(key, value), |map| map.iter().map(|entry| *entry.key()));
    map!(dashmap::DashSet<Word, Salted>, |salt| dashmap::DashSet::with_hasher(Salted(salt)),
        |set, key, _value| set.insert(key), |set| set.iter().map(|key| *key));
    map!(im::HashMap<Word, u8, Salted>, |salt| im::HashMap::with_hasher(Salted(salt)),
        |map, key, value| map.insert(key, value), |map| map.keys().copied());
    map!(im::HashSet<Word, Salted>, |salt| im::HashSet::with_hasher(Salted(salt)),
        |set, key, _value| set.insert(key), |set| set.iter().copied());
    map!(imbl::GenericHashMap<Word, u8, Salted, imbl::shared_ptr::DefaultSharedPtr>,
        |salt| imbl::GenericHashMap::with_hasher(Salted(salt)),
        |map, key, value| map.insert(key, value), |map| map.keys().copied());
    map!(papaya::HashMap<Word, u8, Salted>, |salt| papaya::HashMap::with_hasher(Salted(salt)),
        |map, key, value| map.pin().insert(key, value).copied(),
        |map| map.pin().keys().copied().collect::<Vec<_>>().into_iter());
    map!(papaya::HashSet<Word, Salted>, |salt| papaya::HashSet::with_hasher(Salted(salt)),
        |set, key, _value| set.pin().insert(key),
        |set| set.pin().iter().copied().collect::<Vec<_>>().into_iter());
    map!(rpds::HashTrieMapSync<Word, u8, Salted>,
        |salt| rpds::HashTrieMapSync::new_with_hasher_and_degree_and_ptr_kind(Salted(salt), 16),
        |map, key, value| map.insert_mut(key, value), |map| map.keys().copied());
    map!(scc::HashMap<Word, u8, Salted>, |salt| scc::HashMap::with_hasher(Salted(salt)),
        |map, key, value| map.insert_sync(key, value), |map| words(|word| map.iter_sync(|key, _| word(key))));
    map!(bimap::BiHashMap<Word, u8, Salted, Salted>,
        |salt| bimap::BiHashMap::with_hashers(Salted(salt), Salted(salt)),
        |map, key, value| map.insert(key, value), |map| map.iter().map(|(key, _)| *key));
}

/// A container of another crate, inside other types.
#[test]
fn an_unordered_container_of_another_crate_is_found_inside_other_types() {
    type Map = dashmap::DashMap<&'static str, u8, Salted>;
    #[derive(Serialize)]
    struct Inside {
        map: Box<Map>,
        maybe: Option<Map>,
    }
    let map = |salt| {
        let map = Map::with_hasher(Salted(salt));
        for (word, n) in WORDS.into_iter().zip(0..) {
            map.insert(word, n);
        }
        map
    };
    one_key!(
        Inside,
        |salt| Inside { map: Box::new(map(salt)), maybe: Some(map(salt + 100)) },
        |inside| inside.map.iter().map(|entry| *entry.key()).collect::<Vec<_>>()
    );
}

/// Containers whose order the function can see and rely on.
#[test]
fn the_order_of_other_maps_and_sets_is_part_of_the_key() {
    macro_rules! ordered {
        ($($type:ty),*) => {$({
            let forwards = key!($type, [("name", 1u8), ("price", 2)].into_iter().collect::<$type>());
            let backwards = key!($type, [("price", 2u8), ("name", 1)].into_iter().collect::<$type>());
            assert!(forwards.is_keyable());
            assert_ne!(forwards, backwards, "{}", stringify!($type));
        })*};
    }
    type Word = &'static str;
    ordered!(
        IndexMap<Word, u8>,
        IndexSet<(Word, u8)>,
        ordermap::OrderMap<Word, u8>,
        ordermap::OrderSet<(Word, u8)>,
        hashlink::LinkedHashMap<Word, u8>,
        hashlink::LinkedHashSet<(Word, u8)>,
        heapless::index_map::FnvIndexMap<Word, u8, 4>,
        heapless::LinearMap<Word, u8, 4>
    );
    let object = |entries: [(&str, u8); 2]| {
        let text = |name: &str| ciborium::Value::Text(name.to_owned());
        let entries = entries.map(|(name, n)| (text(name), ciborium::Value::Integer(n.into())));
        key!(ciborium::Value, ciborium::Value::Map(entries.into()))
    };
    assert_ne!(object([("name", 1), ("price", 2)]), object([("price", 2), ("name", 1)]));
    assert_ne!(object([("name", 1), ("name", 2)]), object([("name", 2), ("name", 1)]));
}

/// An ordered container whose order is said to have no meaning.
#[test]
fn an_ordered_map_can_be_passed_without_its_order() {
    #[memoize(key = memokit::unordered(map))]
    fn sum(map: &IndexMap<&'static str, u8>) -> u8 {
        map.values().sum()
    }
    #[derive(Serialize)]
    struct Query {
        #[serde(with = "memokit::unordered")]
        filters: IndexMap<&'static str, u8>,
    }
    #[memoize]
    fn filtered(query: &Query) -> usize {
        query.filters.len()
    }
    let forwards: IndexMap<_, _> = [("a", 1), ("b", 2)].into_iter().collect();
    let backwards: IndexMap<_, _> = [("b", 2), ("a", 1)].into_iter().collect();
    assert_eq!((sum(&forwards), sum(&backwards), sum_memo().stats().hits), (3, 3, 1));
    let [a, b] = [forwards, backwards].map(|filters| Query { filters });
    assert_eq!((filtered(&a), filtered(&b), filtered_memo().stats().hits), (2, 2, 1));
}

/// One element more or less, or another value, makes another key.
#[test]
fn other_contents_have_other_keys() {
    type Heap = BinaryHeap<&'static str>;
    type Map = HashMap<&'static str, u8>;
    assert_ne!(key!(Heap, Heap::from(["a", "a"])), key!(Heap, Heap::from(["a"])));
    assert_ne!(key!(Heap, Heap::from(["a", "b"])), key!(Heap, Heap::from(["a", "ab"])));
    assert_ne!(
        key!(Map, Map::from([("a", 1), ("b", 2)])),
        key!(Map, Map::from([("a", 2), ("b", 1)]))
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

/// All kinds of sets without order have the same key for the same content. A sequence has another, and an ordered set
/// has that of a sequence.
#[test]
fn all_kinds_of_hash_sets_have_the_same_key_and_sequences_another() {
    type Tree = BTreeSet<&'static str>;
    type Heap = BinaryHeap<&'static str>;
    type Std = StdSet<&'static str>;
    type Brown = BrownSet<&'static str>;
    let set = key!(Std, salted(3, WORDS.into_iter()));
    assert_eq!(set, key!(Brown, salted(3, WORDS.into_iter())));
    assert_eq!(set, key!(Heap, WORDS.into_iter().collect()));
    let mut sorted = WORDS;
    sorted.sort_unstable();
    for words in [WORDS, sorted] {
        assert_ne!(set, key!(Vec<&'static str>, words.to_vec()));
    }
    let empty: [&str; 0] = [];
    assert_ne!(key!(Std, Std::default()), key!(Vec<&'static str>, empty.to_vec()));
    assert_eq!(key!(Tree, Tree::from(WORDS)), key!(Vec<&'static str>, sorted.to_vec()));
}

#[test]
fn all_kinds_of_maps_with_an_order_and_all_without_have_the_same_key() {
    type Tree = BTreeMap<&'static str, u8>;
    type Index = IndexMap<&'static str, u8>;
    type Std = StdMap<&'static str, u8>;
    type Brown = BrownMap<&'static str, u8>;
    let pairs = || WORDS.into_iter().zip(0u8..);
    let (hash, tree) = (key!(Std, salted(5, pairs())), key!(Tree, pairs().collect()));
    assert_eq!(hash, key!(Brown, salted(5, pairs())));
    let mut sorted: Vec<_> = pairs().collect();
    sorted.sort_unstable();
    assert_eq!(tree, key!(Index, sorted.into_iter().collect()));
    assert_ne!(tree, hash);
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
    iterated!(Std, std, iter);
    iterated!(Std, std, union, Std::from_iter(["more"]));
    iterated!(Std, std, difference, Std::from_iter(["a"]));
    iterated!(Std, std, intersection, Std::from_iter(WORDS));
    iterated!(Brown, brown, iter);
    iterated!(Brown, brown, difference, Brown::from_iter(["a"]));
    iterated!(BinaryHeap<&'static str>, |n| rotated(n).collect::<BinaryHeap<_>>(), iter);
}

/// An adapter that changes the items of an iterator leaves its order without meaning. One that combines it with another
/// iterator may not.
#[test]
fn an_adapted_iterator_over_a_set_is_keyed_like_a_set() {
    struct Copied(StdSet<&'static str>);
    impl Serialize for Copied {
        fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
            s.collect_seq(self.0.iter().map(|word| word.len()))
        }
    }
    struct Zipped(StdSet<&'static str>, [u8; 12]);
    impl Serialize for Zipped {
        fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
            s.collect_map(self.0.iter().zip(self.1.iter()))
        }
    }
    let set = |n| salted::<StdSet<_>, _>(n, WORDS.into_iter());
    one_key!(Copied, |n| Copied(set(n)), |copied| copied.0.iter().copied().collect::<Vec<_>>());
    let numbers = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
    let mut others = numbers;
    others.reverse();
    assert_ne!(key!(Zipped, Zipped(set(0), numbers)), key!(Zipped, Zipped(set(0), others)));
}

/// serde buffers an enum in a flattened field, and passes its set on as a sequence.
#[test]
fn a_set_in_a_flattened_enum_is_keyed_like_a_sequence() {
    #[derive(Serialize)]
    enum Inner {
        Held { set: HashSet<u8> },
    }
    #[derive(Serialize)]
    struct Outer {
        #[serde(flatten)]
        inner: Inner,
        set: HashSet<u8>,
    }
    let set = || HashSet::from([1]);
    let printed =
        format!("{:?}", key!(Outer, Outer { inner: Inner::Held { set: set() }, set: set() }));
    assert_eq!(printed, r#"({"set": {1}, "Held": { set: [1] }},)"#);
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
