//! Values whose `Serialize` or `Deserialize` calls memoized functions or panics: the stored results can still be
//! opened.

use std::fs;
use std::panic::catch_unwind;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::thread;

use memokit::memoize;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::support::{folder, restarts, shared, wait_until, with_timeout};

static RUNS: AtomicU32 = AtomicU32::new(0);
static READING_CALLS: AtomicBool = AtomicBool::new(false);
/// Values that memokit does not make up to learn the shape of the type.
const STORED: [u32; 5] = [20, 21, 22, 23, 24];
static WRITING_CALLS: AtomicBool = AtomicBool::new(false);

/// A value that calls memoized functions when it is read or written.
#[derive(Clone, Debug, PartialEq)]
struct Neighbour(u32);

impl Serialize for Neighbour {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if WRITING_CALLS.load(Relaxed) && STORED.contains(&self.0) {
            right(self.0 + 100);
        }
        serializer.serialize_u32(self.0)
    }
}

impl<'de> Deserialize<'de> for Neighbour {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let n = u32::deserialize(deserializer)?;
        if READING_CALLS.load(Relaxed) && STORED.contains(&n) {
            assert_eq!((left(n + 100).0, right(n + 100).0), (n + 100, n + 100));
        }
        Ok(Self(n))
    }
}

#[memoize(persist = shared().join("left"), durability = "os")]
fn left(n: u32) -> Neighbour {
    RUNS.fetch_add(1, Relaxed);
    Neighbour(n)
}

#[memoize(persist = shared().join("right"), durability = "os")]
fn right(n: u32) -> Neighbour {
    RUNS.fetch_add(1, Relaxed);
    Neighbour(n)
}

fn store_both() {
    for n in STORED {
        left(n);
        right(n);
    }
}

#[test]
fn a_deserialize_may_call_the_function_whose_folder_is_read() {
    restarts!(store_both, || {
        READING_CALLS.store(true, Relaxed);
        assert!(with_timeout(|| STORED.into_iter().all(|n| left(n) == Neighbour(n))));
        left_memo().health().unwrap();
    });
}

#[test]
fn values_of_two_functions_may_call_each_other_while_both_are_read() {
    restarts!(store_both, || {
        READING_CALLS.store(true, Relaxed);
        with_timeout(|| {
            let start = Barrier::new(2);
            thread::scope(|scope| {
                for call in [left, right] {
                    let start = &start;
                    scope.spawn(move || {
                        start.wait();
                        assert!(STORED.into_iter().all(|n| call(n) == Neighbour(n)));
                    });
                }
            });
        });
        assert_eq!(with_timeout(|| (left(22), right(22))), (Neighbour(22), Neighbour(22)));
    });
}

#[test]
fn a_serialize_may_call_the_function_whose_folder_opens_late() {
    restarts!(
        || {
            fs::write(shared().join("right"), "in the way").unwrap();
            STORED.into_iter().for_each(|n| _ = right(n));
            assert!(right_memo().health().is_err());
            WRITING_CALLS.store(true, Relaxed);
            fs::remove_file(shared().join("right")).unwrap();
            with_timeout(|| wait_until("the folder is opened", || right_memo().try_init().is_ok()));
            assert_eq!(with_timeout(|| right(30)), Neighbour(30));
            right_memo().health().unwrap();
        },
        || {
            assert!(STORED.into_iter().all(|n| right(n) == Neighbour(n)));
            assert_eq!(RUNS.load(Relaxed), 0);
        }
    );
}

#[test]
fn settings_that_call_their_own_function_panic_with_an_explanation() {
    #[memoize(max = circular(3) as usize)]
    fn circular(n: u32) -> u32 {
        n
    }
    for _ in 0..2 {
        let panic = with_timeout(|| catch_unwind(|| circular(1)).expect_err("the call panics"));
        let message = panic.downcast_ref::<String>().expect("the panic has a message");
        assert!(message.contains("settings") && message.contains("circular"), "{message}");
    }
}

static THREE_PANICS: AtomicBool = AtomicBool::new(false);

#[derive(Serialize, Clone, Debug, PartialEq)]
struct Picky(u32);

impl<'de> Deserialize<'de> for Picky {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename = "Picky")]
        struct Plain(u32);
        let Plain(n) = Plain::deserialize(deserializer)?;
        assert!(n != 3 || !THREE_PANICS.load(Relaxed), "on purpose");
        Ok(Self(n))
    }
}

#[memoize(persist = folder(), durability = "os")]
fn picky(n: u32) -> Picky {
    RUNS.fetch_add(1, Relaxed);
    Picky(n)
}

#[test]
fn a_deserialize_that_panics_loses_only_its_own_value() {
    restarts!(|| (1..6).for_each(|n| _ = picky(n)), || {
        THREE_PANICS.store(true, Relaxed);
        assert_eq!(picky(1), Picky(1));
        // A new value is read back to check it. A value that panics there stays in memory.
        assert_eq!(picky(3), Picky(3));
        THREE_PANICS.store(false, Relaxed);
        assert!((1..6).all(|n| picky(n) == Picky(n)));
        assert_eq!(RUNS.load(Relaxed), 1);
        let stats = picky_memo().stats();
        assert_eq!((stats.recovered, stats.disk_hits), (5, 4));
        assert_eq!(stats.discarded.iter().map(|(n, _)| n).sum::<u64>(), 1, "{stats:?}");
    },);
}

#[derive(Deserialize, Clone, Debug, PartialEq)]
struct Unlucky(u32);

impl Serialize for Unlucky {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        assert!(self.0 != 13, "on purpose");
        serializer.serialize_newtype_struct("Unlucky", &self.0)
    }
}

#[memoize(persist = folder(), durability = "os")]
fn unlucky(n: u32) -> Unlucky {
    RUNS.fetch_add(1, Relaxed);
    Unlucky(n)
}

#[test]
fn a_value_whose_serialize_panics_stays_in_memory() {
    restarts!(
        || {
            let (memo, key) = (unlucky_memo(), unlucky_key(1));
            assert!(with_timeout(|| unlucky_memo().insert(&unlucky_key(1), Unlucky(13))));
            assert_eq!(memo.get(&key), Some(Unlucky(13)));
            assert!(memo.health().is_err());
            assert!(memo.invalidate(&key));
            assert_eq!(with_timeout(|| unlucky(1)), Unlucky(1));
            assert_eq!((memo.get(&key), memo.stats().uncached), (Some(Unlucky(1)), 0));
            memo.health().unwrap();
        },
        || assert_eq!((unlucky(1), RUNS.load(Relaxed)), (Unlucky(1), 0)),
    );
}
