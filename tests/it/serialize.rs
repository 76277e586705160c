//! An argument's `Serialize` runs with no lock of the cache held, so it may take locks and change the cache.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, OnceLock};
use std::thread;

use memokit::{Key, memoize};
use serde::{Serialize, Serializer};

use crate::support::{LIMIT, ends};

/// How many more times an argument is serialized before it stops and waits to be let go.
static UNTIL_STOP: AtomicU32 = AtomicU32::new(u32::MAX);
static STOPPED: OnceLock<SyncSender<SyncSender<()>>> = OnceLock::new();

struct Stopping(u32);

impl Serialize for Stopping {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 == 0 && UNTIL_STOP.fetch_sub(1, Relaxed) == 1 {
            let (let_go, wait) = sync_channel(0);
            STOPPED.get().expect("set by the test").send(let_go).expect("the test listens");
            wait.recv().expect("the test lets go");
        }
        serializer.serialize_u32(self.0)
    }
}

#[memoize(max = 100)]
fn stopping(of: &Stopping) -> u32 {
    of.0
}

/// A hit serializes its argument to hash it and to compare it.
#[test]
fn others_use_the_cache_while_an_argument_is_serialized() {
    let (sender, stopped): (_, Receiver<SyncSender<()>>) = sync_channel(0);
    STOPPED.set(sender).unwrap();
    for at in [1, 2] {
        stopping(&Stopping(0));
        UNTIL_STOP.store(at, Relaxed);
        let caller = thread::spawn(|| stopping(&Stopping(0)));
        let let_go = stopped.recv_timeout(LIMIT).unwrap();
        ends(move || {
            assert_eq!(stopping(&Stopping(at)), at);
            stopping_memo().insert(&stopping_key(&Stopping(9)), 9);
            stopping_memo().clear();
        });
        let_go.send(()).unwrap();
        assert_eq!(caller.join().unwrap(), 0);
    }
}

#[memoize(max = 100)]
fn total(of: &Mutex<Vec<u32>>) -> u32 {
    of.lock().unwrap().iter().sum()
}

#[test]
fn an_argument_is_a_lock_that_others_hold_while_they_miss() {
    static SHARED: Mutex<Vec<u32>> = Mutex::new(Vec::new());
    ends(|| {
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
fn clearing(of: &Clearing) -> u32 {
    of.0
}

#[test]
fn it_may_change_the_cache_that_it_is_looked_up_in() {
    clearing(&Clearing(1));
    VICTIM.set(clearing_key(&Clearing(9))).unwrap();
    for _ in 0..2 {
        assert_eq!(ends(|| clearing(&Clearing(1))), 1);
    }
}
