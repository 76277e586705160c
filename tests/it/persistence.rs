//! `persist`: the next process finds the results that a process computed.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread::sleep;
use std::time::Duration;

use memokit::memoize;
use serde::{Deserialize, Serialize};

use crate::support::{folder, processes, restarts, shared, version_folders};

static RUNS: AtomicU32 = AtomicU32::new(0);

fn runs() -> u32 {
    RUNS.load(Relaxed)
}

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
enum Found {
    Nothing,
    Text { body: String, at: BTreeMap<u32, f64> },
    Many(Vec<Found>),
}

#[memoize(persist = folder(), max = 100)]
fn found(name: &str, depth: u32) -> Result<Found, String> {
    RUNS.fetch_add(1, Relaxed);
    Ok(match depth {
        0 => return Err(name.to_owned()),
        1 => Found::Nothing,
        2 => Found::Text { body: name.repeat(1000), at: [(1, -0.5)].into() },
        _ => Found::Many(vec![found_uncached(name, 1)?, found_uncached(name, 2)?]),
    })
}

fn all_found() -> Vec<Result<Found, String>> {
    (0..4).map(|depth| found("é", depth)).collect()
}

#[test]
fn results_survive_a_restart() {
    fn first() {
        let values = all_found();
        assert_eq!(values, all_found());
        assert_eq!(found_memo().stats().recovered, 0);
        assert_eq!(found_memo().stats().misses, 5);
        assert!(found_memo().health().is_ok());
    }
    fn second() {
        let stats = found_memo().stats();
        assert_eq!((stats.recovered, stats.stored, stats.entries, stats.hits), (3, 3, 0, 0));
        let values = all_found();
        assert_eq!(runs(), 1, "only the error is computed again");
        let stats = found_memo().stats();
        assert_eq!((stats.disk_hits, stats.hits, stats.misses, stats.entries), (3, 3, 1, 3));
        assert_eq!(values, all_found());
        assert_eq!(found_memo().stats().disk_hits, 3, "the others are in memory now");
        let computed = (0..4).map(|depth| found_uncached("é", depth));
        assert_eq!(values, computed.collect::<Vec<_>>());
        assert_eq!(found_memo().get(&found_key("é", 1)), Some(Ok(Found::Nothing)));
    }
    restarts!(first, second, second, || found_memo().snapshot().unwrap(), second);
}

/// Returns the names of the files of stored results.
fn files() -> Vec<String> {
    let folders = version_folders(&folder()).into_iter();
    let files = folders.flat_map(|folder| folder.read_dir().unwrap().map(Result::unwrap));
    files.map(|file| file.file_name().into_string().unwrap()).collect()
}

#[test]
fn the_first_write_creates_the_files() {
    restarts!(|| {
        assert_eq!(found_memo().stats().entries, 0);
        assert!(found_memo().health().is_ok());
        assert_eq!(found_memo().get(&found_key("a", 1)), None);
        found_memo().clear();
        assert!(!folder().exists());
        assert!(found("error", 0).is_err());
        // No more than what excludes other processes meanwhile.
        assert!(files().iter().all(|name| name == "LOCK"), "{:?}", files());
        found("a", 1).unwrap();
        assert!(files().iter().any(|name| name.starts_with("wal-")), "{:?}", files());
    });
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_the_files() {
    restarts!(|| {
        use std::os::unix::fs::PermissionsExt;
        found("a", 1).unwrap();
        let mode = |path: PathBuf| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(folder()), 0o700);
        for file in folder().read_dir().unwrap() {
            assert_eq!(mode(file.unwrap().path()) & 0o077, 0);
        }
    });
}

#[test]
fn try_init_creates_and_opens_the_folder() {
    restarts!(
        || {
            found_memo().try_init().unwrap();
            assert!(folder().is_dir());
            found("a", 1).unwrap();
        },
        || {
            found_memo().try_init().unwrap();
            assert_eq!(found_memo().stats().recovered, 1);
        }
    );
}

#[memoize(persist = folder(), ttl = "700ms", durability = "os")]
fn fleeting(n: u32) -> u32 {
    RUNS.fetch_add(1, Relaxed);
    n
}

#[test]
fn the_time_to_live_continues_over_a_restart() {
    let processes = processes!(|| _ = fleeting(1), || {
        let found = fleeting_memo().get(&fleeting_key(1));
        assert_eq!(found, None, "the entry outlived its time to live");
        assert_eq!((fleeting(1), runs()), (1, 1));
    });
    processes.run(0);
    sleep(Duration::from_millis(750));
    processes.run(1);
}

#[memoize(persist = folder(), ttl = "1h")]
fn lasting(n: u32) -> u32 {
    RUNS.fetch_add(1, Relaxed);
    n
}

#[test]
fn entries_with_time_left_are_recovered() {
    restarts!(|| _ = lasting(1), || assert_eq!((lasting(1), runs()), (1, 0)));
}

#[memoize(persist = folder())]
fn plain(n: u32) -> u32 {
    RUNS.fetch_add(1, Relaxed);
    n
}

#[test]
fn invalidations_survive_a_restart() {
    restarts!(
        || {
            (0..10).for_each(|n| _ = plain(n));
            assert!(plain_memo().invalidate(&plain_key(3)));
            plain_memo().retain(|_, n| *n != 4);
            plain_memo().insert(&plain_key(5), 55);
        },
        || {
            assert_eq!(plain_memo().stats().recovered, 8);
            assert_eq!(
                (plain_memo().get(&plain_key(3)), plain_memo().get(&plain_key(4))),
                (None, None)
            );
            assert_eq!(plain(5), 55);
        }
    );
}

#[test]
fn clear_survives_a_restart() {
    restarts!(
        || {
            (0..10).for_each(|n| _ = plain(n));
            plain_memo().clear();
            plain(3);
        },
        || {
            assert_eq!(plain_memo().stats().recovered, 1);
            assert_eq!((0..10).filter_map(|n| plain_memo().get(&plain_key(n))).sum::<u32>(), 3);
        },
        || plain_memo().clear(),
        || assert_eq!((plain_memo().stats().recovered, plain_memo().get(&plain_key(3))), (0, None)),
    );
}

fn bound() -> usize {
    std::fs::read_to_string(shared().join("bound")).map_or(3, |text| text.len())
}

#[memoize(persist = folder(), max = bound())]
fn bounded(n: u32) -> String {
    n.to_string()
}

fn held() -> Vec<u32> {
    (0..20).filter(|&n| bounded_memo().get(&bounded_key(n)).is_some()).collect()
}

#[test]
fn max_bounds_memory_at_once_and_the_disk_at_the_next_snapshot() {
    restarts!(
        || {
            (0..20).for_each(|n| _ = bounded(n));
            assert_eq!((bounded_memo().len(), bounded_memo().stats().stored), (3, 20));
        },
        || {
            assert_eq!(bounded_memo().stats().recovered, 20);
            (0..20).for_each(|n| _ = bounded(n));
            let stats = bounded_memo().stats();
            assert_eq!((stats.disk_hits, stats.misses, stats.entries), (20, 0, 3));
            bounded_memo().snapshot().unwrap();
            assert_eq!((held(), bounded_memo().stats().stored), (vec![17, 18, 19], 3));
        },
        || std::fs::write(shared().join("bound"), "xx").unwrap(),
        || {
            assert_eq!((bounded_memo().max(), held()), (Some(2), vec![17, 18, 19]));
            bounded_memo().snapshot().unwrap();
            assert_eq!(held(), [18, 19]);
        },
        || assert_eq!((held(), bounded_memo().stats().recovered), (vec![18, 19], 2)),
    );
}

/// What a process has in memory outlives in a snapshot what it has not, whichever was stored first.
#[test]
fn entries_in_use_survive_a_snapshot() {
    fn use_the_oldest() {
        assert_eq!(held(), [0, 1, 2]);
        // `get` is no use.
        (bounded(0), bounded(2), bounded(3)).0.clear();
        bounded_memo().snapshot().unwrap();
        assert_eq!(held(), [0, 2, 3]);
    }
    restarts!(|| (0..3).for_each(|n| _ = bounded(n)), use_the_oldest, || {
        assert_eq!(held(), [0, 2, 3]);
    });
}

struct Store<T>(T);

impl<T: Default + Serialize + Clone + Send + Sync + for<'de> Deserialize<'de> + 'static> Store<T> {
    #[memoize(persist = folder(), key = n)]
    fn value(&self, n: u32) -> (u32, T) {
        RUNS.fetch_add(1, Relaxed);
        (n, self.0.clone())
    }
}

#[test]
fn instances_of_a_generic_impl_have_their_own_folders() {
    fn both() -> (u8, String) {
        (Store(5u8).value(1).1, Store("five".to_owned()).value(1).1)
    }
    restarts!(|| assert_eq!((both(), runs()), ((5, "five".into()), 2)), || {
        assert_eq!((both(), runs()), ((5, "five".into()), 0));
        assert!(Store::<u8>::value_memo().health().is_ok());
        assert!(Store::<String>::value_memo().health().is_ok());
    });
}

#[test]
fn flush_all_flushes_every_function() {
    restarts!(|| {
        #[memoize(persist = shared().join("none"), durability = "none")]
        fn deferred(n: u32) -> u32 {
            n
        }
        (plain(1), deferred(1)).0.to_string();
        memokit::flush_all().unwrap();
    });
}

#[memoize(persist = folder())]
fn slow(n: u32) -> u32 {
    sleep(Duration::from_millis(100));
    n
}

#[test]
fn a_second_run_says_what_it_saved() {
    fn computes() {
        let mean = (slow(1), slow(2), slow_memo().stats().mean_compute()).2;
        std::fs::write(shared().join("mean"), mean.as_nanos().to_string()).unwrap();
    }
    fn hits() {
        (0..25).for_each(|_| _ = (slow(1), slow(2)));
        let stats = slow_memo().stats();
        assert_eq!((stats.hits, stats.misses, stats.compute_time), (50, 0, Duration::ZERO));
        let mean = std::fs::read_to_string(shared().join("mean")).unwrap();
        let expected = Duration::from_nanos(mean.parse().unwrap()) * 50;
        // A stored time is right to a ninth. A snapshot stores the mean of such times.
        assert!(stats.time_saved.abs_diff(expected) * 4 <= expected, "{expected:?} {stats:?}");
        assert_eq!(stats.mean_compute() * 50, stats.time_saved);
    }
    restarts!(computes, hits, || slow_memo().snapshot().unwrap(), hits);
}
