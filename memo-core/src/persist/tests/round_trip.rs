//! Tests that what is written can be read.

use std::time::Duration;

use super::model::{Run, Step, script};
use super::*;

fn read_only(fs: &MemFs) -> Store {
    let fs = Arc::new(fs.after_process_death());
    Store::open(fs, &Place::alone(&dir()), &identity(), Durability::Os).unwrap()
}

#[test]
fn a_log_gives_back_what_was_committed() {
    let fs = MemFs::new();
    let (store, recovery, found) = open(&fs);
    assert_eq!((recovery.records, found), (0, Entries::new()));
    let cost = Cost::of(Some(Duration::from_secs(8)));
    let expiring = Record::Put {
        key: b"k",
        value: b"",
        apart: false,
        created: 77,
        expires: Some(99),
        cost,
        tags: &[],
    };
    write(&store, expiring).unwrap();
    let reader = read_only(&fs);
    let found = reader.find(b"k", true, &mut || ()).unwrap().expect("the record");
    assert_eq!(found.record(), expiring);
    assert_eq!(reader.mean_cost(), cost.time().unwrap());
    write(&store, Record::Remove { key: b"k" }).unwrap();
    assert!(read_only(&fs).find(b"k", true, &mut || ()).unwrap().is_none());
    write(&store, put(b"l", b"w")).unwrap();
    write(&store, Record::Clear).unwrap();
    let reader = read_only(&fs);
    assert!(reader.find(b"l", true, &mut || ()).unwrap().is_none());
    let recovery = reader.recovery();
    assert_eq!(recovery.records, 4);
    assert!(recovery.discarded.is_empty());
    assert!(recovery.high_water >= 77);
}

/// Returns the keys that a new process finds, in order.
fn order(fs: &MemFs) -> Vec<Vec<u8>> {
    let mut order = Vec::new();
    let each = &mut |record: Record<'_>| {
        if let Record::Put { key, .. } = record {
            order.push(key.to_vec());
        }
    };
    read_only(fs).for_each(each).unwrap();
    order
}

#[test]
fn a_merge_replaces_the_log_and_keeps_the_order_of_writing() {
    let fs = MemFs::new();
    let (store, ..) = open(&fs);
    for key in [b"gone", b"last", b"next"] {
        write(&store, put(key, b"old")).unwrap();
    }
    remove(&store, b"gone").unwrap();
    write(&store, put(b"last", b"new")).unwrap();
    store.heal_now().unwrap();
    store.merge(&ALL).unwrap();
    write(&store, put(b"m", b"newest")).unwrap();
    assert_eq!(order(&fs), [b"next".to_vec(), b"last".to_vec(), b"m".to_vec()]);
    assert_eq!(fs.get(&path(Name::Log(1))), None);
}

#[test]
fn a_merge_leaves_out_what_has_expired_and_then_the_oldest_that_is_not_used() {
    let fs = MemFs::new();
    let (store, ..) = open(&fs);
    let cost = Cost::UNKNOWN;
    write(
        &store,
        Record::Put {
            key: b"x",
            value: b"",
            apart: false,
            created: 1,
            expires: Some(5),
            cost,
            tags: &[],
        },
    )
    .unwrap();
    for key in [b"a", b"b", b"c", b"d"] {
        write(&store, put(key, b"v")).unwrap();
    }
    let keep = Keep { max: 3, now: 5, is_used: &|key| key == b"a", ..ALL };
    store.merge(&keep).unwrap();
    assert_eq!(order(&fs), [b"a", b"c", b"d"]);
    let bytes = 2 * (super::super::frame::HEAD as u64 + 2);
    store.follow(&mut |_| ()).unwrap();
    write(&store, put(b"e", b"v")).unwrap();
    store.merge(&Keep { max: u64::MAX, max_bytes: bytes, ..keep }).unwrap();
    assert!(order(&fs).len() <= 2, "{:?}", order(&fs));
}

#[test]
fn every_durability_recovers_the_script() {
    for durability in [Durability::Os, Durability::Interval, Durability::Always] {
        let fs = MemFs::new();
        let (store, ..) = open_as(fs.clone(), &dir(), &identity(), durability).unwrap();
        let run = Run::of(&script(), &store, durability);
        assert_eq!(run.errors, 0);
        let (recovery, found) = recovered(&fs);
        assert_eq!(found, run.memory);
        assert!(recovery.discarded.is_empty(), "{recovery:?}");
    }
}

#[test]
fn without_durability_only_a_flush_writes() {
    let fs = MemFs::new();
    let (store, ..) = open_as(fs.clone(), &dir(), &identity(), Durability::None).unwrap();
    write(&store, put(b"k", b"v")).unwrap();
    assert!(recovered(&fs).1.is_empty());
    store.flush().unwrap();
    assert_eq!(recovered(&fs).1, entries([("k", "v")]));
}

#[test]
fn records_that_wait_in_memory_are_bounded_without_durability() {
    let fs = MemFs::new();
    let (store, ..) = open_as(fs, &dir(), &identity(), Durability::None).unwrap();
    let before = store.status().log_bytes;
    for n in 0..3u8 {
        write(&store, put(&[n], &[0; 1 << 20])).unwrap();
    }
    assert!(store.status().log_bytes > before + (3 << 20));
}

/// Does what a cache does each second. Returns whether a merge was due.
fn compact(store: &Store) -> bool {
    let was_due = store.compact(&ALL).unwrap();
    store.follow(&mut |_| ()).unwrap();
    store.rotate_merged().unwrap();
    was_due
}

fn logs(fs: &MemFs) -> usize {
    fs.paths().iter().filter(|p| p.to_string_lossy().contains("wal-")).count()
}

#[test]
fn openings_continue_the_log() {
    let fs = MemFs::new();
    {
        let (store, ..) = open(&fs);
        write(&store, put(b"k", b"v")).unwrap();
    }
    for n in 0..10u8 {
        let (store, _, found) = open(&fs);
        assert_eq!(found.len(), 1 + usize::from(n));
        assert!(!compact(&store));
        write(&store, put(&[n], b"v")).unwrap();
    }
    assert_eq!(logs(&fs), 1);
}

#[test]
fn many_logs_are_merged_and_so_is_a_long_one() {
    let fs = MemFs::new();
    let stores: Vec<_> = (0..6).map(|_| open(&fs).0).collect();
    for (n, store) in (0..6u8).zip(&stores) {
        write(store, put(&[n], b"v")).unwrap();
    }
    stores[0].follow(&mut |_| ()).unwrap();
    assert!(!compact(&stores[0]), "all are written");
    drop(stores);
    let (store, _, mut found) = open(&fs);
    assert_eq!((found.len(), logs(&fs)), (6, 6));
    assert!(compact(&store));
    assert!(!compact(&store));
    assert_eq!((recovered(&fs).1, logs(&fs)), (found.clone(), 1));
    let long = put(b"long", &[1; 5 << 20]);
    apply(&mut found, long);
    write(&store, long).unwrap();
    assert!(store.is_outgrown() && !store.is_overfull());
    assert_eq!(recovered(&fs).1, found);
    assert!(compact(&store));
    assert!(!store.is_outgrown());
}

#[test]
fn logs_that_outgrow_the_snapshot_are_noticed_soon() {
    let fs = MemFs::new();
    let (store, ..) = open(&fs);
    let least = 4 << 20;
    let value = [7; 1000];
    // In the second round a snapshot is there, and the log is a new one.
    for _ in 0..2 {
        let most = least.max(bytes_on_disk(&fs) as u64) + (8 << 10);
        for n in 0_u32.. {
            write(&store, put(&n.to_le_bytes(), &value)).unwrap();
            if store.is_outgrown() {
                break;
            }
            assert!(store.status().log_bytes < most);
        }
        assert!(store.status().log_bytes > least);
        assert!(store.is_outgrown(), "until it is compacted");
        assert!(compact(&store));
        assert!(!store.is_outgrown());
    }
    store.set_max_bytes(1 << 20);
    assert!(store.is_outgrown(), "a lower limit counts at once");
}

fn bytes_on_disk(fs: &MemFs) -> usize {
    fs.paths().iter().map(|path| fs.get(path).unwrap().len()).sum()
}

#[test]
fn files_with_few_live_entries_are_compacted() {
    let fs = MemFs::new();
    let (store, ..) = open(&fs);
    for n in 0..20u8 {
        let entry = [n; 1 << 20];
        write(&store, put(&[n], &entry)).unwrap();
    }
    assert!(compact(&store));
    for n in 0..18u8 {
        write(&store, Record::Remove { key: &[n] }).unwrap();
    }
    assert!(bytes_on_disk(&fs) > 20 << 20);
    assert!(compact(&store) && bytes_on_disk(&fs) < 3 << 20);
    write(&store, Record::Clear).unwrap();
    assert!(!compact(&store), "there is not much to gain");
}

#[test]
fn a_record_that_is_too_large_is_refused_and_removes_the_old_value() {
    let fs = MemFs::new();
    let (store, ..) = open(&fs);
    write(&store, put(b"k", b"v")).unwrap();
    write(&store, put(b"other", b"v")).unwrap();
    let huge = vec![0; super::super::MAX_VALUE + 1];
    assert!(matches!(write(&store, put(b"k", &huge)), Err(Error::TooLarge { .. })));
    assert!(matches!(write(&store, put(&huge, b"v")), Err(Error::TooLarge { .. })));
    assert_eq!(store.status().errors, 2);
    assert!(store.status().healthy);
    assert_eq!(recovered(&fs).1, entries([("other", "v")]));
}

#[test]
fn the_largest_record_is_recovered() {
    let fs = MemFs::new();
    let (store, ..) = open(&fs);
    let (key, value) = (vec![1; super::super::MAX_KEY], vec![2; super::super::MAX_VALUE]);
    write(&store, put(&key, &value)).unwrap();
    write(&store, put(b"after", b"it")).unwrap();
    let (recovery, found) = recovered(&fs);
    assert_eq!(found.len(), 2);
    assert!(found[&key] == value && recovery.discarded.is_empty());
}

#[test]
fn a_record_inside_a_value_is_not_recovered_as_a_record() {
    let fs = MemFs::new();
    let (store, ..) = open(&fs);
    write(&store, put(b"planted", b"false")).unwrap();
    let log = fs.get(&path(Name::Log(1))).unwrap();
    write(&store, Record::Remove { key: b"planted" }).unwrap();
    write(&store, put(b"carrier", &log)).unwrap();
    let mut bytes = fs.get(&path(Name::Log(1))).unwrap();
    let carrier = bytes.len() - log.len() - 7 - super::super::frame::HEAD;
    bytes[carrier] ^= 1;
    fs.put(&path(Name::Log(1)), bytes);
    assert_eq!(recovered(&fs).1, Entries::new());
}

#[test]
fn group_commit_writes_all_queued_records_in_one_operation() {
    let fs = MemFs::new();
    let (store, ..) = open(&fs);
    let before = fs.operations();
    let tickets: Vec<Ticket> = (0..10u8).map(|n| store.queue(put(&[n], b"v"), 0)).collect();
    for ticket in tickets.into_iter().rev() {
        store.commit(ticket).unwrap();
    }
    assert_eq!(fs.operations() - before, 1);
}

#[test]
fn concurrent_writers_and_checkpoints_lose_no_change() {
    use crate::platform::sync::usual::Mutex;
    let fs = MemFs::new();
    let (store, ..) = open(&fs);
    let memory = Mutex::new(Entries::new());
    std::thread::scope(|scope| {
        for thread in 0..4u8 {
            let (store, memory) = (&store, &memory);
            scope.spawn(move || {
                for n in 0..200u8 {
                    let key = [thread, n % 50];
                    let value = [n];
                    let record =
                        if n % 7 == 3 { Record::Remove { key: &key } } else { put(&key, &value) };
                    apply(&mut memory.lock(), record);
                    // As a cache does.
                    loop {
                        let ticket = store.queue(record, store.since());
                        store.commit(ticket).unwrap();
                        if !store.is_overtaken(ticket) {
                            break;
                        }
                    }
                }
            });
        }
        for _ in 0..20 {
            store.merge(&ALL).unwrap();
            store.follow(&mut |_| ()).unwrap();
        }
    });
    let (recovery, found) = recovered(&fs);
    assert_eq!(found, *memory.lock());
    assert_eq!(super::contents(&store).unwrap(), found);
    assert!(recovery.discarded.is_empty(), "{recovery:?}");
}

#[test]
fn what_is_changed_during_a_merge_outlives_it() {
    let fs = MemFs::new();
    let (store, ..) = open(&fs);
    write(&store, put(b"k", b"v")).unwrap();
    let is_used = |_: &[u8]| {
        remove(&store, b"k").unwrap();
        write(&store, put(b"l", b"w")).unwrap();
        true
    };
    store.merge(&Keep { max: 0, is_used: &is_used, ..ALL }).unwrap();
    assert_eq!(recovered(&fs).1, entries([("l", "w")]));
    store.follow(&mut |_| ()).unwrap();
    assert_eq!(super::contents(&store).unwrap(), entries([("l", "w")]));
    let mut run = Run::new();
    run.step(&store, Durability::Os, &Step::Clear);
    assert_eq!(recovered(&fs).1, Entries::new());
}

#[test]
fn a_record_is_overtaken_only_by_a_merge_that_does_not_have_it() {
    let fs = MemFs::new();
    let (store, ..) = open(&fs);
    write(&store, put(b"k", b"v")).unwrap();
    let since = store.since();
    store.merge(&ALL).unwrap();
    let removal = store.queue(Record::Remove { key: b"k" }, 0);
    store.commit_removal(removal).unwrap();
    assert!(!store.is_overtaken(removal), "it is newer than the snapshot");
    assert!(store.is_overtaken(store.queue(put(b"k", b"v"), since - 1)));
    assert!(!store.is_overtaken(store.queue(put(b"l", b"v"), since)));
}

#[test]
fn times_that_lie_far_ahead_are_told_and_merged_away() {
    const FAR: u64 = u64::MAX / 2;
    let fs = MemFs::new();
    let (store, ..) = open(&fs);
    let (key, value): (&[u8], &[u8]) = (b"k", b"v");
    let (created, expires, cost) = (FAR, Some(FAR + 60), Cost::UNKNOWN);
    write(&store, Record::Put { key, value, apart: false, created, expires, cost, tags: &[] })
        .unwrap();
    drop(store);
    let (store, recovery, found) = open(&fs);
    assert_eq!((losses(&recovery), found.len()), (vec![Loss::FutureTime], 1));
    assert!(recovery.high_water < FAR && recovery.damage.len() == 1, "{recovery:?}");
    let keep = Keep { now: 1000, ..ALL };
    assert!(store.compact(&keep).unwrap());
    assert!(!store.compact(&keep).unwrap());
    drop(store);
    let (store, recovery, _) = open(&fs);
    assert_eq!(losses(&recovery), []);
    let stored = store.find(key, true, &mut || ()).unwrap().unwrap();
    let Record::Put { created, expires, .. } = stored.record() else { unreachable!() };
    assert_eq!((created, expires), (1000, Some(1060)));
}
