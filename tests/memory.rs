//! `max_bytes` bounds the memory that results take, and a long argument takes none. This is a separate program because
//! its allocator counts.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, LinkedList, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

use memokit::{Weigh, memoize};
use serde::Serialize;

struct Counting;

thread_local! {
    /// The bytes that this thread has allocated, less those that it has freed.
    static LIVE: Cell<isize> = const { Cell::new(0) };
    /// The largest number that this has been.
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

fn count(bytes: usize, sign: isize) {
    let bytes = isize::try_from(bytes).expect("an allocation fits an isize");
    // The thread's last values are freed after the counter.
    let _ = LIVE.try_with(|live| {
        live.set(live.get() + sign * bytes);
        let _ = PEAK.try_with(|peak| peak.set(peak.get().max(live.get())));
    });
}

// SAFETY: every method passes its arguments unchanged to the system allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 1);
        // SAFETY: this method has the same contract, and its caller keeps it.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(layout.size(), -1);
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Returns the value of `make`, and the bytes that it owns.
fn measured<T>(make: impl FnOnce() -> T) -> (T, usize) {
    let before = LIVE.get();
    let value = make();
    let owned = LIVE.get() - before;
    (value, usize::try_from(owned).expect("a value frees nothing"))
}

/// Asserts that the weight of a value is what it allocates, or at most `share` percent more.
#[track_caller]
fn assert_weight<T: Weigh>(share: usize, make: impl FnOnce() -> T) {
    let (value, owned) = measured(make);
    let (weight, type_name) = (value.heap_size(), std::any::type_name::<T>());
    assert!(owned <= weight, "{type_name} owns {owned} and weighs {weight}");
    assert!(weight <= owned + owned * share / 100, "{type_name} owns {owned} and weighs {weight}");
}

fn text(n: u32) -> String {
    "x".repeat(n as usize % 40)
}

#[derive(Clone, Weigh)]
struct Row {
    name: String,
    tags: Option<Box<[String]>>,
    numbers: BTreeMap<u32, u64>,
}

fn row(n: u32) -> Row {
    let tags = Some((0..n % 5).map(text).collect());
    Row { name: text(n), tags, numbers: (0..n % 30).map(|n| (n, n.into())).collect() }
}

#[test]
fn a_weight_is_what_a_value_allocates() {
    for len in [0, 1, 2, 5, 7, 100, 1000] {
        assert_weight(0, || (0..len).map(text).collect::<Vec<_>>());
        assert_weight(0, || (0..len).map(text).collect::<VecDeque<_>>());
        assert_weight(0, || (0..len).map(text).collect::<BinaryHeap<_>>());
        assert_weight(0, || (0..len).map(text).collect::<LinkedList<_>>());
        assert_weight(0, || (0..len).map(text).collect::<Box<[_]>>());
        assert_weight(0, || (0..len).map(|n| Some(Rc::new(text(n)))).collect::<Rc<[_]>>());
        assert_weight(0, || (0..len).map(|n| (Arc::<str>::from(text(n)), n)).collect::<Arc<[_]>>());
        assert_weight(0, || Box::new([Ok(text(len)), Err(vec![len; 9])]));
    }
}

#[test]
fn a_weight_of_a_map_is_at_least_what_it_allocates() {
    for len in [0_u32, 1, 3, 4, 14, 15, 28, 1000, 5000] {
        assert_weight(10, || (0..len).map(|n| (n, u64::from(n))).collect::<HashMap<_, _>>());
        assert_weight(30, || (0..len).collect::<HashSet<_>>());
        // One by one and in order, which leaves nodes half empty.
        let mut set = BTreeSet::new();
        assert_weight(if len < 12 { 10 } else { 60 }, || {
            (0..len).for_each(|n| _ = set.insert(n));
            set
        });
        let mut map = BTreeMap::new();
        assert_weight(if len < 12 { 10 } else { 60 }, || {
            (0..len).for_each(|n| _ = map.insert(u64::from(n), [n; 8]));
            map
        });
    }
}

#[test]
fn a_cache_of_nested_results_takes_no_more_than_its_bound() {
    const BOUND: usize = 1 << 20;
    #[memoize(max_bytes = BOUND as u64, shards = 1)]
    fn rows(n: u32) -> Vec<Row> {
        (0..50).map(|k| row(n + k)).collect()
    }
    rows(0);
    rows_memo().clear();
    let ((), live) = measured(|| (0..5000).for_each(|n| drop(rows(n))));
    let stats = rows_memo().stats();
    assert!(stats.bytes <= BOUND as u64 && stats.evicted > 1000, "{stats:?}");
    // Of each entry about 40 bytes are not counted. Garbage of at most 256 KiB waits to be freed.
    assert!(live <= BOUND + (256 << 10) + rows_memo().len() * 100, "{live}");
    assert!(live >= BOUND / 2, "{live}");
}

/// Returns the bytes that `f` has allocated at once, and those that it leaves.
fn peak_and_rest(f: impl FnOnce()) -> (isize, isize) {
    let before = LIVE.get();
    PEAK.set(before);
    f();
    (PEAK.get() - before, LIVE.get() - before)
}

#[derive(Serialize)]
struct Image {
    pixels: Vec<u8>,
    layers: HashMap<u32, Vec<u64>>,
}

/// A long argument is hashed while it is encoded, also within a struct or a map, whose items wait until they can be
/// sorted. Nothing of it stays.
#[test]
fn a_long_argument_is_not_copied() {
    #[memoize]
    fn by_bytes(bytes: &[u8]) -> usize {
        bytes.len()
    }
    #[memoize]
    fn by_image(image: &Image) -> usize {
        image.pixels.len()
    }
    let bytes = vec![7; 32 << 20];
    let layers = (0..50).map(|n| (n, vec![n.into(); 5_000])).collect();
    let image = Image { pixels: vec![7; 2 << 20], layers };
    for _ in 0..3 {
        let (peak, rest) = peak_and_rest(|| assert_eq!(by_bytes(&bytes), 32 << 20));
        assert!(peak < 200 << 10 && rest < 200 << 10, "{peak} bytes, then {rest}");
        let (peak, rest) = peak_and_rest(|| assert_eq!(by_image(&image), 2 << 20));
        assert!(peak < 200 << 10 && rest < 200 << 10, "{peak} bytes, then {rest}");
    }
    assert_eq!((by_bytes_memo().stats().hits, by_image_memo().stats().hits), (2, 2));
}

/// The items of a map wait, but their memory is freed.
#[test]
fn the_buffers_for_a_large_map_are_freed() {
    #[memoize]
    fn size(map: &HashMap<u64, u64>) -> usize {
        map.len()
    }
    let map: HashMap<_, _> = (0..100_000).map(|n| (n, n)).collect();
    let (peak, rest) = peak_and_rest(|| assert_eq!((size(&map), size(&map)), (100_000, 100_000)));
    assert!(peak > 1_000_000 && rest < 200 << 10, "{peak} bytes, then {rest}");
}
