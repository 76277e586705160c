//! The limit of bytes of a directory.

use std::cell::Cell;
use std::time::Duration;

use super::*;
use crate::persist::Failure;
use crate::persist::locks::Locks;

const MAX: u64 = 1 << 20;

/// Returns the bytes of all files.
fn size(fs: &MemFs) -> u64 {
    fs.paths().iter().filter_map(|path| fs.get(path)).map(|content| content.len() as u64).sum()
}

fn limited(fs: &MemFs) -> Store {
    let (store, ..) = open(fs);
    store.set_max_bytes(MAX);
    store
}

fn key(n: u32) -> Vec<u8> {
    format!("key {n:06}").into_bytes()
}

/// Stores a value of 1000 bytes as a cache does, and merges when that is due. Returns whether there was room.
fn store_value(fs: &MemFs, store: &Store, n: u32, is_used: &dyn Fn(&[u8]) -> bool) -> bool {
    let has_room = store.room() >= 1000;
    if has_room {
        write(store, put(&key(n), &[7; 1000])).unwrap();
    }
    // The largest is there when the new snapshot is written and the former one still there.
    let largest = Cell::new(0);
    let is_used = |key: &[u8]| {
        largest.set(size(fs).max(largest.get()));
        is_used(key)
    };
    store.compact(&Keep { is_used: &is_used, ..ALL }).unwrap();
    store.follow(&mut |_| ()).unwrap();
    store.rotate_merged().unwrap();
    assert!(largest.get().max(size(fs)) <= MAX, "{n}: {} of {MAX}", largest.get());
    has_room
}

#[test]
fn a_directory_stays_within_its_limit_and_the_oldest_go() {
    let fs = MemFs::new();
    let store = limited(&fs);
    for n in 0..3000 {
        assert!(store_value(&fs, &store, n, &|_| false), "{n}");
    }
    let kept: Vec<u32> = (0..3000).filter(|n| value(&store, &key(*n)).unwrap().is_some()).collect();
    assert!(kept.len() > 250, "{}: a quarter of the limit is used at least", kept.len());
    assert_eq!(kept, (3000 - u32::try_from(kept.len()).unwrap()..3000).collect::<Vec<_>>());
    // Nor does the next process exceed it.
    drop(store);
    let store = limited(&fs);
    for n in 3000..4000 {
        store_value(&fs, &store, n, &|_| false);
    }
    assert!(value(&store, &key(3999)).unwrap().is_some());
}

#[test]
fn what_is_in_use_is_within_the_limit_too() {
    let fs = MemFs::new();
    let store = limited(&fs);
    for n in 0..3000 {
        store_value(&fs, &store, n, &|_| true);
    }
    let newest = (2990..3000).filter(|n| value(&store, &key(*n)).unwrap().is_some()).count();
    assert_eq!(newest, 10);
}

#[test]
fn a_result_that_is_read_again_and_again_stays() {
    let fs = MemFs::new();
    let store = limited(&fs);
    for n in 0..3000 {
        store_value(&fs, &store, n, &|_| false);
        if n % 50 == 0 {
            assert!(value(&store, &key(0)).unwrap().is_some(), "{n}");
        }
    }
    assert!(value(&store, &key(1)).unwrap().is_none());
}

#[test]
fn what_is_read_again_stays_removed_once_it_is_removed() {
    let fs = MemFs::new();
    let store = limited(&fs);
    for n in 0..400 {
        store_value(&fs, &store, n, &|_| false);
    }
    store.merge(&ALL).unwrap();
    store.follow(&mut |_| ()).unwrap();
    let oldest = recovered(&fs).1.into_keys().next().unwrap();
    // The use is written after the removal.
    let other = limited(&fs);
    remove(&other, &oldest).unwrap();
    assert!(value(&store, &oldest).unwrap().is_some(), "the store has not followed yet");
    write(&store, put(b"next", b"")).unwrap();
    for store in [&store, &other] {
        store.follow(&mut |_| ()).unwrap();
        assert_eq!(value(store, &oldest).unwrap(), None);
    }
    store.merge(&ALL).unwrap();
    let (_, found) = recovered(&fs);
    assert!(!found.contains_key(&oldest) && found.contains_key(&b"next"[..]));
}

#[test]
fn a_lowered_limit_and_a_large_value() {
    let fs = MemFs::new();
    let (store, ..) = open(&fs);
    for n in 0..3000 {
        write(&store, put(&key(n), &[7; 1000])).unwrap();
    }
    store.merge(&ALL).unwrap();
    assert!(size(&fs) > MAX);
    store.set_max_bytes(MAX);
    store.follow(&mut |_| ()).unwrap();
    assert!(store.room() < 1000);
    assert!(store.compact(&ALL).unwrap());
    store.follow(&mut |_| ()).unwrap();
    store.rotate_merged().unwrap();
    assert!(!store.compact(&ALL).unwrap(), "there is nothing left to do");
    assert!(size(&fs) <= MAX, "{}", size(&fs));
    assert!(store.room() >= 1000);
    assert_eq!(store.max_value(), MAX / 8);
}

#[test]
fn a_result_that_is_only_looked_at_goes() {
    let fs = MemFs::new();
    let store = limited(&fs);
    for n in 0..3000 {
        store_value(&fs, &store, n, &|_| false);
        if n % 50 == 0 {
            store.find(&key(0), false, &mut || ()).unwrap();
            store.cost(&key(0)).unwrap();
        }
    }
    assert!(value(&store, &key(0)).unwrap().is_none());
}

/// Returns two processes that write, and have written as much as a snapshot may take.
fn two_writers(fs: &MemFs) -> [Store; 2] {
    let stores = [limited(fs), limited(fs)];
    for n in 0..800 {
        store_value(fs, &stores[n as usize % 2], n, &|_| false);
    }
    while !stores[0].is_outgrown() {
        write(&stores[0], put(b"again", &[7; 1000])).unwrap();
    }
    stores[1].follow(&mut |_| ()).unwrap();
    stores
}

/// Writes as long as there is room.
fn fill(store: &Store) {
    for n in 1000.. {
        store.follow(&mut |_| ()).unwrap();
        if store.room() < 1000 {
            break;
        }
        write(store, put(&key(n), &[7; 1000])).unwrap();
    }
}

/// Returns two processes, of which the first has put a new snapshot in place and removed nothing yet.
fn with_unfinished_merge() -> (MemFs, [Store; 2]) {
    const EIO: i32 = 5;
    let is_snapshot =
        |path: &PathBuf| matches!(path.file_name().and_then(Name::parse), Some(Name::Snapshot(_)));
    let operations = {
        let fs = MemFs::new();
        let [merging, _other] = two_writers(&fs);
        let before = fs.operations();
        merging.merge(&ALL).unwrap();
        fs.operations() - before
    };
    for step in (0..operations).rev() {
        let fs = MemFs::new();
        let stores = two_writers(&fs);
        fs.fail(Some(Failure { at: fs.operations() + step, count: u64::MAX, errno: EIO }));
        stores[0].merge(&ALL).unwrap_err();
        fs.fail(None);
        stores[1].follow(&mut |_| ()).unwrap();
        if fs.paths().into_iter().filter(is_snapshot).count() == 2 {
            return (fs, stores);
        }
    }
    unreachable!("a merge has fewer operations")
}

#[test]
fn files_that_a_merge_has_not_removed_yet_count() {
    let (fs, [_merging, other]) = with_unfinished_merge();
    // It waits there for a processor.
    let merge = Locks::observe(&fs, &dir()).unwrap().merge(Duration::ZERO).unwrap();
    fill(&other);
    assert!(size(&fs) <= MAX, "{}", size(&fs));
    // It is killed there.
    drop(merge);
    fill(&other);
    assert!(size(&fs) <= MAX, "{}", size(&fs));
    assert!(other.compact(&ALL).unwrap());
    other.follow(&mut |_| ()).unwrap();
    assert!(other.room() >= 1000, "nothing is stored any more");
}

#[test]
fn a_leftover_that_cannot_be_removed_stops_no_merge() {
    let (fs, [_merging, other]) = with_unfinished_merge();
    let newest = || other.shared.state().unwrap().snapshot();
    let before = newest();
    for path in fs.paths().into_iter().filter(|path| *path != Name::Snapshot(before).at(&dir())) {
        fs.fix(&path);
    }
    other.merge(&ALL).unwrap_err();
    assert!(newest() > before);
}
