//! Tests group commit, the switch of logs and merges under a model checker, which tries different interleavings at each
//! run. A thread that waits forever is a deadlock, which the checker reports.

use shuttle::rand::{Rng, thread_rng};
use shuttle::sync::Mutex;
use shuttle::thread;

use super::*;
use crate::persist::Failure;

const EIO: i32 = 5;
/// The number of schedules that are tried for each model.
const RUNS: usize = 10_000;

const DURABILITIES: [Durability; 2] = [Durability::Os, Durability::Always];

fn check(model: impl Fn(Durability) + Send + Sync + 'static) {
    let model = move || model(DURABILITIES[thread_rng().gen_range(0..DURABILITIES.len())]);
    shuttle::check_random(model, RUNS);
}

/// A cache whose lock orders the changes, as the lock of a shard does.
struct Cache {
    fs: MemFs,
    store: Store,
    durability: Durability,
    memory: Mutex<Entries>,
    acknowledged: Mutex<Entries>,
}

impl Cache {
    fn new(durability: Durability) -> Arc<Self> {
        let fs = MemFs::new();
        let (store, ..) = open_as(fs.clone(), &dir(), &identity(), durability).unwrap();
        let (memory, acknowledged) = (Mutex::default(), Mutex::default());
        Arc::new(Self { fs, store, durability, memory, acknowledged })
    }

    /// Makes one of the next eight operations fail once.
    fn fail_soon(&self) {
        let at = self.fs.operations() + thread_rng().gen_range(0..8);
        self.fs.fail(Some(Failure { at, count: 1, errno: EIO }));
    }

    fn change(&self, record: Record<'_>) -> Result<(), Error> {
        apply(&mut self.memory.lock().unwrap(), record);
        loop {
            let memory = self.memory.lock().unwrap();
            let ticket = self.store.queue(record, self.store.since());
            drop(memory);
            let committed = match record {
                Record::Put { .. } => self.store.commit(ticket),
                Record::Remove { .. } | Record::Clear => self.store.commit_removal(ticket),
            };
            if committed.is_err() || !self.store.is_overtaken(ticket) {
                return committed;
            }
        }
    }

    /// Puts `key` and returns whether the store acknowledged it. What was acknowledged is there at that moment, for the
    /// next process or after a power failure.
    fn put(&self, key: &str) -> bool {
        let done = self.change(put(key.as_bytes(), key.as_bytes())).is_ok();
        if done {
            self.each_image(|found| assert!(found.contains_key(key.as_bytes()), "{key} is lost"));
            apply(&mut self.acknowledged.lock().unwrap(), put(key.as_bytes(), key.as_bytes()));
        }
        done
    }

    fn remove(&self, key: &str) {
        self.change(Record::Remove { key: key.as_bytes() }).unwrap();
        self.each_image(|found| assert!(!found.contains_key(key.as_bytes()), "{key} is back"));
        self.acknowledged.lock().unwrap().remove(key.as_bytes());
    }

    /// Does what a cache does each second.
    fn tick(&self) -> Result<(), Error> {
        if !self.store.status().healthy {
            self.store.heal_now()?;
            let since = self.store.since();
            let memory = self.memory.lock().unwrap().clone();
            for (key, value) in &memory {
                if !matches!(self.store.find(key, true, &mut || ()), Ok(Some(_))) {
                    self.store.commit(self.store.queue(put(key, value), since))?;
                }
            }
            self.store.healed()?;
        }
        self.store.merge(&ALL)?;
        self.store.follow(&mut |_| ())
    }

    fn found(&self) -> Entries {
        recovered(&self.fs).1
    }

    fn each_image(&self, check: impl Fn(&Entries)) {
        check(&self.found());
        if self.durability == Durability::Always {
            let images = self.fs.after_power_loss();
            let image = &images[thread_rng().gen_range(0..images.len())];
            check(&recovered(&image.fs).1);
        }
    }
}

fn run(threads: impl IntoIterator<Item = Box<dyn FnOnce() + Send>>) {
    let threads: Vec<_> = threads.into_iter().map(thread::spawn).collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

/// Returns a thread's work: it puts two keys of its own, one after the other.
fn writer(cache: &Arc<Cache>, keys: [&'static str; 2]) -> Box<dyn FnOnce() + Send> {
    let cache = Arc::clone(cache);
    Box::new(move || keys.into_iter().for_each(|key| _ = cache.put(key)))
}

fn writers(cache: &Arc<Cache>) -> [Box<dyn FnOnce() + Send>; 3] {
    [["a", "b"], ["c", "d"], ["e", "f"]].map(|keys| writer(cache, keys))
}

#[test]
fn acknowledged_changes_are_written() {
    check(|durability| {
        let cache = Cache::new(durability);
        run(writers(&cache));
        assert_eq!(cache.acknowledged.lock().unwrap().len(), 6);
        assert_eq!(cache.found(), *cache.memory.lock().unwrap());
    });
}

/// The failed batch is removed from the log. The log then holds what was acknowledged, so no other batch failed.
#[test]
fn a_failed_write_fails_only_its_own_batch() {
    check(|durability| {
        let cache = Cache::new(durability);
        cache.fail_soon();
        run(writers(&cache));
        assert_eq!(cache.found(), *cache.acknowledged.lock().unwrap());
        cache.fs.fail(None);
        cache.tick().unwrap();
        assert_eq!(cache.found(), *cache.memory.lock().unwrap());
    });
}

#[test]
fn a_flush_waits_for_the_thread_that_writes() {
    check(|durability| {
        let cache = Cache::new(durability);
        let [first, second, _] = writers(&cache);
        let flushed = Arc::clone(&cache);
        let flush = Box::new(move || {
            let ticket = flushed.store.queue(put(b"flushed", b""), 0);
            flushed.store.flush().unwrap();
            flushed.each_image(|found| assert!(found.contains_key(&b"flushed"[..])));
            flushed.store.commit(ticket).unwrap();
        });
        run([first, second, flush]);
    });
}

/// A record that is queued during a merge is in a log that counts or in the snapshot. The same holds for a removal.
#[test]
fn a_merge_loses_no_record_that_is_queued_during_it() {
    for failing in [false, true] {
        check(move |durability| {
            let cache = Cache::new(durability);
            assert!(cache.put("old") && cache.put("kept"));
            if failing {
                cache.fail_soon();
            }
            let [first, ..] = writers(&cache);
            let (remover, ticking) = (Arc::clone(&cache), Arc::clone(&cache));
            run([
                first,
                Box::new(move || remover.remove("old")),
                Box::new(move || {
                    let made = ticking.tick();
                    assert!(failing || made.is_ok());
                }),
            ]);
            let (found, acknowledged) = (cache.found(), cache.acknowledged.lock().unwrap().clone());
            assert!(acknowledged.iter().all(|entry| found.contains_key(entry.0)), "{found:?}");
            assert!(found.contains_key(&b"kept"[..]) && !found.contains_key(&b"old"[..]));
            cache.fs.fail(None);
            cache.tick().unwrap();
            assert_eq!(cache.found(), *cache.memory.lock().unwrap());
        });
    }
}

/// The log is switched while records are queued.
#[test]
fn a_switch_of_logs_loses_no_record_that_is_queued_during_it() {
    check(|durability| {
        let cache = Cache::new(durability);
        let [first, second, _] = writers(&cache);
        let switching = Arc::clone(&cache);
        run([first, second, Box::new(move || switching.store.heal_now().unwrap())]);
        assert_eq!(cache.acknowledged.lock().unwrap().len(), 4);
        assert_eq!(cache.found(), *cache.memory.lock().unwrap());
    });
}

/// Another process merges meanwhile. What this one writes then is in the snapshot, or it writes it again.
#[test]
fn a_merge_by_another_process_loses_no_record() {
    check(|durability| {
        let cache = Cache::new(durability);
        let (other, ..) = open_as(cache.fs.clone(), &dir(), &identity(), durability).unwrap();
        assert!(cache.put("old"));
        let [first, ..] = writers(&cache);
        let remover = Arc::clone(&cache);
        run([
            first,
            Box::new(move || remover.remove("old")),
            Box::new(move || _ = other.merge(&ALL).unwrap()),
        ]);
        assert_eq!(cache.found(), *cache.memory.lock().unwrap());
        cache.store.follow(&mut |_| ()).unwrap();
        assert_eq!(contents(&cache.store).unwrap(), cache.found());
    });
}
