//! The `Serialize` of an argument runs while no lock of the cache is held, so it may take locks and change the cache.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, OnceLock};
use std::thread;

use memokit::{Key, memoize};
use serde::{Serialize, Serializer};

use crate::support::{LIMIT, with_timeout};

/// How many more times an argument is serialized before it stops and waits for its release.
static UNTIL_STOP: AtomicU32 = AtomicU32::new(u32::MAX);
static STOPPED: OnceLock<SyncSender<SyncSender<()>>> = OnceLock::new();

struct Stopping(u32);

impl Serialize for Stopping {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 == 0 && UNTIL_STOP.fetch_sub(1, Relaxed) == 1 {
            let (release, wait) = sync_channel(0);
            STOPPED.get().expect("set by the test").send(release).expect("the test listens");
            wait.recv().expect("the test releases it");
        }
        serializer.serialize_u32(self.0)
    }
}

#[memoize(max = 100)]
fn stopping(argument: &Stopping) -> u32 {
    argument.0
}

/// A hit serializes its argument once, and a miss a second time, to write its key.
#[test]
fn other_callers_use_the_cache_while_an_argument_is_serialized() {
    let (sender, stopped): (_, Receiver<SyncSender<()>>) = sync_channel(0);
    STOPPED.set(sender).unwrap();
    for at in [1, 2] {
        stopping(&Stopping(0));
        if at == 2 {
            stopping_memo().clear();
        }
        UNTIL_STOP.store(at, Relaxed);
        let caller = thread::spawn(|| stopping(&Stopping(0)));
        let release = stopped.recv_timeout(LIMIT).unwrap();
        with_timeout(move || {
            assert_eq!(stopping(&Stopping(at)), at);
            stopping_memo().insert(&stopping_key(&Stopping(9)), 9);
            stopping_memo().clear();
        });
        release.send(()).unwrap();
        assert_eq!(caller.join().unwrap(), 0);
    }
}

#[memoize(max = 100)]
fn total(numbers: &Mutex<Vec<u32>>) -> u32 {
    numbers.lock().unwrap().iter().sum()
}

#[test]
fn an_argument_may_be_a_lock_that_other_callers_hold_during_a_miss() {
    static SHARED: Mutex<Vec<u32>> = Mutex::new(Vec::new());
    with_timeout(|| {
        thread::scope(|scope| {
            scope.spawn(|| (0..2000).for_each(|_| assert_eq!(total(&SHARED), 0)));
            scope.spawn(|| {
                for n in 0..2000 {
                    let _held = SHARED.lock().unwrap();
                    assert_eq!(total(&Mutex::new(vec![n])), n);
                }
            });
        });
    });
}

static VICTIM: OnceLock<Key> = OnceLock::new();

struct Clearing(u32);

impl Serialize for Clearing {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Some(key) = VICTIM.get() {
            clearing_memo().invalidate(key);
            clearing_memo().insert(key, 0);
            clearing_memo().clear();
        }
        serializer.serialize_u32(self.0)
    }
}

#[memoize(max = 4)]
fn clearing(argument: &Clearing) -> u32 {
    argument.0
}

#[test]
fn serialize_may_change_the_cache_of_its_own_lookup() {
    clearing(&Clearing(1));
    VICTIM.set(clearing_key(&Clearing(9))).unwrap();
    for _ in 0..2 {
        assert_eq!(with_timeout(|| clearing(&Clearing(1))), 1);
    }
}
