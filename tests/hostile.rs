//! Files that are made to do harm take memory only in proportion to their size. This is a separate program because its
//! allocator counts.

use std::alloc::{GlobalAlloc, Layout, System};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use memo_core::persist::{Cost, Durability, Identity, Place, RealFs, Record, Store};

struct Counting;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every method passes its arguments unchanged to the system allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let live = LIVE.fetch_add(layout.size(), Relaxed) + layout.size();
        PEAK.fetch_max(live, Relaxed);
        // SAFETY: this method has the same contract, and its caller keeps it.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn identity() -> Identity {
    Identity { function: "f".to_owned(), key_format: 1, schema: 2, code: 3 }
}

fn open(dir: &Path) -> Store {
    let fs = Arc::new(RealFs);
    let store = Store::open(fs, &Place::alone(dir), &identity(), Durability::Os);
    let store = store.expect("the folder opens");
    store.begin(&mut |_| ()).expect("the folder can be written");
    store
}

/// Opens `dir` and asserts that the peak of memory is in proportion to its files.
fn assert_bounded(dir: &Path, about: &str) {
    let sizes = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len());
    let input = usize::try_from(sizes.sum::<u64>()).unwrap();
    let before = LIVE.load(Relaxed);
    PEAK.store(before, Relaxed);
    drop(open(dir));
    let peak = PEAK.load(Relaxed) - before;
    assert!(peak <= 4 * input + (1 << 20), "{about}: {peak} bytes for {input}");
}

/// Returns the path and the bytes of the only log of a folder, and the offset of its first record.
fn log_of(dir: &Path) -> (std::path::PathBuf, Vec<u8>, usize) {
    let paths = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let path = paths.into_iter().find(|path| path.to_string_lossy().contains("wal-")).unwrap();
    let bytes = fs::read(&path).unwrap();
    let start = u32::from_le_bytes(bytes[12..16].try_into().unwrap()) as usize;
    (path, bytes, start)
}

/// Returns the head of a record. Its checksum is valid in the file with this header.
fn head(header: &[u8], sequence: u64, op: u8, key: u32, value: u32) -> [u8; 56] {
    let mut head = [0; 56];
    head[0] = op;
    head[4..8].copy_from_slice(&key.to_le_bytes());
    head[8..12].copy_from_slice(&value.to_le_bytes());
    head[12..20].copy_from_slice(&sequence.to_le_bytes());
    head[20..28].copy_from_slice(&sequence.to_le_bytes());
    head[36..44].copy_from_slice(&u64::MAX.to_le_bytes());
    head[44..48].copy_from_slice(&u32::try_from(sequence).unwrap_or(7).to_le_bytes());
    let crc = crc32c::crc32c_append(crc32c::crc32c(&header[16..24]), &head[..52]);
    head[52..].copy_from_slice(&crc.to_le_bytes());
    head
}

#[test]
fn memory_is_bounded_by_the_size_of_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("results");
    let store = open(&dir);
    let cost = Cost::UNKNOWN;
    let record = Record::Put {
        key: b"k",
        value: &[1; 100_000],
        apart: false,
        created: 1,
        expires: None,
        cost,
        tags: &[],
    };
    store.commit(store.queue(record, store.since())).unwrap();
    drop(store);
    let (path, log, start) = log_of(&dir);
    let header = &log[..start];
    assert_bounded(&dir, "the original log");
    let log_with = |body: Vec<u8>| {
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir(&dir).unwrap();
        fs::write(&path, [header, &body].concat()).unwrap();
    };
    log_with(head(header, 1, 1, 1 << 20, 16 << 20).to_vec());
    assert_bounded(&dir, "a head that promises 17 MiB");
    let many = |op, key| (1..20_000).flat_map(|n| head(header, n, op, key, 0)).collect::<Vec<u8>>();
    log_with(many(1, 0));
    assert_bounded(&dir, "records without anything");
    let mut keys = Vec::new();
    for n in 1..20_000 {
        keys.extend(head(header, n, 2, 1, 0));
        keys.push(1);
    }
    log_with(keys);
    assert_bounded(&dir, "records with damaged keys");
    log_with(vec![1; 3 << 20]);
    assert_bounded(&dir, "no record at all");
    for len in [0, 20, 200, u32::MAX] {
        let mut bytes = log.clone();
        bytes[12..16].copy_from_slice(&len.to_le_bytes());
        fs::write(&path, bytes).unwrap();
        assert_bounded(&dir, "a header of another length");
    }
}
