//! `bypass` and `MEMOKIT_OFF` switch memoization off.

use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use memokit::{bypass, memoize};

use crate::support::{processes, run_test};

static RUNS: AtomicU32 = AtomicU32::new(0);

#[memoize]
fn counted(n: u32) -> u32 {
    RUNS.fetch_add(1, Relaxed);
    n
}

#[test]
fn a_bypassed_call_computes_and_leaves_no_trace() {
    bypass(|| counted(1));
    assert!(counted_memo().is_empty());
    counted(1);
    let before = RUNS.load(Relaxed);
    assert_eq!(bypass(|| bypass(|| counted(1)) + counted(1)), 2);
    assert_eq!(RUNS.load(Relaxed) - before, 2);
    // Other threads are not affected.
    bypass(|| std::thread::scope(|scope| scope.spawn(|| counted(1)).join().unwrap()));
    assert_eq!((counted(1), RUNS.load(Relaxed) - before), (1, 2));
    let stats = counted_memo().stats();
    assert_eq!((stats.hits, stats.misses, stats.uncached, stats.entries), (2, 1, 0, 1));
}

#[test]
fn a_panic_ends_the_bypass() {
    #[memoize]
    fn now() -> std::time::Instant {
        std::time::Instant::now()
    }
    #[memoize]
    fn fails() -> u32 {
        panic!("on purpose")
    }
    let first = now();
    assert!(std::panic::catch_unwind(|| bypass(fails)).is_err());
    assert_eq!(now(), first);
    assert_eq!((fails_memo().stats().misses, fails_memo().stats().panics), (0, 0));
    assert!(bypass(now) > first);
}

#[test]
fn a_bypass_ignores_cache_if_verify_and_scope() {
    #[memoize(cache_if = |_| panic!("cache_if must not run"), verify = 1.0)]
    fn odd(n: u32) -> u32 {
        n
    }
    #[memoize(scope = "thread")]
    fn own(n: u32) -> std::rc::Rc<u32> {
        std::rc::Rc::new(n)
    }
    assert_eq!(bypass(|| (odd(1), *own(1))), (1, 1));
    assert_eq!((odd_memo().stats().misses, own_memo().stats().misses), (0, 0));
    let first = own(1);
    assert!(std::rc::Rc::ptr_eq(&first, &own(1)));
    assert!(!bypass(|| std::rc::Rc::ptr_eq(&first, &own(1))));
}

#[memoize(persist = crate::support::folder(), durability = "os")]
fn stored(n: u32) -> u32 {
    RUNS.fetch_add(1, Relaxed);
    n
}

#[test]
fn the_environment_variable_switches_memoization_off() {
    let processes = processes!(
        || {
            stored(1);
        },
        || {
            let off = std::env::var("MEMOKIT_OFF").is_ok_and(|value| value == "1");
            for _ in 0..3 {
                stored(1);
            }
            assert_eq!(RUNS.load(Relaxed), if off { 3 } else { 0 });
            assert_eq!(stored_memo().stats().hits, if off { 0 } else { 3 });
        },
    );
    processes.run(0);
    let off = |value: &str| {
        let mut command: Command = processes.command(1);
        run_test(command.env("MEMOKIT_OFF", value));
    };
    off("1");
    off("0");
    off("");
    off("1");
}
