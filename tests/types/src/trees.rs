//! Slot maps, graphs, trees and heaps.

use std::fmt::Debug;

use petgraph::graph::{EdgeIndex, Graph, NodeIndex};
use petgraph::graphmap::UnGraphMap;
use petgraph::stable_graph::StableGraph;
use slotmap::{DefaultKey, SecondaryMap, SlotMap};

use crate::row::Row;
use crate::subject::{opaque, value};

pub fn rows() -> Vec<Row> {
    let slots = [slot_map(), secondary_map(), slab(), generational_arena()];
    let graphs = [graph(), stable_graph(), graph_map()];
    let trees = [ego_tree(), indextree(), patricia_tree(), radix_trie(), interner(), heap()];
    slots.into_iter().chain(graphs).chain(trees).collect()
}

/// What a function sees of a container that gives out keys: its content, and the keys of the next two values.
fn content_and_next<T: Clone, K: Debug>(
    container: &T,
    content: impl Debug,
    insert: fn(&mut T) -> K,
) -> String {
    let mut copy = container.clone();
    format!("{content:?} {:?} {:?}", insert(&mut copy), insert(&mut copy))
}

/// A container of four values, less two that were removed one after the other.
fn removed<T>(make: fn([usize; 2]) -> T) -> [(&'static str, T); 3] {
    [("0 1 removed", make([0, 1])), ("1 0 removed", make([1, 0])), ("0 3 removed", make([0, 3]))]
}

const NEXT: &str = "serde does not show which key the next value gets";

fn slot_map() -> Row {
    let make = |removed: [usize; 2]| {
        let mut map = SlotMap::new();
        let keys: [DefaultKey; 4] = [0_u8, 1, 2, 3].map(|n| map.insert(n));
        for n in removed {
            map.remove(keys[n]);
        }
        map
    };
    opaque(
        "slotmap::SlotMap<DefaultKey, u8>",
        |map: &SlotMap<DefaultKey, u8>| {
            content_and_next(map, map.iter().collect::<Vec<_>>(), |map| map.insert(9))
        },
        move || removed(make),
    )
    .way(NEXT)
}

fn secondary_map() -> Row {
    let make = |values: [u8; 2]| {
        let mut map = SlotMap::new();
        values.map(|n| (map.insert(n), n)).into_iter().collect::<SecondaryMap<DefaultKey, u8>>()
    };
    value("slotmap::SecondaryMap<DefaultKey, u8>", move || {
        [("1 2", make([1, 2])), ("2 1", make([2, 1]))]
    })
    .row()
}

fn slab() -> Row {
    let make = |removed: [usize; 2]| {
        let mut slab: slab::Slab<u8> = (0..4).zip(0..4).collect();
        for n in removed {
            slab.remove(n);
        }
        slab
    };
    opaque(
        "slab::Slab<u8>",
        |slab: &slab::Slab<u8>| {
            content_and_next(slab, slab.iter().collect::<Vec<_>>(), |slab| slab.insert(9))
        },
        move || removed(make),
    )
    .way(NEXT)
}

fn generational_arena() -> Row {
    use generational_arena::Arena;
    opaque(
        "generational_arena::Arena<u8>",
        |arena: &Arena<u8>| {
            content_and_next(arena, arena.iter().collect::<Vec<_>>(), |arena| arena.insert(9))
        },
        || {
            let (mut used, mut filled) = (Arena::new(), Arena::new());
            let first = used.insert(1);
            used.remove(first);
            filled.insert(1);
            [("empty", Arena::with_capacity(used.capacity())), ("1 removed", used), ("1", filled)]
        },
    )
    .way("serde does not show the arena's generation: after a reload an old index may find a new value")
}

fn graph() -> Row {
    type Directed = Graph<u8, ()>;
    let make = |edges: &[(u32, u32)]| {
        let mut graph = Directed::new();
        for n in 0..4 {
            graph.add_node(n);
        }
        graph.extend_with_edges(edges);
        graph
    };
    opaque(
        "petgraph::Graph<u8, ()>",
        |graph: &Directed| {
            let neighbours = |n| graph.neighbors(n).map(NodeIndex::index).collect::<Vec<_>>();
            format!("{:?}", graph.node_indices().map(neighbours).collect::<Vec<_>>())
        },
        move || {
            let mut without = make(&[(1, 2), (0, 1), (0, 2), (0, 3)]);
            without.remove_edge(EdgeIndex::new(0));
            [
                ("edges added", make(&[(0, 3), (0, 1), (0, 2)])),
                ("an edge removed", without),
                ("two edges", make(&[(0, 1), (0, 2)])),
            ]
        },
    )
    .way("serde does not show the order of a node's neighbours")
}

fn stable_graph() -> Row {
    type Stable = StableGraph<u8, ()>;
    let make = |removed: [usize; 2]| {
        let mut graph = Stable::new();
        for n in 0..4 {
            graph.add_node(n);
        }
        for n in removed {
            graph.remove_node(NodeIndex::new(n));
        }
        graph
    };
    opaque(
        "petgraph::StableGraph<u8, ()>",
        |graph: &Stable| {
            let nodes = graph.node_indices().collect::<Vec<_>>();
            content_and_next(graph, nodes, |graph| graph.add_node(9))
        },
        move || removed(make),
    )
    .way(NEXT)
}

fn graph_map() -> Row {
    type Map = UnGraphMap<u8, ()>;
    opaque(
        "petgraph::UnGraphMap<u8, ()>",
        |graph: &Map| {
            let neighbours = |n| graph.neighbors(n).collect::<Vec<_>>();
            format!("{:?}", graph.nodes().map(|n| (n, neighbours(n))).collect::<Vec<_>>())
        },
        || {
            let mut without = Map::from_edges([(0, 1), (2, 1), (0, 2)]);
            without.remove_edge(2, 1);
            [
                ("01 02", Map::from_edges([(0, 1), (0, 2)])),
                ("02 01", Map::from_edges([(0, 2), (0, 1)])),
                ("21 removed", without),
            ]
        },
    )
    .row()
}

fn ego_tree() -> Row {
    use ego_tree::Tree;
    value("ego_tree::Tree<u8>", || {
        let mut without = Tree::new(1);
        without.root_mut().append(2);
        let mut with = without.clone();
        with.orphan(9);
        [("1 2", without), ("1 2 and an orphan", with), ("1", Tree::new(1))]
    })
    .seen(|tree| format!("{:?}", tree.nodes().map(|node| (node.id(), node.value())).collect::<Vec<_>>()))
    .way("nodes without a parent are not shown; its `Deserialize` wants borrowed names, which only text has")
}

fn indextree() -> Row {
    use indextree::Arena;
    value("indextree::Arena<u8>", || {
        let mut filled = Arena::new();
        let root = filled.new_node(1_u8);
        let child = root.append_value(2, &mut filled);
        let mut again = filled.clone();
        child.remove(&mut again);
        root.append_value(2, &mut again);
        [("1 2", filled), ("2 removed and added", again), ("empty", Arena::new())]
    })
    .row()
}

fn patricia_tree() -> Row {
    type Map = patricia_tree::PatriciaMap<u8>;
    opaque(
        "patricia_tree::PatriciaMap<u8>",
        |map: &Map| format!("{:?}", map.iter().collect::<Vec<_>>()),
        || {
            [
                ("a abc", [("a", 1), ("abc", 3)].into_iter().collect::<Map>()),
                ("abc a", [("abc", 3), ("a", 1)].into_iter().collect()),
                ("a b", [("a", 1), ("b", 1)].into_iter().collect()),
            ]
        },
    )
    .row()
}

fn radix_trie() -> Row {
    type Trie = radix_trie::Trie<String, u8>;
    value("radix_trie::Trie<String, u8>", || {
        let of =
            |keys: [&str; 2]| keys.map(|key| (key.to_owned(), 1)).into_iter().collect::<Trie>();
        [("a abc", of(["a", "abc"])), ("abc a", of(["abc", "a"])), ("a b", of(["a", "b"]))]
    })
    .seen(|trie| format!("{:?}", radix_trie::TrieCommon::iter(trie).collect::<Vec<_>>()))
    .row()
}

fn interner() -> Row {
    type Interner = string_interner::DefaultStringInterner;
    value("string_interner::DefaultStringInterner", || {
        [("a b", Interner::from_iter(["a", "b"])), ("b a", ["b", "a"].into_iter().collect())]
    })
    .seen(|interner| format!("{:?}", interner.iter().collect::<Vec<_>>()))
    .row()
}

fn heap() -> Row {
    type Heap = dary_heap::QuaternaryHeap<u8>;
    opaque(
        "dary_heap::QuaternaryHeap<u8>",
        |heap: &Heap| format!("{:?}", heap.clone().into_sorted_vec()),
        || {
            [
                ("up", (0..6).collect::<Heap>()),
                ("down", (0..6).rev().collect()),
                ("empty", Heap::new()),
            ]
        },
    )
    .way("the order in the heap counts: `key = memokit::unordered(heap)`")
}
