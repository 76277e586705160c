//! The process or the power ends at any operation.

use super::model::{Promise, Run};
use super::*;
use crate::persist::Crash;

/// Opens, runs the script and stops at operation `at`.
fn crashed(durability: Durability, crash: Crash) -> (MemFs, Run) {
    let fs = MemFs::new();
    fs.crash(Some(crash));
    let run = match open_as(fs.clone(), &dir(), &identity(), durability) {
        Ok((store, ..)) => Run::script(&store, durability),
        Err(_) => Run::new(),
    };
    (fs, run)
}

fn operations(durability: Durability) -> u64 {
    let fs = MemFs::new();
    let (store, ..) = open_as(fs.clone(), &dir(), &identity(), durability).unwrap();
    Run::script(&store, durability);
    fs.operations()
}

fn every_crash(durability: Durability) -> impl Iterator<Item = Crash> {
    (0..operations(durability)).flat_map(|at| [false, true].map(|half| Crash { at, half }))
}

/// A store that recovered goes on working.
fn recovers(fs: &MemFs, durability: Durability, run: &Run, promise: Promise, about: &str) {
    let opened = open_as(fs.clone(), &dir(), &identity(), durability);
    let (store, _, mut found) = opened.unwrap_or_else(|e| panic!("{about}: {e}"));
    run.check(&found, promise, about);
    let new = put(b"new", b"entry");
    apply(&mut found, new);
    write(&store, new).unwrap();
    assert_eq!(recovered(fs).1, found, "{about}");
    checkpoint(&store, &found).unwrap();
    assert_eq!(recovered(fs).1, found, "{about}");
}

#[test]
fn the_death_of_the_process_loses_nothing_acknowledged() {
    for durability in [Durability::Os, Durability::Interval, Durability::Always] {
        for crash in every_crash(durability) {
            let (fs, run) = crashed(durability, crash);
            let about = format!("{durability:?} {crash:?}");
            recovers(&fs.after_process_death(), durability, &run, Promise::Process, &about);
        }
    }
}

#[test]
fn power_loss_loses_nothing_synced() {
    for durability in [Durability::Os, Durability::Interval, Durability::Always] {
        for crash in every_crash(durability) {
            let (fs, run) = crashed(durability, crash);
            for image in fs.after_power_loss() {
                let about = format!("{durability:?} {crash:?} {}", image.name);
                recovers(&image.fs, durability, &run, Promise::Power, &about);
            }
        }
    }
}

#[test]
fn a_crash_during_recovery_changes_nothing() {
    for end in [9, 24, 40, 60, operations(Durability::Os)] {
        let (fs, run) = crashed(Durability::Os, Crash { at: end, half: true });
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
fn openings_that_keep_crashing_lose_nothing() {
    let fs = MemFs::new();
    let run = Run::script(&open(&fs).0, Durability::Os);
    let mut fs = fs.after_process_death();
    for at in 0..40 {
        fs.crash(Some(Crash { at: at % 25, half: true }));
        let _ = open_as(fs.clone(), &dir(), &identity(), Durability::Os);
        fs = fs.after_process_death();
    }
    assert_eq!(recovered(&fs).1, run.memory);
}

#[test]
fn an_opening_syncs_what_the_dead_process_had_only_written() {
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
