//! Tests of folders that are removed or replaced at moments at which a process is about to write.

use std::cell::Cell;
use std::path::Path;

use super::*;
use crate::codec::{Description, Sink};
use crate::persist::{Failure, Fs, MemFs};

thread_local! {
    /// What happens while the next value is encoded.
    static MEANWHILE: Cell<Option<Box<dyn FnOnce()>>> = const { Cell::new(None) };
}

/// A codec during whose work something happens.
#[derive(Default)]
struct Interrupted(Postcard);

impl Codec<u32> for Interrupted {
    fn schema(&self) -> Result<u128, Error> {
        Codec::<u32>::schema(&self.0)
    }

    fn description(&self) -> Description {
        Codec::<u32>::description(&self.0)
    }

    fn encode(&self, value: &u32, out: &mut Sink<'_>) -> Result<(), Error> {
        if let Some(happen) = MEANWHILE.take() {
            happen();
        }
        self.0.encode(value, out)
    }

    fn decode(&self, bytes: &[u8]) -> Result<u32, Error> {
        self.0.decode(bytes)
    }
}

/// Returns a process whose results are in `root`. No background thread repairs anything.
fn start(root: &Path) -> Process {
    let root = root.to_owned();
    let settings = Settings::of((&&Probe::<u32>::NEW).__memokit_keep()).max(10);
    let settings = settings.persist_by::<Interrupted, _>(root).durability(Durability::Os);
    let function = settings.at(|| "f".to_owned(), || Ok(0)).shared("f".to_owned(), 1);
    function.maintenance.begin(&CACHES, || Weak::<FunctionCache<Numbers>>::new());
    assert!(function.recover());
    Process(Some(function))
}

fn store(function: &FunctionCache<Numbers>, n: u32, value: u32, made: Made) {
    let key = key(n);
    let bytes = key.bytes().unwrap();
    let claim = function.memory.take_over(function.hash_key(bytes).unwrap(), bytes, None);
    assert!(function.complete(claim, &value, made, since(function), None).kept);
}

/// Another thread notices that the folder is gone and writes what is in memory, while this one is about to write.
#[test]
fn a_result_that_missed_the_new_folder_is_written_to_it() {
    for (n, made) in [(2, Made::Computed(None)), (1, Made::Inserted)] {
        let folder = TestDirectory::new("removed-meanwhile");
        let process = start(&folder.0);
        store(&process, 1, 7, Made::Computed(None));
        let (root, function) = (folder.0.clone(), Arc::clone(process.0.as_ref().unwrap()));
        MEANWHILE.set(Some(Box::new(move || {
            std::fs::remove_dir_all(root).unwrap();
            function.snapshot().unwrap();
        })));
        store(&process, n, 8, made);
        process.flush().unwrap();
        drop(process);
        assert_eq!(found(&start(&folder.0), n), Some(8), "{made:?}");
    }
}

/// Whoever writes memory to the new folder runs code of users, which cannot wait for that.
#[test]
fn a_flush_while_memory_is_written_to_the_new_folder_says_that_it_is_not() {
    let folder = TestDirectory::new("removed-and-flushed");
    let process = start(&folder.0);
    store(&process, 1, 7, Made::Computed(None));
    std::fs::remove_dir_all(&folder.0).unwrap();
    let function = Arc::clone(process.0.as_ref().unwrap());
    MEANWHILE.set(Some(Box::new(move || {
        assert!(matches!(function.flush(), Err(Error::Locked { .. })));
    })));
    process.snapshot().unwrap();
    process.flush().unwrap();
    assert!(MEANWHILE.take().is_none());
    drop(process);
    assert_eq!(found(&start(&folder.0), 1), Some(7));
}

/// Who removed more than the folder of the results wants nothing back, also from who has not begun to write.
#[test]
fn what_was_removed_from_above_is_not_created_by_who_only_read() {
    let folder = TestDirectory::new("removed-above");
    let root = folder.0.join("parent/results");
    compute(&start(&root), 1);
    let reader = start(&root);
    assert_eq!(found(&reader, 1), Some(1));
    std::fs::remove_dir_all(&folder.0).unwrap();
    compute(&reader, 2);
    assert_eq!((found(&reader, 2), folder.0.exists()), (Some(2), false));
}

/// The folder is replaced while it is opened, and again before the next attempt.
#[test]
fn what_is_closed_while_it_is_opened_counts_as_closed() {
    let folder = TestDirectory::new("removed-at-opening");
    let remove = || std::fs::remove_dir_all(&folder.0).unwrap();
    let own = disk(&folder.0);
    let replace = || {
        remove();
        let (other, _) = disk(&folder.0).begin(&mut |_| ()).unwrap();
        other.clear().unwrap();
    };
    own.begin(&mut |_| ()).unwrap();
    replace();
    own.close(&own.opened().unwrap());
    own.begin(&mut |_| {
        if let Some(store) = own.opened() {
            replace();
            own.close(&store);
        }
    })
    .unwrap();
    let mut removed = 0;
    own.begin(&mut |_| removed += 1).unwrap();
    assert!(removed > 0, "what the other process removed is not known");
}

fn disk(root: &Path) -> ValueStore<u32> {
    disk_on(Arc::new(RealFs), root)
}

fn disk_on(fs: Arc<dyn Fs>, root: &Path) -> ValueStore<u32> {
    let settings = Settings::of((&&Probe::<u32>::NEW).__memokit_keep()).persist(root);
    ValueStore::new(fs, settings.storage.unwrap(), "f".to_owned(), 1, None)
}

#[test]
fn a_folder_that_cannot_be_listed_may_hold_something() {
    let fs = Arc::new(MemFs::new());
    let root = Path::new("/results");
    let disk = disk_on(Arc::clone(&fs), root);
    assert!(!disk.is_used(), "nobody has stored anything");
    fs.fail(Some(Failure { at: fs.operations(), count: 1, errno: 13 }));
    assert!(disk.is_used());
}
