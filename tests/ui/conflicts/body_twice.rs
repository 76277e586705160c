use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use memokit::memoize;

struct Counter;

impl Counter {
    #[memoize]
    fn associated(n: u32) -> u32 {
        static CALLS: AtomicU32 = AtomicU32::new(0);
        n + CALLS.fetch_add(1, Relaxed)
    }
}

#[memoize(key = a)]
fn taken_apart((a, b): (u32, u32)) -> u32 {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    a + b + CALLS.fetch_add(1, Relaxed)
}

fn main() {
    let _ = (Counter::associated_uncached(1), Counter::associated_memo(), taken_apart_uncached((1, 2)));
}
