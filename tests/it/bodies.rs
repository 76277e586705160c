//! A body with an item that must exist once exists once, for the function and its companion together.

use std::panic::Location;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use memokit::memoize;

/// Declares a static counter, and returns what it has counted.
macro_rules! count {
    () => {{
        static CALLS: AtomicU32 = AtomicU32::new(0);
        CALLS.fetch_add(1, Relaxed) + 1
    }};
}

/// A type from outside the bodies.
struct Outside;

trait Show {
    fn show(&self) -> u32;
}

#[test]
fn a_static_counts_the_calls_of_both() {
    #[memoize]
    fn free(n: u32) -> u32 {
        static CALLS: AtomicU32 = AtomicU32::new(0);
        n * 10 + CALLS.fetch_add(1, Relaxed) + 1
    }
    #[memoize(key = n)]
    #[track_caller]
    fn tracked(mut n: u32) -> (u32, u32) {
        static CALLS: AtomicU32 = AtomicU32::new(0);
        n += CALLS.fetch_add(1, Relaxed);
        (n, Location::caller().line())
    }
    #[memoize(skip(_unused))]
    unsafe fn dangerous(n: u32, _unused: u8, (a, _): (u32, u32)) -> u32 {
        static mut CALLS: u32 = 0;
        unsafe { CALLS += 1 };
        n + a + unsafe { CALLS }
    }
    assert_eq!((free(1), free(2), free_uncached(3), free(1)), (11, 22, 33, 11));
    assert_eq!((tracked(1), tracked_uncached(1)), ((1, line!()), (2, line!())));
    // SAFETY: no other test calls this function, which alone uses the static.
    let calls = unsafe { (dangerous(1, 0, (0, 1)), dangerous_uncached(1, 0, (0, 1))) };
    assert_eq!(calls, (2, 3));
}

#[test]
fn every_kind_of_generic_function() {
    #[memoize]
    fn array<T: serde::Serialize + Copy, const N: usize>(
        values: [T; N],
        extra: impl Into<u32> + serde::Serialize + Copy,
    ) -> u32 {
        static CALLS: AtomicU32 = AtomicU32::new(0);
        let _ = values;
        extra.into() + CALLS.fetch_add(1, Relaxed)
    }
    assert_eq!(array([1_u8, 2], 10_u32), 10);
    assert_eq!((array([1_u8, 2], 10_u32), array([1_u8], 10_u32)), (10, 11));
    assert_eq!(array_uncached([1_u8], 10_u32), 12);
    assert_eq!(array_memo::<u8, 2, u32>().stats().hits, 1);
}

#[test]
fn tasks() {
    #[memoize]
    async fn task(n: u32) -> u32 {
        static CALLS: AtomicU32 = AtomicU32::new(0);
        tokio::task::yield_now().await;
        n * 10 + CALLS.fetch_add(1, Relaxed) + 1
    }
    smol::block_on(async {
        assert_eq!((task(1).await, task(1).await, task_uncached(1).await), (11, 11, 12));
    });
}

#[test]
fn impls_and_symbols_compile() {
    #[memoize]
    #[allow(non_local_definitions, reason = "this is what the test is about")]
    fn shown(n: u32) -> u32 {
        impl Show for Outside {
            fn show(&self) -> u32 {
                1
            }
        }
        #[unsafe(no_mangle)]
        extern "C" fn memokit_test_symbol() -> u32 {
            2
        }
        n + Outside.show() + memokit_test_symbol()
    }
    assert_eq!((shown(1), shown_uncached(2)), (4, 5));
}

#[test]
fn functions_in_an_impl() {
    struct Counter;
    impl Counter {
        #[memoize(in_impl)]
        fn associated(n: u32) -> u32 {
            static CALLS: AtomicU32 = AtomicU32::new(0);
            n * 10 + CALLS.fetch_add(1, Relaxed) + 1
        }
        #[memoize(companion = none)]
        fn alone(n: u32) -> u32 {
            n * 10 + count!()
        }
    }
    assert_eq!((Counter::associated(1), Counter::associated_uncached(1)), (11, 12));
    assert_eq!((Counter::alone(1), Counter::alone(2)), (11, 22));
}

/// An inner call of an uncached call is cached as ever.
#[test]
fn an_uncached_call_caches_its_inner_calls() {
    #[memoize]
    fn factorial(n: u64) -> u64 {
        static CALLS: AtomicU32 = AtomicU32::new(0);
        CALLS.fetch_add(1, Relaxed);
        if n == 0 { 1 } else { n * factorial(n - 1) }
    }
    assert_eq!(factorial_uncached(5), 120);
    let stats = factorial_memo().stats();
    assert_eq!((stats.misses, factorial_memo().get(&factorial_key(5))), (5, None));
    assert_eq!(factorial_memo().get(&factorial_key(4)), Some(24));
}
