//! The system's allocator, with a count of bytes that is started on demand. Until then, as in every timed case, the
//! count costs one relaxed load per allocation.

#![expect(unsafe_code, reason = "a global allocator is an unsafe trait")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering::Relaxed};

struct Counting;

static ON: AtomicBool = AtomicBool::new(false);
static LIVE: AtomicI64 = AtomicI64::new(0);
static PEAK: AtomicI64 = AtomicI64::new(0);

#[global_allocator]
static GLOBAL: Counting = Counting;

fn count(from: usize, to: usize) {
    if ON.load(Relaxed) {
        let change = to as i64 - from as i64;
        let live = LIVE.fetch_add(change, Relaxed) + change;
        PEAK.fetch_max(live, Relaxed);
    }
}

// SAFETY: every method passes its arguments to the system's allocator and returns the result of that.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(0, layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(0, layout.size());
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        count(layout.size(), 0);
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(layout.size(), size);
        unsafe { System.realloc(at, layout, size) }
    }
}

/// Starts to count, for the rest of the process.
pub(crate) fn start() {
    ON.store(true, Relaxed);
}

/// Returns the bytes that were allocated minus the bytes that were freed since the start. Memory that was allocated
/// before the start and freed after it makes the result lower, even negative.
pub(crate) fn live() -> i64 {
    LIVE.load(Relaxed)
}

/// Returns the largest number of live bytes since the last call of this function.
pub(crate) fn take_peak() -> i64 {
    PEAK.swap(live(), Relaxed)
}
