//! Tests operations that the system refuses.

use std::thread;

use super::crash::operations;
use super::model::{Promise, Run, script};
use super::*;
use crate::persist::{ENOSPC, Failure, SHORT};

const EIO: i32 = 5;
const EROFS: i32 = 30;
const EINTR: i32 = 4;

fn failing(durability: Durability, failure: Failure) -> (MemFs, Option<Store>, Run) {
    let fs = MemFs::new();
    fs.fail(Some(failure));
    match open_as(fs.clone(), &dir(), &identity(), durability) {
        Ok((store, ..)) => {
            let run = Run::of(&script(), &store, durability);
            (fs, Some(store), run)
        }
        Err(_) => (fs, None, Run::new()),
    }
}

#[test]
fn any_operation_may_fail_once_or_permanently() {
    thread::scope(|scope| {
        for durability in [Durability::Os, Durability::Interval, Durability::Always] {
            scope.spawn(move || {
                for errno in [EIO, ENOSPC, EROFS, EINTR, SHORT] {
                    for count in [1, 2, u64::MAX] {
                        for at in 0..operations(&script(), durability, None) {
                            one_failure(durability, Failure { at, count, errno });
                        }
                    }
                }
            });
        }
    });
}

/// Checks that what was acknowledged is there whichever operation fails, and that a checkpoint after the failure makes
/// the store healthy again.
fn one_failure(durability: Durability, failure: Failure) {
    let about = format!("{durability:?} {failure:?}");
    let (fs, store, run) = failing(durability, failure);
    fs.fail(None);
    run.check(&recovered(&fs).1, Promise::Process, &about);
    if durability == Durability::Always {
        for image in fs.after_power_loss() {
            let about = format!("{about} {}", image.name);
            run.check(&recovered(&image.fs).1, Promise::Power, &about);
        }
    }
    if failure.errno == ENOSPC || failure.count <= 2 {
        assert_eq!(run.undone, 0, "{about}");
    }
    if let Some(store) = store {
        assert_eq!(store.status().errors > 0, store.status().last_error.is_some());
        checkpoint(&store, &run.memory).unwrap_or_else(|e| panic!("{about}: {e}"));
        assert!(store.status().healthy, "{about}");
        store.flush().unwrap();
        assert_eq!(recovered(&fs).1, run.memory, "{about}");
    }
}

/// Lets a merge fail at its first write.
fn fail_to_merge(fs: &MemFs, store: &Store, errno: i32) {
    fs.fail(Some(Failure { at: 0, count: u64::MAX, errno }));
    assert!(store.merge(&ALL).is_err());
    fs.fail(None);
}

#[cfg(unix)]
#[test]
fn an_interrupted_write_is_continued() {
    let fs = MemFs::new();
    let (store, ..) = open(&fs);
    fs.fail(Some(Failure { at: fs.operations(), count: 5, errno: EINTR }));
    write(&store, put(b"k", b"v")).unwrap();
    assert_eq!(recovered(&fs).1, entries([("k", "v")]));
}

#[test]
fn short_writes_are_continued() {
    let fs = MemFs::new();
    fs.short_writes(3);
    let run = Run::of(&script(), &open(&fs).0, Durability::Os);
    assert_eq!(run.errors, 0);
    assert_eq!(recovered(&fs).1, run.memory);
}

#[test]
fn an_entry_removed_while_the_disk_is_full_is_not_recovered() {
    let remove = |store: &Store| remove(store, b"k");
    for clear in [false, true] {
        let fs = MemFs::new();
        let (store, ..) = open(&fs);
        write(&store, put(b"k", b"v")).unwrap();
        checkpoint(&store, &entries([("k", "v")])).unwrap();
        write(&store, put(b"kept", b"v")).unwrap();
        fs.fail(Some(Failure { at: 0, count: u64::MAX, errno: ENOSPC }));
        assert!(write(&store, put(b"lost", b"v")).is_err());
        if clear {
            store.commit_removal(store.queue(Record::Clear, 0)).unwrap();
        } else {
            remove(&store).unwrap();
        }
        assert!(!store.status().healthy && store.flush().is_err());
        for image in fs.after_power_loss() {
            assert_eq!(recovered(&image.fs).1, Entries::new(), "{}", image.name);
        }
        let before = fs.operations();
        remove(&store).unwrap();
        assert_eq!(fs.operations(), before, "nothing is left to remove");
        fs.fail(None);
        let memory = entries([("kept", "v"), ("lost", "v")]);
        checkpoint(&store, &memory).unwrap();
        remove(&store).unwrap();
        store.flush().unwrap();
        assert_eq!(recovered(&fs).1, memory);
    }
}

#[test]
fn a_removal_whose_write_failed_loses_no_other_entry() {
    let fs = MemFs::new();
    let (store, ..) = open(&fs);
    write(&store, put(b"k", b"v")).unwrap();
    write(&store, put(b"kept", b"v")).unwrap();
    fs.fail(Some(Failure { at: fs.operations(), count: 2, errno: EIO }));
    remove(&store, b"k").unwrap();
    for image in fs.after_power_loss() {
        let found = recovered(&image.fs).1;
        assert!(!found.contains_key(&b"k"[..]), "{}", image.name);
    }
    assert_eq!(recovered(&fs).1, entries([("kept", "v")]));
}

#[test]
fn a_removal_that_cannot_unlink_files_is_done_by_the_next_checkpoint() {
    let fs = MemFs::new();
    let (store, ..) = open(&fs);
    write(&store, put(b"k", b"v")).unwrap();
    fs.fail(Some(Failure { at: 0, count: u64::MAX, errno: EROFS }));
    assert!(remove(&store, b"k").is_err());
    assert!(!store.status().healthy && store.flush().is_err());
    fs.fail(None);
    checkpoint(&store, &Entries::new()).unwrap();
    assert_eq!(recovered(&fs).1, Entries::new());
}

#[test]
fn removals_that_a_broken_log_could_not_take_are_in_the_next_log() {
    let fs = MemFs::new();
    let (store, ..) = open(&fs);
    write(&store, put(b"k", b"v")).unwrap();
    write(&store, put(b"l", b"v")).unwrap();
    write(&store, put(b"kept", b"v")).unwrap();
    fs.fail(Some(Failure { at: 0, count: u64::MAX, errno: ENOSPC }));
    assert!(write(&store, Record::Remove { key: b"k" }).is_err());
    assert!(write(&store, put(b"unlogged", b"v")).is_err());
    assert!(write(&store, Record::Remove { key: b"l" }).is_err());
    assert!(!store.status().healthy);
    fs.fail(None);
    // The snapshot fails, but the new log is in place.
    store.heal_now().unwrap();
    fail_to_merge(&fs, &store, ENOSPC);
    let (recovery, found) = recovered(&fs);
    assert_eq!(found, entries([("kept", "v")]));
    assert!(recovery.discarded.is_empty(), "{recovery:?}");
    assert!(store.flush().is_err(), "a record is still in memory only");
    write(&store, put(b"later", b"v")).unwrap();

    let memory = entries([("kept", "v"), ("unlogged", "v"), ("later", "v"), ("k", "again")]);
    checkpoint(&store, &memory).unwrap();
    store.flush().unwrap();
    assert_eq!(recovered(&fs).1, memory, "the snapshot is newer than the pending removals");
}

#[test]
fn the_backoff_grows_with_each_failed_checkpoint_up_to_a_limit() {
    let fs = MemFs::new();
    let (store, ..) = open(&fs);
    fs.fail(Some(Failure { at: 0, count: u64::MAX, errno: EIO }));
    assert!(write(&store, put(b"k", b"v")).is_err());
    assert!(!store.compact(&ALL).unwrap() && !store.heal().unwrap(), "not yet");
    let mut delays = vec![store.backoff().as_secs()];
    for _ in 0..10 {
        assert!(checkpoint(&store, &Entries::new()).is_err());
        delays.push(store.backoff().as_secs());
    }
    assert_eq!(delays, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
    fs.fail(None);
    checkpoint(&store, &Entries::new()).unwrap();
    assert_eq!(store.backoff().as_secs(), 0);
}

#[test]
fn a_log_whose_sync_failed_is_not_written_again() {
    let fs = MemFs::new();
    let (store, ..) = open_as(fs.clone(), &dir(), &identity(), Durability::Interval).unwrap();
    write(&store, put(b"k", b"v")).unwrap();
    fs.fail(Some(Failure { at: fs.operations(), count: 1, errno: EIO }));
    assert!(store.flush().is_err());
    let len = fs.get(&path(Name::Log(1))).unwrap().len();
    assert!(write(&store, put(b"l", b"w")).is_err());
    assert!(store.flush().is_err());
    assert_eq!(fs.get(&path(Name::Log(1))).unwrap().len(), len);
    checkpoint(&store, &entries([("k", "v"), ("l", "w")])).unwrap();
    for image in fs.after_power_loss() {
        assert_eq!(recovered(&image.fs).1.len(), 2, "{}", image.name);
    }
}

#[test]
fn opening_on_a_full_disk_loses_no_earlier_entry() {
    let fs = MemFs::new();
    write(&open(&fs).0, put(b"k", b"v")).unwrap();
    let opening = fs.after_process_death();
    let before = opening.operations();
    drop(open(&opening));
    let reads = opening.operations() - before;
    for at in 0..reads {
        let image = fs.after_process_death();
        image.fail(Some(Failure { at, count: u64::MAX, errno: ENOSPC }));
        let opened = open_as(image.clone(), &dir(), &identity(), Durability::Os);
        image.fail(None);
        if let Ok((store, _, mut found)) = opened {
            assert_eq!(found, entries([("k", "v")]));
            let _ = write(&store, put(b"l", b"w"));
            apply(&mut found, put(b"l", b"w"));
            checkpoint(&store, &found).unwrap();
            assert_eq!(recovered(&image).1, found);
        } else {
            assert_eq!(recovered(&image).1, entries([("k", "v")]));
        }
    }
}

/// Each operation of the first checkpoint after the failure fails in turn. The snapshot of the next checkpoint fails,
/// too.
#[test]
fn pending_removals_outlive_failed_checkpoints() {
    for at in 0..20 {
        let fs = MemFs::new();
        let (store, ..) = open(&fs);
        write(&store, put(b"k", b"v")).unwrap();
        write(&store, put(b"kept", b"v")).unwrap();
        fs.fail(Some(Failure { at: fs.operations(), count: 2, errno: EIO }));
        assert!(write(&store, Record::Remove { key: b"k" }).is_err());
        fs.fail(Some(Failure { at: fs.operations() + at, count: 1, errno: EIO }));
        let _ = checkpoint(&store, &entries([("kept", "v")]));
        fs.fail(None);
        store.heal_now().unwrap();
        fail_to_merge(&fs, &store, EIO);
        let (recovery, found) = recovered(&fs);
        assert_eq!(found, entries([("kept", "v")]), "{at}");
        // The failed write is in the log that was abandoned, unless a snapshot has replaced that.
        let is_torn = |loss: &Loss| *loss == Loss::TornTail;
        assert!(losses(&recovery).iter().all(is_torn), "{at}: {recovery:?}");
        assert!(recovery.damage.is_empty());
    }
}

#[test]
fn failed_snapshots_leave_no_files() {
    let fs = MemFs::new();
    let (store, ..) = open(&fs);
    write(&store, put(b"k", b"v")).unwrap();
    for _ in 0..5 {
        fail_to_merge(&fs, &store, ENOSPC);
        write(&store, put(b"l", b"w")).unwrap();
    }
    assert_eq!(fs.paths(), [path(Name::Lock), path(Name::Log(1))]);
    assert_eq!(recovered(&fs).1, entries([("k", "v"), ("l", "w")]));
}

#[test]
fn a_removal_queued_before_a_failed_background_sync_stays_pending() {
    let fs = MemFs::new();
    let (store, ..) = open_as(fs.clone(), &dir(), &identity(), Durability::Interval).unwrap();
    write(&store, put(b"k", b"v")).unwrap();
    let removal = store.queue(Record::Remove { key: b"k" }, 0);
    fs.fail(Some(Failure { at: fs.operations(), count: 1, errno: EIO }));
    store.tick();
    assert!(store.commit(removal).is_err());
    assert_eq!(store.status().errors, 2);
    store.heal_now().unwrap();
    fail_to_merge(&fs, &store, EIO);
    assert_eq!(recovered(&fs).1, Entries::new());
}
