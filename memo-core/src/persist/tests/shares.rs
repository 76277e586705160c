//! A merge that reads share by share of the keys does what one does that has an index of all.

use super::model::Random;
use super::*;
use crate::key::Tag;
use crate::persist::scan::Event;
use crate::persist::share::SHARE_BYTES;
use crate::persist::snapshot::Snapshot;
use crate::persist::{tag_bytes, tag_key};

/// Changes one of twelve keys. Every fourth result has a tag, every fifth is kept apart.
fn change(store: &Store, random: &mut Random, n: usize) {
    let key = format!("key {}", random.below(12)).into_bytes();
    let tag = Tag::new(&random.below(2));
    match random.below(10) {
        0 => remove(store, &key).unwrap(),
        1 => {
            let key = tag_key(tag);
            store
                .remove(Record::Remove { key: &key }, store.queue(Record::Remove { key: &key }, 0))
                .unwrap();
        }
        2 if n % 3 == 0 => store.clear().unwrap(),
        3 => write_apart(store, put(&key, &vec![7; APART_FROM + n])).unwrap(),
        kind => {
            let value = format!("value {n}").into_bytes();
            let tags = if kind < 6 { tag_bytes(&[tag]) } else { Vec::new() };
            let Record::Put { created, expires, cost, .. } = put(b"", b"") else { unreachable!() };
            let (key, value, apart) = (&*key, &*value, false);
            write(store, Record::Put { key, value, tags: &tags, apart, created, expires, cost })
                .unwrap();
        }
    }
}

/// Returns the records of the only snapshot in their order, without what is random in it.
fn merged(disk: &MemFs, share_bytes: u64) -> (Vec<String>, usize) {
    let fs = disk.after_process_death();
    let (store, ..) = open(&fs);
    store.merge(&Keep { share_bytes, ..ALL }).unwrap();
    let listing = crate::persist::listing::list(&fs, &dir(), &identity()).unwrap();
    let [source] = &listing.snapshots[..] else { panic!("one snapshot") };
    let snapshot = Snapshot::open(source).unwrap().expect("it is complete");
    let (mut scan, mut records) = (snapshot.scan(), Vec::new());
    while let Some(event) = scan.next().unwrap() {
        let Event::Record(head, record) = event else { panic!("a damaged record") };
        records.push(format!("{:?} {record:?}", head.meta()));
    }
    (records, value_files(&fs))
}

#[test]
fn a_merge_in_shares_writes_the_same_snapshot_as_one_with_an_index_of_all() {
    let mut random = Random::new(5);
    for round in 0..40 {
        let fs = MemFs::new();
        let (store, ..) = open(&fs);
        for n in 0..1 + random.below(40) {
            change(&store, &mut random, n);
            if random.below(25) == 0 {
                store.merge(&ALL).unwrap();
                store.follow(&mut |_| ()).unwrap();
            }
        }
        std::mem::forget(store);
        // A snapshot that is not complete has no index, and its records count beside those of logs.
        let snapshot = fs.paths().into_iter().find(|path| path.to_string_lossy().contains("snap-"));
        if let Some(path) = snapshot.filter(|_| round % 3 == 0) {
            let mut bytes = fs.get(&path).unwrap();
            bytes.pop();
            fs.put(&path, bytes);
        }
        assert_eq!(merged(&fs, 60), merged(&fs, u64::MAX), "{round}");
        assert_eq!(merged(&fs, SHARE_BYTES), merged(&fs, u64::MAX), "{round}");
    }
}

/// What was left out can be left out only once all keys were seen.
#[test]
fn bounds_hold_in_a_merge_that_would_read_in_shares() {
    let fs = MemFs::new();
    let (store, ..) = open(&fs);
    for n in 0..20 {
        write(&store, put(format!("key {n:02}").as_bytes(), b"value")).unwrap();
    }
    store.merge(&Keep { max: 5, share_bytes: 60, ..ALL }).unwrap();
    store.follow(&mut |_| ()).unwrap();
    let kept: Vec<_> = contents(&store).unwrap().into_keys().collect();
    assert_eq!(kept, (15..20).map(|n| format!("key {n}").into_bytes()).collect::<Vec<_>>());
}

/// It changes the same files as other processes do, and these find what it does.
#[test]
fn a_process_without_an_index_is_one_of_those_that_share_a_directory() {
    let fs = MemFs::new();
    let (other, ..) = open(&fs);
    (0..20).for_each(|n: u8| write(&other, put(&[n], b"value")).unwrap());
    let place = Place::alone(&dir());
    let lean = Store::open_without_index(Arc::new(fs.clone()), &place, &identity(), Durability::Os);
    let lean = lean.unwrap();
    lean.begin(&mut |_| ()).unwrap();
    remove(&lean, &[3]).unwrap();
    write(&lean, put(&[40], b"of the other")).unwrap();
    assert_eq!(lean.shared.view.lock().index.len(), 0, "its memory does not grow with the logs");
    for _ in 0..2 {
        assert!(is_behind(&other) || other.has(&[40]).unwrap());
        other.follow(&mut |_| ()).unwrap();
        let found = contents(&other).unwrap();
        assert_eq!((found.len(), found.contains_key(&[3][..])), (20, false));
        lean.merge(&Keep { share_bytes: 60, ..ALL }).unwrap();
        lean.follow(&mut |_| ()).unwrap();
    }
    drop((other, lean));
    assert_eq!(contents(&open(&fs).0).unwrap().len(), 20);
}
