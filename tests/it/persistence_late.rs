//! A folder that can be opened only after calls were answered: it adds what it holds, and brings nothing back.

use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use memokit::{Error, Memo, memoize};

use crate::support::{folder, restarts, shared, wait_until};

static RUNS: AtomicU32 = AtomicU32::new(0);

/// What this process computes, other than what the one before did.
fn answer(n: u32) -> String {
    RUNS.fetch_add(1, Relaxed);
    let again = shared().join("again").exists();
    format!("{n} of the {} process", if again { "second" } else { "first" })
}

#[memoize(persist = folder(), durability = "os")]
fn kept(n: u32) -> String {
    answer(n)
}

fn first_process() {
    (0..5).for_each(|n| _ = kept(n));
    File::create(shared().join("again")).unwrap();
}

/// Whoever has this has the folder.
fn hold(folder: &Path) -> File {
    let lock = File::options().read(true).write(true).open(folder.join("LOCK")).unwrap();
    lock.lock().unwrap();
    lock
}

/// Lets go of the folder, and waits until it is opened.
fn let_go(held: File, memo: Memo<String>) {
    assert!(matches!(memo.health(), Err(Error::Locked { .. })), "{:?}", memo.health());
    drop(held);
    wait_until("it tried again", || memo.try_init().is_ok());
}

fn get(n: u32) -> Option<String> {
    kept_memo().get(&kept_key(n))
}

fn computed_anew(n: u32) {
    assert_eq!((get(n), kept(n)), (None, format!("{n} of the second process")));
}

#[test]
fn what_it_holds_is_added() {
    restarts!(
        first_process,
        || {
            let held = hold(&folder());
            kept(0);
            let_go(held, kept_memo());
            assert_eq!(
                (kept(0), kept(4)),
                ("0 of the second process".into(), "4 of the first process".into())
            );
            assert_eq!((RUNS.load(Relaxed), kept_memo().stats().recovered), (1, 4));
        },
        || assert_eq!((kept(0), RUNS.load(Relaxed)), ("0 of the second process".into(), 0)),
    );
}

#[test]
fn what_was_invalidated_meanwhile_stays_away() {
    restarts!(
        first_process,
        || {
            let held = hold(&folder());
            kept(1);
            assert!(kept_memo().invalidate(&kept_key(1)));
            assert!(!kept_memo().invalidate(&kept_key(2)));
            let_go(held, kept_memo());
            assert_eq!((get(1), get(2)), (None, None));
        },
        || {
            computed_anew(1);
            computed_anew(2);
        },
    );
}

#[test]
fn what_was_cleared_meanwhile_stays_away() {
    restarts!(
        first_process,
        || {
            let held = hold(&folder());
            kept(1);
            kept_memo().clear();
            kept(3);
            let_go(held, kept_memo());
            assert_eq!((get(0), get(1)), (None, None));
        },
        || {
            computed_anew(0);
            computed_anew(1);
            assert_eq!(get(3).as_deref(), Some("3 of the second process"));
        },
    );
}

#[test]
fn what_retain_refused_meanwhile_stays_away() {
    restarts!(
        first_process,
        || {
            let held = hold(&folder());
            kept(1);
            kept_memo().retain(|_, _| false);
            let_go(held, kept_memo());
            assert_eq!(get(1), None);
        },
        || computed_anew(1),
    );
}

#[memoize(persist = folder(), durability = "os", max = 5)]
fn bounded(n: u32) -> String {
    answer(n)
}

fn held_of(among: std::ops::Range<u32>) -> Vec<u32> {
    among.filter(|&n| bounded_memo().get(&bounded_key(n)).is_some()).collect()
}

#[test]
fn what_this_process_computed_is_not_evicted_by_what_is_older() {
    restarts!(|| (10..20).for_each(|n| _ = bounded(n)), || {
        let held = hold(&folder());
        (0..2).for_each(|n| _ = bounded(n));
        let_go(held, bounded_memo());
        assert_eq!(held_of(0..20), [0, 1, 17, 18, 19]);
    });
}
