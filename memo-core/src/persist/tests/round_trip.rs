//! Tests that what is written can be read.

use std::time::Duration;

use super::model::{Run, Step, script};
use super::*;

#[test]
fn a_log_gives_back_what_was_committed() {
    let fs = MemFs::new();
    let (store, recovery, found) = open(&fs);
    assert_eq!((recovery.records, found), (0, Entries::new()));
    let cost = Cost::of(Some(Duration::from_secs(8)));
    let expiring = Record::Put { key: b"k", value: b"", created: 77, expires: Some(99), cost };
    write(&store, expiring).unwrap();
    write(&store, Record::Remove { key: b"k" }).unwrap();
    write(&store, Record::Clear).unwrap();
    let mut seen = Vec::new();
    let image = fs.after_process_death();
    let (_store, recovery) = Store::open(
        Arc::new(image),
        &Place::alone(&dir()),
        &identity(),
        Durability::Os,
        &mut |record| {
            seen.push(format!("{record:?}"));
        },
    )
    .unwrap();
    let expected = [expiring, Record::Remove { key: b"k" }, Record::Clear];
    assert_eq!(seen, expected.map(|record| format!("{record:?}")));
    assert_eq!(recovery.records, 3);
    assert!(recovery.discarded.is_empty());
    assert!(recovery.high_water >= 77);
}

#[test]
fn a_checkpoint_replaces_the_log_and_keeps_the_order_of_use() {
    let fs = MemFs::new();
    let (store, ..) = open(&fs);
    write(&store, put(b"gone", b"x")).unwrap();
    store
        .checkpoint(&mut |sink| {
            assert!(sink(put(b"z", b"old")));
            assert!(sink(put(b"a", b"new")));
        })
        .unwrap();
    write(&store, put(b"m", b"newest")).unwrap();
    let mut order = Vec::new();
    let image = fs.after_process_death();
    Store::open(
        Arc::new(image),
        &Place::alone(&dir()),
        &identity(),
        Durability::Os,
        &mut |record| {
            if let Record::Put { key, .. } = record {
                order.push(key.to_vec());
            }
        },
    )
    .unwrap();
    assert_eq!(order, [b"z", b"a", b"m"]);
    assert_eq!(fs.get(&path(Name::Log(1))), None);
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

fn compact(store: &Store, entries: &Entries) -> bool {
    let each = &mut |sink: &mut dyn FnMut(Record<'_>) -> bool| {
        entries.iter().for_each(|(k, v)| _ = sink(put(k, v)));
    };
    store.compact(entries.len(), each).unwrap()
}

#[test]
fn openings_without_a_write_add_only_one_log() {
    let fs = MemFs::new();
    {
        let (store, ..) = open(&fs);
        write(&store, put(b"k", b"v")).unwrap();
    }
    for _ in 0..10 {
        let (store, _, found) = open(&fs);
        assert_eq!(found, entries([("k", "v")]));
        assert!(!compact(&store, &found));
    }
    let logs = fs.paths().iter().filter(|p| p.to_string_lossy().contains("wal-")).count();
    assert_eq!(logs, 2);
}

#[test]
fn many_logs_are_compacted_and_so_is_a_long_one() {
    let fs = MemFs::new();
    for n in 0..5u8 {
        write(&open(&fs).0, put(&[n], b"v")).unwrap();
    }
    let (store, _, mut found) = open(&fs);
    assert!(compact(&store, &found));
    assert!(!compact(&store, &found));
    let long = put(b"long", &[1; 5 << 20]);
    apply(&mut found, long);
    write(&store, long).unwrap();
    assert!(store.is_outgrown() && !store.is_overfull());
    assert_eq!(recovered(&fs).1, found);
    assert!(compact(&store, &found));
    assert!(!store.is_outgrown());
}

fn bytes_on_disk(fs: &MemFs) -> usize {
    fs.paths().iter().map(|path| fs.get(path).unwrap().len()).sum()
}

#[test]
fn files_with_few_live_entries_are_compacted() {
    let fs = MemFs::new();
    let (store, ..) = open(&fs);
    let mut found = Entries::new();
    for n in 0..20u8 {
        let entry = [n; 1 << 20];
        apply(&mut found, put(&[n], &entry));
        write(&store, put(&[n], &entry)).unwrap();
    }
    assert!(compact(&store, &found));
    for n in 0..18u8 {
        apply(&mut found, Record::Remove { key: &[n] });
        write(&store, Record::Remove { key: &[n] }).unwrap();
    }
    assert!(bytes_on_disk(&fs) > 20 << 20);
    assert!(compact(&store, &found) && bytes_on_disk(&fs) < 3 << 20);
    write(&store, Record::Clear).unwrap();
    assert!(!compact(&store, &Entries::new()), "there is not much to gain");
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
    let tickets: Vec<Ticket> = (0..10u8).map(|n| store.queue(put(&[n], b"v"))).collect();
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
                    let ticket = {
                        let mut memory = memory.lock();
                        apply(&mut memory, record);
                        store.queue(record)
                    };
                    store.commit(ticket).unwrap();
                }
            });
        }
        for _ in 0..20 {
            store
                .checkpoint(&mut |sink| {
                    let entries = memory.lock().clone();
                    entries.iter().for_each(|(k, v)| _ = sink(put(k, v)));
                })
                .unwrap();
        }
    });
    let (recovery, found) = recovered(&fs);
    assert_eq!(found, *memory.lock());
    assert!(recovery.discarded.is_empty(), "{recovery:?}");
}

#[test]
fn a_removal_during_a_checkpoint_outlives_it() {
    let fs = MemFs::new();
    let (store, ..) = open(&fs);
    write(&store, put(b"k", b"v")).unwrap();
    store
        .checkpoint(&mut |sink| {
            sink(put(b"k", b"v"));
            write(&store, Record::Remove { key: b"k" }).unwrap();
            write(&store, put(b"l", b"w")).unwrap();
        })
        .unwrap();
    assert_eq!(recovered(&fs).1, entries([("l", "w")]));
    let mut run = Run::new();
    run.step(&store, Durability::Os, &Step::Clear);
    assert_eq!(recovered(&fs).1, Entries::new());
}
