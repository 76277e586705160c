//! Tests of the file system in files that were opened before, at every moment at which its program may end.

use std::io;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;

use super::model::{Step, script};
use super::*;
use crate::persist::fs::{read_start, write_all};
use crate::persist::fs_pool::PoolFs;
use crate::platform::access_handle::AccessHandle;

/// What the files of a pool hold.
#[derive(Clone, Default)]
struct Drive {
    files: Vec<Arc<Mutex<Bytes>>>,
    /// So many writes are done until the program ends in the middle of one.
    left: Arc<AtomicUsize>,
}

#[derive(Clone, Default)]
struct Bytes {
    written: Vec<u8>,
    /// What a loss of power leaves.
    durable: Vec<u8>,
}

struct Handle {
    bytes: Arc<Mutex<Bytes>>,
    left: Arc<AtomicUsize>,
}

const ENDLESS: usize = usize::MAX / 2;

impl Drive {
    fn new(files: usize) -> Self {
        let files = (0..files).map(|_| Arc::default()).collect();
        Self { files, left: Arc::new(AtomicUsize::new(ENDLESS)) }
    }

    fn pool(&self) -> PoolFs {
        let handle = |bytes: &Arc<Mutex<Bytes>>| -> Box<dyn AccessHandle> {
            Box::new(Handle { bytes: Arc::clone(bytes), left: Arc::clone(&self.left) })
        };
        PoolFs::open(self.files.iter().map(handle).collect(), || ()).unwrap()
    }

    /// Returns what the next program finds, after a loss of power or only the end of this program.
    fn after(&self, power: bool) -> Self {
        let copy = |bytes: &Arc<Mutex<Bytes>>| {
            let Bytes { written, durable } = bytes.lock().unwrap().clone();
            let written = if power { durable } else { written };
            Arc::new(Mutex::new(Bytes { durable: written.clone(), written }))
        };
        let files = self.files.iter().map(copy).collect();
        Self { files, left: Arc::new(AtomicUsize::new(ENDLESS)) }
    }

    fn writes_done(&self) -> usize {
        ENDLESS - self.left.load(Ordering::SeqCst)
    }
}

impl Handle {
    /// Returns whether the program ends with this write.
    fn is_last(&self) -> io::Result<bool> {
        let left = self.left.load(Ordering::SeqCst);
        if left == 0 {
            return Err(io::Error::other("the program has ended"));
        }
        self.left.store(left - 1, Ordering::SeqCst);
        Ok(left == 1)
    }
}

impl AccessHandle for Handle {
    fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<usize> {
        let held = self.bytes.lock().unwrap();
        let rest = held.written.get(usize::try_from(at).unwrap()..).unwrap_or_default();
        // Also short reads have to do.
        let len = rest.len().min(bytes.len()).min(700);
        bytes[..len].copy_from_slice(&rest[..len]);
        Ok(len)
    }

    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<usize> {
        // In the middle of a label too, which is mostly zeros.
        let torn = (bytes.len() / 2).min(18);
        let bytes = if self.is_last()? { &bytes[..torn] } else { bytes };
        let (mut held, at) = (self.bytes.lock().unwrap(), usize::try_from(at).unwrap());
        let len = held.written.len().max(at + bytes.len());
        held.written.resize(len, 0);
        held.written[at..at + bytes.len()].copy_from_slice(bytes);
        Ok(bytes.len())
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        self.is_last()?;
        self.bytes.lock().unwrap().written.resize(usize::try_from(len).unwrap(), 0);
        Ok(())
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.bytes.lock().unwrap().written.len() as u64)
    }

    fn flush(&self) -> io::Result<()> {
        self.is_last()?;
        let mut held = self.bytes.lock().unwrap();
        held.durable = held.written.clone();
        Ok(())
    }
}

fn write_file(fs: &PoolFs, path: &str, content: &[u8]) -> io::Result<()> {
    let file = fs.create(Path::new(path))?;
    write_all(&*file, content, 0)?;
    file.sync()
}

fn read_file(fs: &PoolFs, path: &str) -> Option<Vec<u8>> {
    read_start(&*fs.open(Path::new(path)).ok()?, 100_000).ok()
}

#[test]
fn a_file_that_is_replaced_is_the_old_or_the_new_one_at_any_moment() {
    let replace = |fs: &PoolFs| -> io::Result<()> {
        write_file(fs, "/d/new", &[2; 3000])?;
        fs.rename(Path::new("/d/new"), Path::new("/d/file"))?;
        fs.rename(Path::new("/d/other"), Path::new("/d/moved"))?;
        fs.remove(Path::new("/d/third"))
    };
    let prepared = || {
        let drive = Drive::new(5);
        let fs = drive.pool();
        write_file(&fs, "/d/file", &[1; 2000]).unwrap();
        write_file(&fs, "/d/other", b"other").unwrap();
        write_file(&fs, "/d/third", b"third").unwrap();
        (drive, fs)
    };
    let (drive, fs) = prepared();
    let before = drive.writes_done();
    replace(&fs).unwrap();
    let all = drive.writes_done() - before;
    for (last, power) in (0..=all).flat_map(|last| [(last, false), (last, true)]) {
        let (drive, fs) = prepared();
        drive.left.store(last, Ordering::SeqCst);
        let replaced = replace(&fs).is_ok();
        let found = drive.after(power).pool();
        let file = read_file(&found, "/d/file").expect("one of both");
        assert!(file == [1; 2000] || file == [2; 3000], "{last} {power} {}", file.len());
        assert!(!replaced || (file == [2; 3000] && read_file(&found, "/d/third").is_none()));
        let moved = ["/d/other", "/d/moved"].map(|path| read_file(&found, path));
        assert_eq!(moved.into_iter().flatten().collect::<Vec<_>>(), [b"other"], "{last} {power}");
        // Each of the five files has a name or is free.
        let names = found.list(Path::new("/d")).unwrap();
        assert_eq!(names.len() + found.free(), 5, "{last} {power} {names:?}");
    }
}

#[test]
fn a_removed_file_that_is_open_keeps_its_content() {
    let fs = Drive::new(2).pool();
    write_file(&fs, "/d/a", b"first").unwrap();
    let open = fs.open(Path::new("/d/a")).unwrap();
    fs.remove(Path::new("/d/a")).unwrap();
    assert!(!open.is_at(Path::new("/d/a")));
    assert_eq!(fs.free(), 1);
    write_file(&fs, "/d/a", b"other").unwrap();
    assert_eq!(read_start(&*open, 10).unwrap(), b"first");
    assert!(!open.is_at(Path::new("/d/a")));
    let refused = write_file(&fs, "/d/b", b"").unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::StorageFull);
    drop(open);
    write_file(&fs, "/d/b", b"third").unwrap();
    assert_eq!(read_file(&fs, "/d/a").unwrap(), b"other");
    let names = fs.list(Path::new("/d")).unwrap();
    assert_eq!(names, ["a", "b"]);
}

#[test]
fn a_removed_file_takes_no_room() {
    let drive = Drive::new(2);
    let len = |n: usize| drive.files[n].lock().unwrap().written.len();
    let fs = drive.pool();
    write_file(&fs, "/d/a", &[1; 100_000]).unwrap();
    fs.remove(Path::new("/d/a")).unwrap();
    assert!(len(0).max(len(1)) < 10_000);
    // Nor does one that was removed just before the program ended.
    write_file(&fs, "/d/b", &[1; 100_000]).unwrap();
    let open = fs.open(Path::new("/d/b")).unwrap();
    fs.remove(Path::new("/d/b")).unwrap();
    assert!(len(0).max(len(1)) > 100_000);
    let next = drive.after(false);
    next.pool();
    assert!(next.files.iter().all(|file| file.lock().unwrap().written.len() < 10_000));
    drop(open);
}

#[test]
fn a_pool_without_a_free_file_asks_for_more() {
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    let fs = PoolFs::open(Vec::new(), || {
        ASKED.fetch_add(1, Ordering::SeqCst);
    })
    .unwrap();
    for asked in 1..3 {
        write_file(&fs, "/d/a", b"").unwrap_err();
        assert_eq!(ASKED.load(Ordering::SeqCst), asked);
    }
}

#[test]
fn the_locks_of_one_opening_exclude_another() {
    let fs = Drive::new(2).pool();
    let [one, other] = [(); 2].map(|()| fs.byte_locks(Path::new("/d/LOCK"), b"").unwrap());
    assert!(one.try_lock(7).unwrap() && one.try_lock(7).unwrap());
    assert!(!other.try_lock(7).unwrap() && other.try_lock(8).unwrap());
    assert!(other.is_locked_by_other(0, 10).unwrap() && !other.is_locked_by_other(8, 10).unwrap());
    other.unlock(7).unwrap();
    assert!(other.is_locked_by_other(7, 1).unwrap());
    drop(one);
    assert!(!other.is_locked_by_other(0, 10).unwrap() && other.try_lock(7).unwrap());
}

#[test]
fn a_version_that_this_program_uses_is_not_removed() {
    let fs = Drive::new(32).pool();
    let (used, ..) = open_as(fs.clone(), &dir(), &identity(), Durability::Os).unwrap();
    write(&used, put(b"key", b"value")).unwrap();
    let refused = open_as(fs, &dir(), &identity(), Durability::Os).map(drop);
    assert!(matches!(refused, Err(Error::Locked { .. })), "{refused:?}");
}

/// Does what a step says. Returns whether it was acknowledged.
fn run(store: &Store, memory: &mut Entries, step: &Step) -> bool {
    let done = match step {
        Step::Put(key, value) => write_apart(store, put(key.as_bytes(), value.as_bytes())),
        Step::Batch(_) | Step::Tick => Ok(()),
        Step::Remove(key) => remove(store, key.as_bytes()),
        Step::Clear => store.clear(),
        Step::Checkpoint => checkpoint(store, memory),
        Step::Flush => store.flush(),
    };
    if done.is_ok() {
        change(memory, step);
    }
    done.is_ok()
}

fn change(memory: &mut Entries, step: &Step) {
    match step {
        Step::Put(key, value) => apply(memory, put(key.as_bytes(), value.as_bytes())),
        Step::Remove(key) => apply(memory, Record::Remove { key: key.as_bytes() }),
        Step::Clear => apply(memory, Record::Clear),
        Step::Batch(_) | Step::Checkpoint | Step::Flush | Step::Tick => {}
    }
}

#[test]
fn a_program_that_ends_at_any_write_loses_nothing_acknowledged() {
    let durability = Durability::Always;
    let open = |drive: &Drive| open_as(drive.pool(), &dir(), &identity(), durability);
    let drive = Drive::new(16);
    let (store, ..) = open(&drive).unwrap();
    let mut memory = Entries::new();
    assert!(script().iter().all(|step| run(&store, &mut memory, step)));
    drop(store);
    let all = drive.writes_done();
    assert!(all > 50, "{all}");
    for (last, power) in (1..all).flat_map(|last| [(last, false), (last, true)]) {
        let drive = Drive::new(16);
        drive.left.store(last, Ordering::SeqCst);
        let mut memory = Entries::new();
        let mut next = Entries::new();
        if let Ok((store, ..)) = open(&drive) {
            for step in script() {
                next.clone_from(&memory);
                change(&mut next, &step);
                if !run(&store, &mut memory, &step) {
                    break;
                }
            }
        }
        let (_store, recovery, found) = open(&drive.after(power)).unwrap();
        // The step that was not acknowledged may have been done.
        let is_right = found == memory || found == next;
        // A removal that could not be written removes all files.
        let is_cleared = found.is_empty() && memory != next;
        assert!(is_right || is_cleared, "{last} {power}: {found:?} for {memory:?} or {next:?}");
        assert!(recovery.damage.is_empty(), "{last} {power}: {recovery:?}");
    }
}
