//! `invalidate_where` removes results by their keys.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::thread;

use memokit::{Explanation, Remover, memoize};
use serde::{Deserialize, Serialize};

use crate::support::{folder, restarts, wait_until};

#[test]
fn results_go_by_their_arguments() {
    #[memoize(explain)]
    fn quote(symbol: &str, amount: u32) -> String {
        format!("{amount} {symbol}")
    }
    for amount in 0..10 {
        drop((quote("ACME", amount), quote("Other", amount)));
    }
    let removed = quote_memo().invalidate_where(|key| {
        key.get("symbol") == Ok("ACME") && key.get::<u32>("amount").is_ok_and(|n| n >= 5)
    });
    assert_eq!((removed, quote_memo().len(), quote_memo().stats().invalidated), (5, 15, 5));
    assert_eq!(quote_memo().get(&quote_key("ACME", 5)), None);
    assert!(quote_memo().get(&quote_key("ACME", 4)).is_some());
    let by = quote_memo().explain(&quote_key("ACME", 5));
    let Explanation::Invalidated { by, .. } = by else { panic!("{by}") };
    assert_eq!(by, Remover::InvalidateWhere);
    assert_eq!(quote_memo().invalidate_where(|_| false), 0);
    let panics = || quote_memo().invalidate_where(|_| panic!("on purpose"));
    assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
    assert_eq!(quote_memo().len(), 15);
}

#[test]
fn what_is_being_computed_is_judged_by_its_key() {
    static OPEN: AtomicBool = AtomicBool::new(false);
    #[memoize]
    fn gated(n: u32) -> u32 {
        wait_until("the gate opens", || OPEN.load(Relaxed));
        n
    }
    thread::scope(|scope| {
        let calls = [1, 2].map(|n| scope.spawn(move || gated(n)));
        wait_until("both compute", || gated_memo().computing() == 2);
        assert_eq!(gated_memo().invalidate_where(|key| key.get("n") == Ok(1_u32)), 1);
        OPEN.store(true, Relaxed);
        assert_eq!(calls.map(|call| call.join().unwrap()), [1, 2], "the callers get the results");
    });
    assert_eq!(gated_memo().get(&gated_key(1)), None);
    assert_eq!(gated_memo().get(&gated_key(2)), Some(2), "the other is kept");
}

/// Counts how often it is decoded.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Counted(u32);

static DECODED: AtomicU32 = AtomicU32::new(0);

impl<'de> Deserialize<'de> for Counted {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        DECODED.fetch_add(1, Relaxed);
        u32::deserialize(deserializer).map(Self)
    }
}

#[memoize(persist = folder(), max = 4)]
fn stored(n: u32) -> Counted {
    Counted(n)
}

#[test]
fn on_disk_keys_alone_are_decoded_and_removals_stay() {
    fn write() {
        (0..4).for_each(|n| _ = stored(n));
        stored_memo().snapshot().unwrap();
        (4..6).for_each(|n| _ = stored(n));
        stored_memo().flush().unwrap();
    }
    fn remove() {
        assert_eq!(stored(1), Counted(1));
        assert_eq!((stored_memo().len(), stored_memo().stats().stored), (1, 6));
        let before = DECODED.load(Relaxed);
        let removed = stored_memo().invalidate_where(|key| key.get::<u32>(0).unwrap() % 2 == 1);
        assert_eq!((removed, DECODED.load(Relaxed)), (3, before), "1, 3 and 5");
        assert!(stored_memo().is_empty());
        check();
    }
    fn check() {
        let left = |n: &u32| stored_memo().get(&stored_key(*n)).is_some();
        assert_eq!((0..6).filter(left).collect::<Vec<_>>(), [0, 2, 4]);
    }
    restarts!(write, remove, check);
}

#[test]
fn threads_compute_while_others_invalidate() {
    #[memoize(max = 64)]
    fn double(n: u32) -> u32 {
        2 * n
    }
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| (0..4000).for_each(|n| assert_eq!(double(n % 100), n % 100 * 2)));
        }
        scope.spawn(|| {
            for n in 0..100_u32 {
                double_memo().invalidate_where(|key| key.get("n") == Ok(n));
            }
        });
    });
    assert!(double_memo().invalidate_where(|_| true) <= 64);
    assert!(double_memo().is_empty());
}
