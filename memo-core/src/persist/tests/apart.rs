//! Tests values that are kept apart.

use super::*;
use crate::persist::value_file::VALUE_AT;
use crate::persist::{Crash, ENOSPC, Failure, Removal};
use crate::platform::clock;

/// Returns a value that is kept apart, which differs for each `n`.
fn long(n: u8) -> Vec<u8> {
    (0..APART_FROM).map(|at| u8::try_from(at % 251).unwrap() ^ n).collect()
}

fn large(n: u8, len: usize) -> Vec<u8> {
    vec![n; len]
}

fn replace(store: &Store, key: &[u8], value: &[u8]) {
    let queued = queue(store, put(key, value), u64::MAX, Store::queue_replacing).unwrap();
    commit(store, queued).unwrap();
}

/// Begins to store a value, up to the moment before its record is queued.
fn make(store: &Store, value: &[u8]) -> (NewValue, Vec<u8>) {
    let mut file = store.new_value().unwrap();
    file.write(value).unwrap();
    let reference = store.finish_value(&mut file).unwrap();
    (file, reference)
}

fn put_apart<'a>(key: &'a [u8], reference: &'a [u8]) -> Record<'a> {
    let (value, cost) = (reference, Cost::UNKNOWN);
    Record::Put { key, value, apart: true, created: 1, expires: None, cost, tags: &[] }
}

fn compact(store: &Store, keep: &Keep<'_>) -> bool {
    let was_due = store.compact(keep).unwrap();
    store.follow(&mut |_| ()).unwrap();
    was_due
}

fn number(fs: &MemFs) -> u64 {
    list_values(fs, &dir()).unwrap()[0]
}

#[test]
fn a_merge_copies_the_record_and_not_the_value() {
    let fs = MemFs::new();
    let (store, ..) = open(&fs);
    write_apart(&store, put(b"k", &long(1))).unwrap();
    let file = number(&fs);
    for _ in 0..2 {
        store.heal_now().unwrap();
        store.merge(&ALL).unwrap();
        store.follow(&mut |_| ()).unwrap();
        assert_eq!((number(&fs), value_files(&fs)), (file, 1));
        assert_eq!(value(&store, b"k").unwrap(), Some(long(1)));
        assert_eq!(recovered(&fs).1, Entries::from([(b"k".to_vec(), long(1))]));
    }
}

#[test]
fn files_that_do_not_count_any_more_are_removed_by_a_merge() {
    let fs = MemFs::new();
    let (store, ..) = open(&fs);
    for (key, n) in [(b"a", 1), (b"b", 2), (b"c", 3), (b"d", 4)] {
        write_apart(&store, put(key, &long(n))).unwrap();
    }
    let (mut file, reference) = make(&store, &long(5));
    file.keep();
    let Record::Put { key, value, cost, .. } = put_apart(b"e", &reference) else { panic!() };
    let expiring =
        Record::Put { key, value, apart: true, created: 1, expires: Some(5), cost, tags: &[] };
    write(&store, expiring).unwrap();
    drop(file);
    for in_snapshot in [false, true] {
        if in_snapshot {
            replace(&store, b"a", &long(6));
            remove(&store, b"b").unwrap();
            replace(&store, b"c", b"short");
        }
        store.merge(&Keep { now: if in_snapshot { 5 } else { 4 }, ..ALL }).unwrap();
        store.follow(&mut |_| ()).unwrap();
        let found = contents(&store).unwrap();
        assert_eq!(found.len(), if in_snapshot { 3 } else { 5 });
        assert_eq!(value_files(&fs), kept_apart(&found));
        assert_eq!(recovered(&fs).1, found);
    }
}

/// A writer may stop for any time between its file and its record.
#[test]
fn a_merge_leaves_the_file_of_a_record_that_is_not_committed_yet() {
    for same_process in [false, true] {
        let fs = MemFs::new();
        let (writer, ..) = open(&fs);
        let other = open(&fs).0;
        let merger = if same_process { &writer } else { &other };
        let since = writer.since();
        let (mut file, reference) = make(&writer, &long(1));
        for n in 0..3 {
            write(merger, put(&[n], b"v")).unwrap();
            merger.merge(&ALL).unwrap();
            assert_eq!(value_files(&fs), 1, "not yet mentioned");
        }
        let overtaken = writer.queue(put_apart(b"k", &reference), since);
        file.keep();
        merger.merge(&ALL).unwrap();
        writer.commit(overtaken).unwrap();
        assert!(writer.is_overtaken(overtaken));
        merger.merge(&ALL).unwrap();
        assert_eq!(value_files(&fs), 1, "about to be mentioned again");
        let again = writer.queue(put_apart(b"k", &reference), writer.horizon());
        writer.commit(again).unwrap();
        assert!(!writer.is_overtaken(again));
        drop(file);
        for store in [&writer, &other] {
            store.follow(&mut |_| ()).unwrap();
            assert_eq!(value(store, b"k").unwrap(), Some(long(1)));
        }
        merger.merge(&ALL).unwrap();
        assert_eq!(recovered(&fs).1[&b"k"[..]], long(1));
    }
}

/// The record is committed while the merge reads, and what the merge chooses leaves it out. Its log still has it.
#[test]
fn a_merge_leaves_the_file_of_a_record_above_its_horizon() {
    let fs = MemFs::new();
    let (writer, ..) = open(&fs);
    let (merger, ..) = open(&fs);
    write(&merger, put(b"a", b"v")).unwrap();
    let is_used = |_: &[u8]| {
        if value_files(&fs) == 0 {
            write_apart(&writer, put(b"k", &long(1))).unwrap();
        }
        false
    };
    for _ in 0..2 {
        merger.merge(&Keep { max: 0, is_used: &is_used, ..ALL }).unwrap();
        let (recovery, found) = recovered(&fs);
        assert_eq!((found.len(), recovery.damage.len()), (value_files(&fs), 0));
    }
}

#[test]
fn what_a_killed_process_has_begun_is_removed_soon() {
    let fs = MemFs::new();
    let (dying, ..) = open(&fs);
    write_apart(&dying, put(b"k", &long(1))).unwrap();
    let (file, _) = make(&dying, &long(2));
    std::mem::forget((dying, file));
    fs.kill();
    assert_eq!(value_files(&fs), 2);
    let (store, ..) = open(&fs);
    assert!(compact(&store, &ALL));
    assert_eq!(value_files(&fs), 1);
    assert!(!compact(&store, &ALL));
    drop(store);
    assert!(!compact(&open(&fs).0, &ALL), "nothing was left");
    assert_eq!(recovered(&fs).1, Entries::from([(b"k".to_vec(), long(1))]));
}

#[test]
fn no_number_is_used_again_while_its_file_is_there() {
    let fs = MemFs::new();
    let (store, ..) = open(&fs);
    let (file, _) = make(&store, &long(1));
    std::mem::forget((store, file));
    fs.kill();
    let left = number(&fs);
    let (store, ..) = open(&fs);
    write_apart(&store, put(b"k", &long(2))).unwrap();
    assert!(list_values(&fs, &dir()).unwrap().iter().all(|n| *n >= left));
    assert_eq!(recovered(&fs).1[&b"k"[..]], long(2));
}

/// Returns a disk with two values apart, in a log or in a snapshot, and the names of their files.
fn two_values(in_snapshot: bool) -> (MemFs, [Name; 2]) {
    let fs = MemFs::new();
    let (store, ..) = open(&fs);
    write_apart(&store, put(b"a", &long(1))).unwrap();
    write_apart(&store, put(b"b", &long(2))).unwrap();
    if in_snapshot {
        store.merge(&ALL).unwrap();
    }
    let mut numbers = list_values(&fs, &dir()).unwrap();
    numbers.sort_unstable();
    (fs.after_process_death(), [Name::Value(numbers[0]), Name::Value(numbers[1])])
}

/// Checks that `b` alone is found, and that the loss of `a` is reported once.
fn only_a_is_lost(fs: &MemFs, about: &str) {
    let (store, _, found) = open(&fs.after_process_death());
    assert_eq!(found, Entries::from([(b"b".to_vec(), long(2))]), "{about}");
    assert!(value(&store, b"a").unwrap().is_none(), "{about}");
    assert_eq!(losses(&store.recovery()), [Loss::BadRecord], "{about}");
    assert_eq!(store.recovery().damage.len(), 1, "{about}");
    assert!(store.status().errors == 0, "{about}");
}

#[test]
fn damage_of_a_file_costs_its_value_alone() {
    for in_snapshot in [false, true] {
        let (fs, [a, b]) = two_values(in_snapshot);
        let whole = fs.get(&path(a)).unwrap();
        assert_eq!(whole.len() as u64, VALUE_AT + long(1).len() as u64);
        let with = |bytes: Vec<u8>| {
            let image = fs.after_process_death();
            image.put(&path(a), bytes);
            image
        };
        for bit in 0..whole.len() * 8 {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            only_a_is_lost(&with(bytes), &format!("bit {bit}"));
        }
        for len in 0..whole.len() {
            only_a_is_lost(&with(whole[..len].to_vec()), &format!("cut at {len}"));
        }
        only_a_is_lost(&with([&whole[..], b"x"].concat()), "longer");
        only_a_is_lost(&with(fs.get(&path(b)).unwrap()), "another value");
        let gone = fs.after_process_death();
        gone.remove(&path(a)).unwrap();
        only_a_is_lost(&gone, "gone");
    }
}

/// A file of the same number that was made later, as after all files were removed.
#[test]
fn a_later_file_of_the_same_number_is_not_taken_for_the_one_that_is_meant() {
    let (fs, [a, _]) = two_values(false);
    let image = MemFs::new();
    let (store, ..) = open(&image);
    write_apart(&store, put(b"x", &long(1))).unwrap();
    let other = image.get(&path(a)).expect("the same number");
    assert_ne!(other, fs.get(&path(a)).unwrap());
    fs.put(&path(a), other);
    only_a_is_lost(&fs, "a later file");
}

#[test]
fn a_reader_that_comes_late_finds_what_is_there_now() {
    for merges in [1, 2] {
        let fs = MemFs::new();
        let (writer, ..) = open(&fs);
        for key in [b"a", b"b"] {
            write_apart(&writer, put(key, &long(1))).unwrap();
        }
        let reader = open(&fs).0;
        replace(&writer, b"a", &long(2));
        remove(&writer, b"b").unwrap();
        for _ in 0..merges {
            writer.merge(&ALL).unwrap();
        }
        assert_eq!(value_files(&fs), 1);
        let mut removed = Vec::new();
        let mut find = |key: &[u8]| {
            let mut follow = || reader.follow(&mut |removal| removed.push(removal)).unwrap();
            let found = reader.find(key, true, &mut follow).unwrap();
            found.map(|stored| match stored.record() {
                Record::Put { value, apart: false, .. } => value.to_vec(),
                other => panic!("{other:?}"),
            })
        };
        assert_eq!(find(b"a"), Some(long(2)));
        assert_eq!(find(b"b"), None);
        assert!(!removed.is_empty() && losses(&reader.recovery()).is_empty());
        assert!(removed.contains(&Removal::All) || removed.len() == 2, "{removed:?}");
    }
}

#[test]
fn a_value_for_which_the_disk_has_no_room_leaves_nothing() {
    let fs = MemFs::new();
    let (store, ..) = open(&fs);
    write(&store, put(b"other", b"v")).unwrap();
    let before = fs.paths();
    for at in 0..3 {
        // Creation, header, value.
        let at = fs.operations() + at;
        fs.fail(Some(Failure { at, count: u64::MAX, errno: ENOSPC }));
        assert!(write_apart(&store, put(b"k", &long(1))).is_err());
        assert_eq!(fs.paths(), before);
        fs.fail(None);
    }
    assert!(store.status().healthy, "the log works");
    write_apart(&store, put(b"k", &long(1))).unwrap();
    assert_eq!(recovered(&fs).1.len(), 2);
}

/// The log is broken, so no record would mention the file.
#[test]
fn no_file_is_made_while_the_log_is_broken() {
    let fs = MemFs::new();
    let (store, ..) = open(&fs);
    fs.fail(Some(Failure { at: 0, count: u64::MAX, errno: ENOSPC }));
    assert!(write(&store, put(b"k", b"v")).is_err());
    fs.fail(None);
    for _ in 0..3 {
        assert!(write_apart(&store, put(b"k", &long(1))).is_err());
    }
    assert_eq!(value_files(&fs), 0);
    let memory = Entries::from([(b"k".to_vec(), long(1))]);
    checkpoint(&store, &memory).unwrap();
    assert_eq!(recovered(&fs).1, memory);
}

#[test]
fn a_removal_of_all_files_removes_those_of_values() {
    let fs = MemFs::new();
    let (full, ..) = open(&fs);
    let (other, ..) = open(&fs);
    write_apart(&full, put(b"k", &long(1))).unwrap();
    let (mut file, reference) = make(&other, &long(2));
    fs.fail(Some(Failure { at: 0, count: u64::MAX, errno: ENOSPC }));
    remove(&full, b"l").unwrap();
    fs.fail(None);
    assert_eq!(value_files(&fs), 1, "that of the other process stays");
    file.keep();
    remove(&other, b"x").unwrap();
    write(&other, put_apart(b"m", &reference)).unwrap();
    assert_eq!(recovered(&fs).1, Entries::from([(b"m".to_vec(), long(2))]));
}

#[test]
fn what_is_synced_has_its_value() {
    for (durability, ticks) in [(Durability::Always, false), (Durability::Interval, true)] {
        let fs = MemFs::new();
        let (store, ..) = open_as(fs.clone(), &dir(), &identity(), durability).unwrap();
        write_apart(&store, put(b"k", &long(1))).unwrap();
        if ticks {
            store.tick();
        }
        for image in fs.after_power_loss() {
            let found = recovered(&image.fs).1;
            assert_eq!(found.get(&b"k"[..]), Some(&long(1)), "{durability:?} {}", image.name);
        }
    }
}

/// A value whose sync failed may be lost although it can be read.
#[test]
fn a_value_whose_sync_failed_is_written_again() {
    let fs = MemFs::new();
    let (store, ..) = open(&fs);
    write_apart(&store, put(b"k", &long(1))).unwrap();
    // The file is opened, then synced.
    let at = fs.operations() + 1;
    fs.fail(Some(Failure { at, count: 1, errno: 5 }));
    assert!(store.flush().is_err());
    fs.fail(None);
    assert_eq!(value(&store, b"k").unwrap(), Some(long(1)));
    assert!(!store.has(b"k").unwrap() && !store.status().healthy);
    let memory = Entries::from([(b"k".to_vec(), long(1))]);
    checkpoint(&store, &memory).unwrap();
    assert!(store.has(b"k").unwrap());
    for image in fs.after_power_loss() {
        assert_eq!(recovered(&image.fs).1, memory, "{}", image.name);
    }
}

#[test]
fn without_durability_the_record_of_a_value_apart_is_written_at_once() {
    let fs = MemFs::new();
    let (store, ..) = open_as(fs.clone(), &dir(), &identity(), Durability::None).unwrap();
    write(&store, put(b"a", b"v")).unwrap();
    assert_eq!(recovered(&fs).1.len(), 0);
    write_apart(&store, put(b"k", &long(1))).unwrap();
    assert_eq!(recovered(&fs).1.len(), 2);
    store.merge(&ALL).unwrap();
    assert_eq!(recovered(&fs).1.len(), 2);
}

const MIB: usize = 1 << 20;

#[test]
fn values_that_are_replaced_do_not_pile_up() {
    let fs = MemFs::new();
    let (store, ..) = open(&fs);
    write_apart(&store, put(b"other", &large(0, 3 * MIB))).unwrap();
    let mut most = 0;
    for n in 1..20 {
        replace(&store, b"k", &large(n, 3 * MIB));
        most = most.max(value_files(&fs));
        compact(&store, &ALL);
    }
    assert!(most <= 5, "{most} files");
    let bytes = |entries: &Entries| entries.values().map(Vec::len).sum::<usize>() as u64;
    let found = contents(&store).unwrap();
    store.merge(&ALL).unwrap();
    store.follow(&mut |_| ()).unwrap();
    assert_eq!((found.len(), bytes(&found), value_files(&fs)), (2, 6 * MIB as u64, 2));
    for key in [&b"k"[..], b"other"] {
        remove(&store, key).unwrap();
    }
    assert!(compact(&store, &ALL), "all of it is dead");
    assert_eq!(value_files(&fs), 0);
}

#[test]
fn values_that_have_expired_are_removed_soon() {
    let fs = MemFs::new();
    let (store, ..) = open(&fs);
    let now = clock::wall();
    let (mut file, reference) = make(&store, &large(1, 5 * MIB));
    file.keep();
    let Record::Put { key, value, cost, .. } = put_apart(b"k", &reference) else { panic!() };
    let expires = Some(now + 3_600_000);
    write(&store, Record::Put { key, value, apart: true, created: 1, expires, cost, tags: &[] })
        .unwrap();
    drop(file);
    assert!(compact(&store, &Keep { now, ..ALL }));
    assert!(!compact(&store, &Keep { now, ..ALL }), "it has not expired");
    clock::steps::pass(3_600_000);
    assert!(compact(&store, &Keep { now: clock::wall(), ..ALL }));
    assert_eq!(value_files(&fs), 0);
}

#[test]
fn what_is_kept_apart_counts_as_bytes_of_a_snapshot() {
    let fs = MemFs::new();
    let (store, ..) = open(&fs);
    for n in 0..4 {
        write_apart(&store, put(&[n], &large(n, MIB))).unwrap();
    }
    for _ in 0..2 {
        let max_bytes = 5 * MIB as u64 / 2;
        store.merge(&Keep { max_bytes, ..ALL }).unwrap();
        store.follow(&mut |_| ()).unwrap();
        assert_eq!(contents(&store).unwrap().keys().flatten().collect::<Vec<_>>(), [&2, &3]);
        assert_eq!(value_files(&fs), 2);
    }
}

#[test]
fn a_crash_at_any_moment_of_a_merge_keeps_every_file_that_counts() {
    let run = |crash: Option<u64>| {
        let fs = MemFs::new();
        let (store, ..) = open_as(fs.clone(), &dir(), &identity(), Durability::Always).unwrap();
        for (key, n) in [(b"a", 1), (b"b", 2)] {
            write_apart(&store, put(key, &long(n))).unwrap();
        }
        store.merge(&ALL).unwrap();
        replace(&store, b"a", &long(3));
        let before = fs.operations();
        fs.crash(crash.map(|at| Crash { at: before + at, half: true }));
        let merged = store.merge(&ALL);
        std::mem::forget(store);
        (fs, merged.is_ok())
    };
    let expected = Entries::from([(b"a".to_vec(), long(3)), (b"b".to_vec(), long(2))]);
    for at in 0.. {
        let (fs, is_over) = run(Some(at));
        for image in fs.after_power_loss() {
            let (recovery, found) = recovered(&image.fs);
            assert_eq!(found, expected, "{at} {}", image.name);
            assert!(recovery.damage.is_empty(), "{at} {}", image.name);
        }
        if is_over {
            break;
        }
    }
}
