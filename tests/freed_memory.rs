//! A cache gives back its memory when it holds less. This is a separate program because its allocator counts.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::RefCell;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use memokit::memoize;

struct Counting;

/// The bytes that are allocated now.
static LIVE: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every method passes its arguments unchanged to the system allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size(), Relaxed);
        // SAFETY: this method has the same contract, and its caller keeps it.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const ENTRIES: u32 = 200_000;

/// Asserts that `empty` frees 98 of 100 bytes that `fill` allocates. Each shard keeps some memory for new entries.
fn assert_given_back(what: &str, fill: impl FnOnce(), empty: impl FnOnce()) {
    let before = LIVE.load(Relaxed);
    fill();
    let filled = LIVE.load(Relaxed) - before;
    assert!(filled > 40 * ENTRIES as usize, "{what}: {filled} bytes for {ENTRIES} entries");
    empty();
    let share = || (LIVE.load(Relaxed) as f64 - before as f64) / filled as f64;
    // Readers of other threads, and the background thread, may hold up what was removed for a moment.
    let begin = Instant::now();
    while share() > 0.02 && begin.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(share() <= 0.02, "{what}: {:.3} of {filled} bytes remain", share());
}

/// One test, because the allocator counts what all threads do.
#[test]
fn memory_is_given_back() {
    #[memoize]
    fn bounded(n: u32) -> u64 {
        u64::from(n)
    }
    assert_given_back(
        "set_max",
        || (0..ENTRIES).for_each(|n| _ = bounded(n)),
        || bounded_memo().set_max(10),
    );

    #[memoize]
    fn cleared(n: u32) -> u64 {
        u64::from(n)
    }
    assert_given_back(
        "clear",
        || (0..ENTRIES).for_each(|n| _ = cleared(n)),
        || cleared_memo().clear(),
    );

    #[memoize]
    fn retained(n: u32) -> u64 {
        u64::from(n)
    }
    assert_given_back(
        "retain",
        || (0..ENTRIES).for_each(|n| _ = retained(n)),
        || retained_memo().retain(|_, &value| value < 10),
    );

    #[memoize(max_bytes = 100_000_000, weigh = |_| 1)]
    fn weighed(n: u32) -> u64 {
        u64::from(n)
    }
    assert_given_back(
        "set_max_bytes",
        || (0..ENTRIES).for_each(|n| _ = weighed(n)),
        || _ = weighed_memo().set_max_bytes(100),
    );

    struct Object(memokit::Cache);
    impl Object {
        #[memoize(scope = "instance", cache = self.0)]
        fn squared(&self, n: u32) -> u64 {
            u64::from(n) * u64::from(n)
        }
        #[memoize(scope = "instance", cache = self.0, ttl = "1h")]
        fn doubled(&self, n: u32) -> u64 {
            2 * u64::from(n)
        }
    }
    let objects: RefCell<Vec<_>> =
        RefCell::new((0..1000).map(|_| Object(memokit::Cache::new())).collect());
    assert_given_back(
        "objects",
        || {
            for (n, object) in (0..ENTRIES).zip(objects.borrow().iter().cycle()) {
                object.squared(n);
                object.doubled(n);
            }
        },
        || drop(objects.take()),
    );

    #[memoize(ttl = "2s")]
    fn expiring(n: u32) -> u64 {
        u64::from(n)
    }
    assert_given_back("ttl", || (0..ENTRIES).for_each(|n| _ = expiring(n)), || ());
}
