//! Tests that the directory in tests/golden is always readable: it was written once and never changes.

use std::time::Duration;

use super::*;
use crate::codec::{Codec, Postcard};
use crate::persist::RealFs;

type Value = (u32, Option<String>, Vec<f32>);

const FORMAT: &str = "../tests/golden/format4";

fn identity() -> Identity {
    Identity {
        function: "golden::f".to_owned(),
        key_format: 1,
        schema: 0x2511_14a5_7cd3_5644_9ff9_9292_56a1_c952,
        code: 0x1234_5678_9abc_def0,
    }
}

fn value(n: u32) -> Value {
    (n, (n % 2 == 1).then(|| "odd".repeat(n as usize)), vec![0.5; n as usize])
}

fn encoded(n: u32) -> Vec<u8> {
    Postcard::new().to_bytes(&value(n)).unwrap()
}

fn record<'a>(key: &'a [u8], value: &'a [u8], n: u64) -> Record<'a> {
    let expires = (n == 2).then_some(4_102_444_800_000);
    let cost = Cost::of(Some(Duration::from_secs(n)));
    Record::Put {
        key,
        value,
        apart: false,
        created: 1_700_000_000_000 + n,
        expires,
        cost,
        tags: &[],
    }
}

/// Writes an entry whose value is kept apart.
fn write_apart(store: &Store, key: &[u8], n: u32) {
    let mut file = store.new_value().unwrap();
    file.write(&encoded(n)).unwrap();
    let reference = store.finish_value(&mut file).unwrap();
    let Record::Put { key, value, created, expires, cost, .. } = record(key, &reference, n.into())
    else {
        panic!("a put")
    };
    file.keep();
    write(store, Record::Put { key, value, apart: true, created, expires, cost, tags: &[] })
        .unwrap();
}

/// Shows how the directory was made. A snapshot holds four entries. The logs of two processes hold new entries, one
/// entry that replaces another, and a removal. The snapshot and a log have an entry each whose value is kept apart.
#[test]
fn the_golden_directory_is_written_if_the_environment_names_one() {
    let Some(directory) = std::env::var_os("MEMOKIT_WRITE_GOLDEN").map(PathBuf::from) else {
        return;
    };
    let keys: Vec<[u8; 5]> = (0..8).map(key).collect();
    let values: Vec<Vec<u8>> = (0..6).map(encoded).collect();
    let entry = |n: u32| record(&keys[n as usize], &values[n as usize], n.into());
    let (store, ..) = open_as(RealFs, &directory, &identity(), Durability::Os).unwrap();
    for n in [2, 1, 3] {
        write(&store, entry(n)).unwrap();
    }
    write_apart(&store, &keys[6], 6);
    store.heal_now().unwrap();
    let now = 1_700_000_000_003;
    store.merge(&Keep { now, ..ALL }).unwrap();
    write(&store, entry(4)).unwrap();
    let (other, ..) = open_as(RealFs, &directory, &identity(), Durability::Os).unwrap();
    let replacing = record(&keys[3], &values[0], 3);
    other.commit(other.queue_replacing(replacing, other.since())).unwrap();
    write(&other, Record::Remove { key: &keys[1] }).unwrap();
    write(&other, entry(5)).unwrap();
    write_apart(&other, &keys[7], 7);
    drop((store, other));
    std::fs::remove_file(directory.join("STATE")).unwrap();
    std::fs::write(directory.join("LOCK"), "memokit 1\n").unwrap();
}

/// Returns the key of a call with this one argument.
fn key(n: u32) -> [u8; 5] {
    let [a, b, c, d] = n.to_le_bytes();
    [6, a, b, c, d]
}

/// Returns the files in memory, because programs other than the tests may read the directory in the repository.
fn golden() -> MemFs {
    let fs = MemFs::new();
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(FORMAT);
    for entry in std::fs::read_dir(directory).expect("a folder in tests/golden") {
        let entry = entry.unwrap();
        fs.put(&dir().join(entry.file_name()), std::fs::read(entry.path()).unwrap());
    }
    assert_eq!(fs.paths().len(), 6, "{:?}", fs.paths());
    fs
}

fn open_golden(fs: &MemFs) -> (Store, Entries) {
    let place = Place::alone(&dir());
    let store = Store::open(Arc::new(fs.clone()), &place, &identity(), Durability::Os).unwrap();
    let found = contents(&store).unwrap();
    (store, found)
}

#[test]
fn the_directory_is_read() {
    let fs = golden();
    let (store, found) = open_golden(&fs);
    let pair = |k: u32, v: u32| (key(k).to_vec(), encoded(v));
    let pairs = [pair(2, 2), pair(3, 0), pair(4, 4), pair(5, 5), pair(6, 6), pair(7, 7)];
    assert_eq!(found, Entries::from(pairs));
    let recovery = store.recovery();
    assert!(recovery.discarded.is_empty(), "{recovery:?}");
    for (n, of) in [(2, 2), (3, 3), (4, 4), (5, 5), (6, 6), (7, 7)] {
        let stored = store.find(&key(n), true, &mut || ()).unwrap().expect("the record");
        let Record::Put { created, expires, cost, .. } = stored.record() else { panic!("a put") };
        assert_eq!(created, 1_700_000_000_000 + of);
        assert_eq!(expires, (n == 2).then_some(4_102_444_800_000));
        assert_eq!(cost, Cost::of(Some(Duration::from_secs(of))));
    }
    for bytes in found.values() {
        let read: Value = Postcard::new().decode(bytes).unwrap();
        assert_eq!(read, value(read.0));
    }
    store.begin(&mut |_| ()).unwrap();
    store.merge(&ALL).unwrap();
    assert_eq!(open_golden(&fs.after_process_death()).1, found);
}

#[test]
fn a_log_that_is_cut_gives_the_records_before_the_cut() {
    let fs = golden();
    let last = fs.paths().into_iter().rfind(|p| p.to_string_lossy().contains("wal-")).unwrap();
    let mut bytes = fs.get(&last).unwrap();
    bytes.pop();
    fs.put(&last, bytes);
    let (store, found) = open_golden(&fs);
    assert_eq!((losses(&store.recovery()), found.len()), (vec![Loss::TornTail], 5));
}
