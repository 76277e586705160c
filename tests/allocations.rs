//! A hit allocates nothing, whatever its arguments are, once the thread has what it needs for all hits. This is a
//! separate program because its allocator counts.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::IpAddr;
use std::time::Duration;

use memokit::memoize;
use serde::{Serialize, Serializer};

struct Counting;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

fn count_one() {
    COUNT.set(COUNT.get() + 1);
}

// SAFETY: every method passes its arguments unchanged to the system allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count_one();
        // SAFETY: this method has the same contract, and its caller keeps it.
        unsafe { System.alloc(layout) }
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count_one();
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count_one();
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(f: impl FnOnce()) -> u64 {
    let before = COUNT.get();
    f();
    COUNT.get() - before
}

/// Asserts that, after a few calls, `$hits` calls are hits and allocate nothing.
macro_rules! assert_no_allocations {
    ($name:ident as $memo:ident($($type:ty = $value:expr),*), $hits:expr) => {{
        #[memoize]
        fn $name($(_: $type),*) -> u64 {
            std::hint::black_box(7)
        }
        let hits: u64 = $hits;
        for _ in 0..3 {
            $name($($value),*);
        }
        let stats = $memo().stats();
        assert_eq!((stats.hits, stats.misses, stats.entries), (2, 1, 1));
        let allocated = allocations(|| {
            for _ in 0..hits {
                assert_eq!($name($($value),*), 7);
            }
        });
        assert_eq!(allocated, 0, "{} hits of {}", hits, stringify!($name));
        assert_eq!($memo().stats().hits, hits + 2);
    }};
}

const MANY: u64 = 10_000;
const FEW: u64 = 1_000;

#[test]
fn the_allocator_counts() {
    assert_eq!(allocations(|| drop(std::hint::black_box(Box::new(1)))), 1);
    assert_eq!(allocations(|| ()), 0);
}

#[test]
fn hits_on_numbers_and_text_allocate_nothing() {
    #[memoize]
    fn warm(n: u64) -> u64 {
        n
    }
    warm(1);
    // A thread gets what it remembers numbers in once, at its 512th hit, as it got its participant at its first call.
    assert!(allocations(|| (0..600).for_each(|_| _ = warm(1))) <= 2);
    assert_no_allocations!(by_number as by_number_memo(u64 = 42), MANY);
    assert_no_allocations!(by_text as by_text_memo(&str = "ACME", u32 = 3), MANY);
}

#[derive(Serialize)]
struct Order {
    account: Account,
    lines: Vec<String>,
    limit: Option<f64>,
}

#[derive(Serialize)]
struct Account {
    owner: String,
    tags: Vec<String>,
}

fn words(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("word number {n}")).collect()
}

#[test]
fn hits_on_nested_structs_allocate_nothing() {
    let account = Account { owner: "somebody".into(), tags: words(5) };
    let order = Order { account, lines: words(20), limit: Some(1.5) };
    assert_no_allocations!(by_struct as by_struct_memo(&Order = &order), MANY);
}

#[test]
fn hits_on_maps_and_sets_allocate_nothing() {
    let map: HashMap<String, u32> = words(20).into_iter().zip(0..).collect();
    let set: HashSet<String> = words(20).into_iter().collect();
    assert_no_allocations!(by_map as by_map_memo(&HashMap<String, u32> = &map), MANY);
    assert_no_allocations!(by_set as by_set_memo(&HashSet<String> = &set), MANY);
}

/// A struct whose fields are not in the order of their encoded names. It is an argument, and an element of a set.
#[derive(Serialize, PartialEq, Eq, Hash, PartialOrd, Ord, Clone)]
struct Unsorted {
    zebra: u8,
    ox: String,
    mule: Option<Box<Unsorted>>,
    ant: (u16, String),
}

fn unsorted(n: u8, depth: u8) -> Unsorted {
    let mule = (depth > 0).then(|| Box::new(unsorted(n, depth - 1)));
    Unsorted { zebra: n, ox: format!("ox {n}"), mule, ant: (7, "an ant of some length".into()) }
}

#[derive(Serialize)]
struct Sets {
    z: HashSet<Unsorted>,
    sets: BTreeSet<BTreeSet<u8>>,
    a: HashMap<String, BTreeMap<Option<u8>, HashSet<u16>>>,
}

#[test]
fn hits_on_fields_out_of_order_and_nested_sets_allocate_nothing() {
    let one = unsorted(1, 4);
    assert_no_allocations!(by_unsorted as by_unsorted_memo(&Unsorted = &one), MANY);
    let inner = || (0..4).map(|n| (Some(n), (0..9).collect())).collect();
    let sets = Sets {
        z: (0..4).map(|n| unsorted(n, 2)).collect(),
        sets: (0..5).map(|n| (0..n).collect()).collect(),
        a: words(4).into_iter().map(|word| (word, inner())).collect(),
    };
    assert_no_allocations!(by_sets as by_sets_memo(&Sets = &sets), FEW);
}

#[test]
fn hits_on_sixty_four_kibibytes_allocate_nothing() {
    let bytes: Vec<u8> = (0..=255).cycle().take(64 << 10).collect();
    let owned: Vec<Vec<u8>> = vec![bytes.clone(); 1_003];
    let mut owned = owned.into_iter();
    assert_no_allocations!(
        by_octets as by_octets_memo(Vec<u8> = owned.next().expect("there is one for each call")),
        FEW
    );
    assert_no_allocations!(by_slice as by_slice_memo(&[u8] = &bytes), FEW);
}

#[test]
fn hits_on_long_sequences_allocate_nothing() {
    let numbers: Vec<u64> = (0..4_000).collect();
    assert_no_allocations!(by_sequence as by_sequence_memo(&[u64] = &numbers), 100);
}

/// Serializes as text through `Display`.
struct Shown(u64);

impl Serialize for Shown {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(&format_args!("number {} of a kind", self.0))
    }
}

#[test]
fn hits_on_displayed_and_many_arguments_allocate_nothing() {
    assert_no_allocations!(by_display as by_display_memo(&Shown = &Shown(5)), MANY);
    let ip: IpAddr = [127, 0, 0, 1].into();
    assert_no_allocations!(
        by_many as by_many_memo(bool = true, char = 'x', IpAddr = ip, Duration = Duration::from_secs(1), f32 = 0.5),
        MANY
    );
}

/// The struct has more fields than the comparer tracks.
#[test]
fn hits_on_structs_of_many_fields_allocate_nothing() {
    macro_rules! wide {
        ($($field:ident)*) => {
            #[derive(Default, Serialize)]
            struct Wide { $($field: u8),* }
        };
    }
    wide!(
        a0 a1 a2 a3 a4 a5 a6 a7 a8 a9 b0 b1 b2 b3 b4 b5 b6 b7 b8 b9 c0 c1 c2 c3 c4 c5 c6 c7 c8 c9
        d0 d1 d2 d3 d4 d5 d6 d7 d8 d9 e0 e1 e2 e3 e4 e5 e6 e7 e8 e9 f0 f1 f2 f3 f4 f5 f6 f7 f8 f9
        g0 g1 g2 g3 g4 g5 g6 g7 g8 g9
    );
    let wide = Wide::default();
    assert_no_allocations!(by_wide as by_wide_memo(&Wide = &wide), FEW);
}
