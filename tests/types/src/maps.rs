//! Maps and sets.

use std::collections::BTreeSet;
use std::fmt::Debug;

use crate::row::Row;
use crate::subject::{opaque, value};

pub fn rows() -> Vec<Row> {
    [hashed(), concurrent(), in_order(), other()].into_iter().flatten().collect()
}

/// Forty pairs.
fn up() -> impl DoubleEndedIterator<Item = (i32, i32)> + Clone {
    (0..40).map(|n| (n, n))
}

/// The content of a container in an order that does not depend on the container.
fn sorted<T: Ord + Debug>(items: impl IntoIterator<Item = T>) -> String {
    format!("{:?}", items.into_iter().collect::<BTreeSet<_>>())
}

/// A container that a function sees without its order.
macro_rules! set_of {
    ($name:literal, $type:ty, $items:expr) => {
        value($name, || {
            let items = $items;
            [
                ("up", items.clone().collect::<$type>()),
                ("down", items.clone().rev().collect()),
                ("empty", items.take(0).collect()),
            ]
        })
        .seen(|set: &$type| sorted(set.iter().map(|item| format!("{item:?}"))))
    };
}

const ANY_ORDER: &str = "its order does not count";

fn hashed() -> Vec<Row> {
    vec![
        set_of!("hashbrown::HashMap<i32, i32>", hashbrown::HashMap<i32, i32>, up()).way(ANY_ORDER),
        set_of!("hashbrown::HashSet<i32>", hashbrown::HashSet<i32>, 0..40).way(ANY_ORDER),
        set_of!("halfbrown::HashMap<i32, i32>", halfbrown::HashMap<i32, i32>, up()).way(
            "memokit does not know it, and each map has an order of its own: `memokit::unordered`",
        ),
        set_of!("rustc_hash::FxHashMap<i32, i32>", rustc_hash::FxHashMap<i32, i32>, up())
            .way(ANY_ORDER),
        set_of!("im::HashMap<i32, i32>", im::HashMap<i32, i32>, up()).way(ANY_ORDER),
        set_of!("im::HashSet<i32>", im::HashSet<i32>, 0..40).way(ANY_ORDER),
        set_of!("im::OrdMap<i32, i32>", im::OrdMap<i32, i32>, up()).row(),
        set_of!("im::OrdSet<i32>", im::OrdSet<i32>, 0..40).row(),
        set_of!("imbl::HashMap<i32, i32>", imbl::HashMap<i32, i32>, up()).way(ANY_ORDER),
        set_of!("imbl::HashSet<i32>", imbl::HashSet<i32>, 0..40).way(ANY_ORDER),
        set_of!("rpds::HashTrieMap<i32, i32>", rpds::HashTrieMap<i32, i32>, up()).way(ANY_ORDER),
        set_of!("rpds::HashTrieSet<i32>", rpds::HashTrieSet<i32>, 0..40).way(ANY_ORDER),
        set_of!("rpds::RedBlackTreeSet<i32>", rpds::RedBlackTreeSet<i32>, 0..40).row(),
        set_of!("bimap::BiHashMap<i32, i32>", bimap::BiHashMap<i32, i32>, up()).way(ANY_ORDER),
        set_of!("bimap::BiBTreeMap<i32, i32>", bimap::BiBTreeMap<i32, i32>, up()).row(),
        set_of!("multimap::MultiMap<i32, i32>", multimap::MultiMap<i32, i32>, up()).way(ANY_ORDER),
        set_of!("tinyset::SetU64", tinyset::SetU64, 0..40_u64).row(),
    ]
}

fn concurrent() -> Vec<Row> {
    vec![
        opaque(
            "dashmap::DashMap<i32, i32>",
            |map: &dashmap::DashMap<i32, i32>| sorted(map.clone()),
            || {
                [
                    ("up", up().collect()),
                    ("down", up().rev().collect()),
                    ("empty", dashmap::DashMap::new()),
                ]
            },
        )
        .way("the content at the time of the call"),
        opaque(
            "dashmap::DashSet<i32>",
            |set: &dashmap::DashSet<i32>| sorted(set.clone()),
            || {
                [
                    ("up", (0..40).collect()),
                    ("down", (0..40).rev().collect()),
                    ("empty", dashmap::DashSet::new()),
                ]
            },
        )
        .way("as `DashMap`"),
        opaque(
            "papaya::HashMap<i32, i32>",
            |map: &papaya::HashMap<i32, i32>| sorted(map.pin().iter()),
            || {
                [
                    ("up", up().collect()),
                    ("down", up().rev().collect()),
                    ("empty", papaya::HashMap::new()),
                ]
            },
        )
        .way("as `DashMap`; it announces no length, which postcard needs"),
        opaque(
            "scc::HashMap<i32, i32>",
            |map: &scc::HashMap<i32, i32>| scc_pairs(map),
            || {
                let filled = |items: &mut dyn Iterator<Item = (i32, i32)>| {
                    let map = scc::HashMap::new();
                    items.for_each(|(k, v)| map.insert_sync(k, v).expect("a new key"));
                    map
                };
                [
                    ("up", filled(&mut up())),
                    ("down", filled(&mut up().rev())),
                    ("empty", scc::HashMap::new()),
                ]
            },
        )
        .way("as `DashMap`"),
    ]
}

fn scc_pairs(map: &scc::HashMap<i32, i32>) -> String {
    let mut pairs = Vec::new();
    map.iter_sync(|k, v| {
        pairs.push((*k, *v));
        true
    });
    sorted(pairs)
}

/// A container whose order a function sees.
macro_rules! list_of {
    ($name:literal, $type:ty, $items:expr) => {
        value($name, || {
            let items = $items;
            [("up", items.clone().collect::<$type>()), ("down", items.rev().collect())]
        })
    };
}

const ORDER: &str = "`memokit::unordered` if its order does not matter";

fn in_order() -> Vec<Row> {
    vec![
        list_of!("indexmap::IndexMap<i32, i32>", indexmap::IndexMap<i32, i32>, up()).way(ORDER),
        list_of!("indexmap::IndexSet<i32>", indexmap::IndexSet<i32>, 0..40).way(ORDER),
        list_of!("ordermap::OrderMap<i32, i32>", ordermap::OrderMap<i32, i32>, up()).way(ORDER),
        list_of!("ordermap::OrderSet<i32>", ordermap::OrderSet<i32>, 0..40).way(ORDER),
        list_of!("hashlink::LinkedHashMap<i32, i32>", hashlink::LinkedHashMap<i32, i32>, up()).way(ORDER),
        list_of!("hashlink::LinkedHashSet<i32>", hashlink::LinkedHashSet<i32>, 0..40).way(ORDER),
        list_of!("linked_hash_map::LinkedHashMap<i32, i32>", linked_hash_map::LinkedHashMap<i32, i32>, up()).way(ORDER),
        list_of!("linear_map::LinearMap<i32, i32>", linear_map::LinearMap<i32, i32>, up()).way(ORDER),
        list_of!("micromap::Map<i32, i32, 40>", micromap::Map<i32, i32, 40>, up()).way(ORDER),
        list_of!("micromap::Set<i32, 40>", micromap::Set<i32, 40>, 0..40).way(ORDER),
        list_of!("heapless::LinearMap<i32, i32, 64>", heapless::LinearMap<i32, i32, 64>, up()).way(ORDER),
        list_of!("heapless::index_map::FnvIndexMap<i32, i32, 64>", heapless::index_map::FnvIndexMap<i32, i32, 64>, up())
            .way(ORDER),
        list_of!("heapless::index_set::FnvIndexSet<i32, 64>", heapless::index_set::FnvIndexSet<i32, 64>, 0..40).way(ORDER),
        set_of!("priority_queue::PriorityQueue<i32, i32>", priority_queue::PriorityQueue<i32, i32>, up()).way(ORDER),
    ]
}

fn other() -> Vec<Row> {
    let removed = || {
        let mut map: vec_map::VecMap<u8> = [(0, 1), (9, 9)].into_iter().collect();
        map.remove(9);
        map
    };
    let joined = || rangemap::RangeSet::from_iter([1..3_u8, 3..5]);
    vec![
        value("vec_map::VecMap<u8>", move || {
            [
                ("a", [(0, 1)].into_iter().collect()),
                ("9 removed", removed()),
                ("empty", vec_map::VecMap::new()),
            ]
        })
        .seen(|map| format!("{map:?}"))
        .way("empty places at its end count: `key = map.iter().collect::<Vec<_>>()`"),
        value("litemap::LiteMap<u32, u32>", || {
            [
                ("1 2", litemap::LiteMap::<u32, u32>::from_iter([(1, 1), (2, 2)])),
                ("2 1", [(2, 2), (1, 1)].into_iter().collect()),
                ("empty", litemap::LiteMap::new()),
            ]
        })
        .row(),
        value("rangemap::RangeSet<u8>", move || {
            [
                ("1..5", rangemap::RangeSet::from_iter([1..5_u8])),
                ("1..3 3..5", joined()),
                ("1..6", [1..6].into_iter().collect()),
            ]
        })
        .way("its `Deserialize` panics on an empty range, also when memokit explores it: caught, but printed"),
    ]
}
