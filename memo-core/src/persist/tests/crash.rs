//! Tests crashes: the process dies or the power fails at any operation.

use super::model::{Promise, Run, Step, script};
use super::*;
use crate::persist::{Crash, Failure};

/// Opens a store and runs the script until `crash`. If `failure` is given, it is set before the crash.
pub(super) fn crashed(
    script: &[Step],
    durability: Durability,
    failure: Option<Failure>,
    crash: Crash,
) -> (MemFs, Run) {
    let fs = MemFs::new();
    fs.fail(failure);
    fs.crash(Some(crash));
    let run = match open_as(fs.clone(), &dir(), &identity(), durability) {
        Ok((store, ..)) => Run::of(script, &store, durability),
        Err(_) => Run::new(),
    };
    fs.fail(None);
    (fs, run)
}

/// Returns how many operations the opening and the script take.
pub(super) fn operations(script: &[Step], durability: Durability, failure: Option<Failure>) -> u64 {
    let fs = MemFs::new();
    fs.fail(failure);
    if let Ok((store, ..)) = open_as(fs.clone(), &dir(), &identity(), durability) {
        Run::of(script, &store, durability);
    }
    fs.operations()
}

#[test]
fn a_crash_during_recovery_does_not_change_what_is_recovered() {
    let script = script();
    for end in [9, 24, 40, 60, operations(&script, Durability::Os, None)] {
        let (fs, run) = crashed(&script, Durability::Os, None, Crash { at: end, half: true });
        let fs = fs.after_process_death();
        let (_, expected) = recovered(&fs);
        run.check(&expected, Promise::Process, "uninterrupted");
        for at in 0.. {
            let again = fs.after_process_death();
            again.crash(Some(Crash { at, half: true }));
            let opened = open_as(again.clone(), &dir(), &identity(), Durability::Os);
            for image in again.after_power_loss() {
                assert_eq!(recovered(&image.fs).1, expected, "{end} {at} {}", image.name);
            }
            if opened.is_ok_and(|(store, ..)| store.status().errors == 0) {
                break;
            }
        }
    }
}

#[test]
fn repeated_crashes_during_opening_lose_nothing() {
    let fs = MemFs::new();
    let run = Run::of(&script(), &open(&fs).0, Durability::Os);
    let mut fs = fs.after_process_death();
    for at in 0..40 {
        fs.crash(Some(Crash { at: at % 25, half: true }));
        let _ = open_as(fs.clone(), &dir(), &identity(), Durability::Os);
        fs = fs.after_process_death();
    }
    assert_eq!(recovered(&fs).1, run.memory);
}

#[test]
fn opening_syncs_what_the_dead_process_wrote_but_did_not_sync() {
    let fs = MemFs::new();
    let (store, ..) = open_as(fs.clone(), &dir(), &identity(), Durability::Interval).unwrap();
    write(&store, put(b"k", b"v")).unwrap();
    std::mem::forget(store);
    fs.kill();
    let (_store, _, found) =
        open_as(fs.clone(), &dir(), &identity(), Durability::Interval).unwrap();
    for image in fs.after_power_loss() {
        assert_eq!(recovered(&image.fs).1, found, "{}", image.name);
    }
}

#[test]
fn a_background_sync_makes_writes_durable() {
    let fs = MemFs::new();
    let (store, ..) = open_as(fs.clone(), &dir(), &identity(), Durability::Interval).unwrap();
    write(&store, put(b"k", b"v")).unwrap();
    store.tick();
    let before = fs.operations();
    store.tick();
    assert_eq!(fs.operations(), before, "nothing to do");
    for image in fs.after_power_loss() {
        assert_eq!(recovered(&image.fs).1, entries([("k", "v")]), "{}", image.name);
    }
}

/// Returns two processes with six values, of which the first has begun a merge that fails at its operation `step`.
/// `None`: it has fewer.
fn with_failed_merge(step: u64) -> Option<(MemFs, [Store; 2], Entries)> {
    let fs = MemFs::new();
    let store = || open_as(fs.clone(), &dir(), &identity(), Durability::Always).unwrap().0;
    let stores = [store(), store()];
    let mut expected = Entries::new();
    for (n, store) in stores.iter().cycle().take(6).enumerate() {
        let key = format!("key {n}").into_bytes();
        write(store, put(&key, b"value")).unwrap();
        expected.insert(key, b"value".to_vec());
        if n == 2 {
            store.merge(&ALL).unwrap();
        }
        stores.iter().for_each(|store| store.follow(&mut |_| ()).unwrap());
        store.shared.end_log().unwrap();
    }
    fs.fail(Some(Failure { at: fs.operations() + step, count: u64::MAX, errno: 5 }));
    let failed = stores[0].merge(&ALL).is_err();
    fs.fail(None);
    failed.then_some((fs, stores, expected))
}

#[test]
fn a_merge_after_one_that_was_killed_loses_nothing() {
    for step in 0.. {
        let Some(..) = with_failed_merge(step) else { break };
        for at in 0.. {
            let (fs, [_killed, other], expected) = with_failed_merge(step).unwrap();
            other.follow(&mut |_| ()).unwrap();
            fs.crash(Some(Crash { at: fs.operations() + at, half: true }));
            let merged = other.merge(&ALL);
            for image in fs.after_power_loss() {
                assert_eq!(recovered(&image.fs).1, expected, "{step} {at} {}", image.name);
            }
            if merged.is_ok() {
                break;
            }
        }
    }
}
