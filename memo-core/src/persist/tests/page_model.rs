//! Tests the shared page under a model checker. A thread stands for a process: it has its own store, with its view and
//! its open files, on one simulated disk. Each access to a word of the page and each operation on the disk is a step at
//! which another process may go on. One process may be stopped at any step, with all that it holds.

use std::cell::Cell;
use std::collections::BTreeSet;

use shuttle::rand::{Rng, thread_rng};
use shuttle::sync::{Condvar, Mutex};
use shuttle::thread;

use super::*;
use crate::platform::sync::AT_STEP;

/// The number of schedules that are tried for each model.
const RUNS: usize = 4_000;
/// A write takes several steps: it writes at most this many bytes at once.
const PER_WRITE: usize = 48;
/// A process is stopped within so many steps.
const STEPS: u32 = 150;

/// A gate that stopped processes wait at.
#[derive(Default)]
struct Gate {
    is_open: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    fn open(&self) {
        *self.is_open.lock().unwrap() = true;
        self.opened.notify_all();
    }

    fn wait(&self) {
        let mut is_open = self.is_open.lock().unwrap();
        while !*is_open {
            is_open = self.opened.wait(is_open).unwrap();
        }
    }
}

/// How many steps a process takes before it is stopped, and the gate where it waits then.
type Stop = (Cell<u32>, Arc<Gate>);

shuttle::thread_local! {
    static STOP: Cell<Option<&'static Stop>> = Cell::new(None);
}

fn at_step() {
    let stop = STOP.with(Cell::get);
    match stop {
        Some((left, gate)) if left.get() == 0 => gate.wait(),
        Some((left, _)) => left.set(left.get() - 1),
        None => {}
    }
    thread::yield_now();
}

/// What the processes have acknowledged.
#[derive(Default)]
struct Acknowledged {
    stored: BTreeSet<&'static str>,
    /// Those whose removal has begun or ended.
    removing: BTreeSet<&'static str>,
    removed: BTreeSet<&'static str>,
}

/// A disk that processes share.
#[derive(Clone)]
struct Folder {
    fs: MemFs,
    /// Not modelled: it is no part of what is tested.
    acknowledged: Arc<std::sync::Mutex<Acknowledged>>,
}

type Process = Box<dyn FnOnce() + Send>;

impl Folder {
    fn begin(&self) -> Option<Store> {
        let opened = open_as(self.fs.clone(), &dir(), &identity(), Durability::Os);
        opened.ok().map(|(store, ..)| store)
    }

    /// Commits a record as the cache of a function does: again, if a merge has overtaken it.
    fn change(store: &Store, record: Record<'_>) -> bool {
        loop {
            let ticket = store.queue(record, store.since());
            let committed = match record {
                Record::Put { .. } => store.commit(ticket),
                _ => store.commit_removal(ticket),
            };
            if committed.is_err() || !store.is_overtaken(ticket) {
                return committed.is_ok();
            }
            let _ = store.follow(&mut |_| ());
        }
    }

    fn put(&self, store: &Store, key: &'static str) {
        if Self::change(store, put(key.as_bytes(), key.as_bytes())) {
            self.acknowledged.lock().unwrap().stored.insert(key);
        }
    }

    fn remove(&self, store: &Store, key: &'static str) {
        self.acknowledged.lock().unwrap().removing.insert(key);
        if Self::change(store, Record::Remove { key: key.as_bytes() }) {
            self.acknowledged.lock().unwrap().removed.insert(key);
        }
    }

    /// Follows the others, and checks that all is found that was acknowledged before, and nothing that was removed.
    fn check(&self, store: &Store) {
        let (stored, removed) = {
            let acknowledged = self.acknowledged.lock().unwrap();
            (acknowledged.stored.clone(), acknowledged.removed.clone())
        };
        store.follow(&mut |_| ()).unwrap();
        assert!(!store.has_read_beyond(), "what is not committed was read");
        assert_eq!(losses(&store.recovery()), []);
        let found = |key: &str| value(store, key.as_bytes()).unwrap().is_some();
        for key in removed {
            assert!(!found(key), "{key} is back");
        }
        for key in stored {
            let is_found = found(key);
            let is_removing = self.acknowledged.lock().unwrap().removing.contains(key);
            assert!(is_found || is_removing, "{key} is lost");
        }
    }
}

/// Runs processes, of which one may be stopped, until the others have ended. Then that one goes on.
fn run(folder: &Folder, processes: Vec<Process>) {
    let gate = Arc::<Gate>::default();
    // The reader is the last. It holds nothing.
    let stopped = thread_rng().gen_range(0..processes.len());
    let after = thread_rng().gen_range(0..STEPS);
    let mut threads: Vec<_> = processes
        .into_iter()
        .enumerate()
        .map(|(n, process)| {
            let stop = (n == stopped).then(|| (Cell::new(after), Arc::clone(&gate)));
            thread::spawn(move || {
                // A few bytes for each run.
                STOP.with(|own| own.set(stop.map(|stop| &*Box::leak(Box::new(stop)))));
                process();
            })
        })
        .collect();
    let last = threads.remove(stopped);
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    // It may still be stopped here.
    folder.check(&reader(folder));
    gate.open();
    last.join().unwrap();
    folder.check(&reader(folder));
}

fn reader(folder: &Folder) -> Store {
    let fs = Arc::new(folder.fs.clone());
    Store::open(fs, &Place::alone(&dir()), &identity(), Durability::Os).unwrap()
}

fn check(model: impl Fn(&Folder) -> Vec<Process> + Send + Sync + 'static) {
    AT_STEP.set(Some(at_step));
    let model = move || {
        let fs = MemFs::new();
        fs.short_writes(PER_WRITE);
        let folder = Folder { fs: fs.clone(), acknowledged: Arc::default() };
        let processes = model(&folder);
        run(&folder, processes);
        let acknowledged = folder.acknowledged.lock().unwrap();
        let found = recovered(&fs).1;
        let is_found = |key: &&&str| found.contains_key(key.as_bytes());
        assert!(!acknowledged.removed.iter().any(|key| is_found(&key)), "{found:?}");
        let mut kept = acknowledged.stored.difference(&acknowledged.removing);
        assert!(kept.all(|key| is_found(&key)), "{found:?}");
    };
    shuttle::check_random(model, RUNS);
    AT_STEP.set(None);
}

/// Puts two keys and removes another.
fn writer(folder: &Folder, store: Store, keys: [&'static str; 3]) -> Process {
    let folder = folder.clone();
    Box::new(move || {
        let [first, second, removed] = keys;
        folder.put(&store, first);
        folder.remove(&store, removed);
        folder.put(&store, second);
        folder.check(&store);
    })
}

fn merger(store: Store) -> Process {
    Box::new(move || {
        // It fails while a stopped process holds the files.
        let _ = store.merge(&ALL).and_then(|_| store.heal_now()).and_then(|()| store.merge(&ALL));
    })
}

fn follower(folder: &Folder) -> Process {
    let folder = folder.clone();
    Box::new(move || {
        let store = reader(&folder);
        (0..3).for_each(|_| folder.check(&store));
    })
}

#[test]
fn writers_a_merger_and_a_reader_agree_on_what_counts() {
    check(|folder| {
        let first = folder.begin().unwrap();
        let [second, third] = [(); 2].map(|()| folder.begin().unwrap());
        folder.put(&first, "old");
        folder.put(&second, "older");
        vec![
            writer(folder, first, ["a", "b", "old"]),
            writer(folder, second, ["c", "d", "older"]),
            merger(third),
            follower(folder),
        ]
    });
}

/// A process begins to write while another ends, so that the page may be filled anew under the reader.
#[test]
fn a_process_that_begins_while_another_ends_loses_nothing() {
    check(|folder| {
        let first = folder.begin().unwrap();
        folder.put(&first, "old");
        let late = folder.clone();
        vec![
            writer(folder, first, ["a", "b", "old"]),
            Box::new(move || {
                if let Some(store) = late.begin() {
                    late.put(&store, "c");
                    let _ = store.merge(&ALL);
                    late.check(&store);
                }
            }),
            follower(folder),
        ]
    });
}
