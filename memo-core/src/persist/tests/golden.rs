//! Tests that directories of all formats are always readable: each in tests/golden was written once and never changes.

use std::time::Duration;

use super::*;
use crate::codec::{Codec, Postcard};
use crate::persist::RealFs;

type Value = (u32, Option<String>, Vec<f32>);

/// Records of format 1 have no cost.
const FORMATS: [&str; 2] = ["format1", "format2"];

fn directory(format: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/golden").join(format)
}

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
    let mut bytes = Vec::new();
    Postcard::new().encode(&value(n), &mut bytes).unwrap();
    bytes
}

fn record<'a>(key: &'a [u8], value: &'a [u8], n: u64) -> Record<'a> {
    let expires = (n == 2).then_some(4_102_444_800_000);
    let cost = Cost::of(Some(Duration::from_secs(n)));
    Record::Put { key, value, created: 1_700_000_000_000 + n, expires, cost }
}

/// Shows how the directory was made. A snapshot holds three entries. The two logs after it hold new entries, one entry
/// that replaces another, and a removal.
#[test]
fn the_golden_directory_is_written_if_the_environment_names_one() {
    let Some(directory) = std::env::var_os("MEMOKIT_WRITE_GOLDEN").map(PathBuf::from) else {
        return;
    };
    let keys: Vec<[u8; 5]> = (0..6).map(key).collect();
    let values: Vec<Vec<u8>> = (0..6).map(encoded).collect();
    let entry = |n: u32| record(&keys[n as usize], &values[n as usize], n.into());
    let (store, ..) = open_as(RealFs, &directory, &identity(), Durability::Os).unwrap();
    store.checkpoint(&mut |sink| [2, 1, 3].map(entry).iter().for_each(|r| _ = sink(*r))).unwrap();
    write(&store, entry(4)).unwrap();
    drop(store);
    let (store, ..) = open_as(RealFs, &directory, &identity(), Durability::Os).unwrap();
    store.commit(store.queue_replacing(record(&keys[3], &values[0], 3))).unwrap();
    write(&store, Record::Remove { key: &keys[1] }).unwrap();
    write(&store, entry(5)).unwrap();
    drop(store);
    std::fs::write(directory.join("LOCK"), "memokit 1\n").unwrap();
}

/// Returns the key of a call with this one argument.
fn key(n: u32) -> [u8; 5] {
    let [a, b, c, d] = n.to_le_bytes();
    [6, a, b, c, d]
}

/// Returns the files in memory, because programs other than the tests may read the directory in the repository.
fn golden(format: &str) -> MemFs {
    let fs = MemFs::new();
    for entry in std::fs::read_dir(directory(format)).expect("a folder in tests/golden") {
        let entry = entry.unwrap();
        fs.put(&dir().join(entry.file_name()), std::fs::read(entry.path()).unwrap());
    }
    assert!(fs.paths().len() >= 4, "{:?}", fs.paths());
    fs
}

fn order(fs: &MemFs) -> (Recovery, Pairs, Vec<(Option<u64>, Cost)>) {
    let (mut order, mut times) = (Vec::new(), Vec::new());
    let replay = &mut |record: Record<'_>| match record {
        Record::Put { key, value, expires, cost, .. } => {
            order.push((key.to_vec(), value.to_vec()));
            times.push((expires, cost));
        }
        Record::Remove { key } => order.push((key.to_vec(), Vec::new())),
        Record::Clear => panic!("nothing was cleared"),
    };
    let opened = Store::open(
        Arc::new(fs.clone()),
        &Place::alone(&dir()),
        &identity(),
        Durability::Os,
        replay,
    )
    .unwrap();
    (opened.1, order, times)
}

#[test]
fn a_directory_of_any_format_is_read() {
    let pair = |k: u32, v: u32| (key(k).to_vec(), encoded(v));
    let expected = [
        pair(2, 2),
        pair(1, 1),
        pair(3, 3),
        pair(4, 4),
        pair(3, 0),
        (key(1).to_vec(), vec![]),
        pair(5, 5),
    ];
    for format in FORMATS {
        let (recovery, order, times) = order(&golden(format));
        assert_eq!(order, expected);
        let time = |n: u64| {
            let cost = Cost::of(Some(Duration::from_secs(n)).filter(|_| format != "format1"));
            ((n == 2).then_some(4_102_444_800_000), cost)
        };
        assert_eq!(times, [2, 1, 3, 4, 3, 5].map(time), "{format}");
        assert!(recovery.discarded.is_empty(), "{recovery:?}");
        for (_, bytes) in order.iter().filter(|(_, bytes)| !bytes.is_empty()) {
            let read: Value = Postcard::new().decode(bytes).unwrap();
            assert_eq!(read, value(read.0));
        }
    }
}

#[test]
fn a_log_of_any_format_that_is_cut_gives_the_records_before_the_cut() {
    for format in FORMATS {
        let fs = golden(format);
        let last = fs.paths().into_iter().rfind(|p| p.to_string_lossy().contains("wal-")).unwrap();
        let mut bytes = fs.get(&last).unwrap();
        bytes.pop();
        fs.put(&last, bytes);
        let (recovery, order, _) = order(&fs);
        assert_eq!((losses(&recovery), order.len()), (vec![Loss::TornTail], 6));
    }
}
