//! `persist`: what a process computed the next one knows, and nothing that another code, type or version computed.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread::sleep;
use std::time::{Duration, Instant};

use memokit::memoize;
use serde::{Deserialize, Serialize};

use crate::support::{folder, processes, restarts, shared};

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
        assert_eq!((stats.recovered, stats.entries, stats.hits), (3, 3, 0));
        let values = all_found();
        assert_eq!(runs(), 1, "the error alone is computed again");
        let computed = (0..4).map(|depth| found_uncached("é", depth));
        assert_eq!(values, computed.collect::<Vec<_>>());
        assert_eq!(found_memo().get(&found_key("é", 1)), Some(Ok(Found::Nothing)));
    }
    restarts!(first, second, second, || found_memo().snapshot().unwrap(), second);
}

#[test]
fn the_folder_is_made_with_the_first_write() {
    restarts!(|| {
        assert_eq!(found_memo().stats().entries, 0);
        assert!(found_memo().health().is_ok());
        assert!(found("error", 0).is_err());
        assert!(!folder().exists());
        found("a", 1).unwrap();
        assert!(folder().is_dir());
    });
}

#[test]
fn files_are_readable_by_their_owner_alone() {
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
fn try_init_makes_and_opens_the_folder() {
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

mod original {
    use super::{RUNS, folder};

    #[memokit::memoize(persist = folder(), name = "edited")]
    pub(super) fn f(n: u32) -> u32 {
        RUNS.fetch_add(1, super::Relaxed);
        n + 1
    }
}

mod commented {
    use super::{RUNS, folder};

    /// Comments and documents, attributes and layout make no other body.
    #[memokit::memoize(persist = folder(), name = "edited")]
    #[inline(never)]
    pub(super) fn f(n: u32) -> u32 {
        RUNS.fetch_add(1, super::Relaxed);
        // The next.
        n + 1
    }
}

mod edited {
    use super::{RUNS, folder};

    #[memokit::memoize(persist = folder(), name = "edited")]
    pub(super) fn f(n: u32) -> u32 {
        RUNS.fetch_add(1, super::Relaxed);
        n + 2
    }
}

mod retyped {
    use super::{RUNS, folder};

    #[memokit::memoize(persist = folder(), name = "edited")]
    pub(super) fn f(n: u32) -> u64 {
        RUNS.fetch_add(1, super::Relaxed);
        u64::from(n) + 1
    }
}

#[test]
fn a_changed_body_discards_what_the_old_one_computed() {
    restarts!(
        || assert_eq!(original::f(1), 2),
        || assert_eq!((commented::f(1), runs()), (2, 0)),
        || {
            assert_eq!((edited::f(1), runs()), (3, 1));
            let stats = edited::f_memo().stats();
            assert_eq!(stats.recovered, 0);
            assert!(!stats.discarded.is_empty(), "{stats:?}");
        },
        || assert_eq!((edited::f(1), runs()), (3, 0)),
        || assert_eq!((original::f(1), runs()), (2, 1)),
    );
}

#[test]
fn a_changed_return_type_discards() {
    restarts!(|| assert_eq!(original::f(1), 2), || {
        assert_eq!((retyped::f(1), runs()), (2, 1));
        assert_eq!(retyped::f_memo().stats().recovered, 0);
    });
}

/// One function, over a type of one name that two releases of a program see differently.
macro_rules! release {
    ($module:ident, $fields:tt, $value:expr) => {
        mod $module {
            pub(super) mod types {
                #[derive(serde::Serialize, serde::Deserialize, Clone, Debug, PartialEq)]
                pub(crate) struct Point $fields
            }

            #[memokit::memoize(persist = super::folder(), name = "release", version = 7)]
            pub(super) fn point(_n: u32) -> types::Point {
                use types::Point;
                $value
            }
        }
    };
}

release!(before, { pub(crate) x: u32, pub(crate) y: u32 }, Point { x: 1, y: 2 });
release!(swapped, { pub(crate) y: u32, pub(crate) x: u32 }, Point { x: 1, y: 2 });
release!(signed, { pub(crate) x: i32, pub(crate) y: i32 }, Point { x: 1, y: 2 });

#[test]
fn swapped_fields_discard_though_the_version_is_the_same() {
    restarts!(|| drop(before::point(1)), || {
        let point = swapped::point(1);
        assert_eq!((point.x, point.y), (1, 2));
        assert_eq!(swapped::point_memo().stats().recovered, 0);
    });
}

#[test]
fn another_number_type_discards_though_the_version_is_the_same() {
    restarts!(|| drop(before::point(1)), || {
        let point = signed::point(1);
        assert_eq!((point.x, point.y), (1, 2));
        assert_eq!(signed::point_memo().stats().recovered, 0);
    });
}

mod versions {
    use super::{RUNS, folder};

    fn configured() -> u32 {
        std::fs::read_to_string(super::shared().join("version")).unwrap().len() as u32
    }

    #[memokit::memoize(persist = folder(), name = "versioned", version = configured())]
    pub(super) fn f(n: u32) -> u32 {
        RUNS.fetch_add(1, super::Relaxed);
        n + 1
    }

    pub(super) mod rewritten {
        use super::{RUNS, configured, folder};

        #[memokit::memoize(persist = folder(), name = "versioned", version = configured())]
        pub(crate) fn f(n: u32) -> u32 {
            RUNS.fetch_add(1, super::super::Relaxed);
            1 + n
        }
    }
}

#[test]
fn version_stands_in_for_the_body() {
    fn version(text: &str) {
        std::fs::write(shared().join("version"), text).unwrap();
    }
    restarts!(
        || {
            version("x");
            assert_eq!(versions::f(1), 2);
        },
        || assert_eq!((versions::rewritten::f(1), runs()), (2, 0)),
        || {
            version("xx");
            assert_eq!((versions::f(1), runs()), (2, 1));
        },
        || assert_eq!((versions::f(1), runs()), (2, 0)),
    );
}

#[memoize(persist = folder(), ttl = "700ms", durability = "os")]
fn fleeting(n: u32) -> u32 {
    RUNS.fetch_add(1, Relaxed);
    n
}

#[test]
fn time_to_live_runs_on_over_a_restart() {
    let processes = processes!(|| drop(fleeting(1)), || {
        assert_eq!(fleeting_memo().len(), 0, "it outlived its time");
        assert_eq!((fleeting(1), runs()), (1, 1));
    });
    let begin = Instant::now();
    processes.run(0);
    sleep(Duration::from_millis(750).saturating_sub(begin.elapsed()));
    sleep(Duration::from_millis(50));
    processes.run(1);
}

#[memoize(persist = folder(), ttl = "1h")]
fn lasting(n: u32) -> u32 {
    RUNS.fetch_add(1, Relaxed);
    n
}

#[test]
fn what_has_time_left_comes_back() {
    restarts!(|| drop(lasting(1)), || assert_eq!((lasting(1), runs()), (1, 0)));
}

#[memoize(persist = folder())]
fn plain(n: u32) -> u32 {
    RUNS.fetch_add(1, Relaxed);
    n
}

#[test]
fn invalidations_survive() {
    restarts!(
        || {
            (0..10).for_each(|n| drop(plain(n)));
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
fn clear_survives() {
    restarts!(
        || {
            (0..10).for_each(|n| drop(plain(n)));
            plain_memo().clear();
            plain(3);
        },
        || assert_eq!((plain_memo().len(), plain_memo().get(&plain_key(3))), (1, Some(3))),
        || plain_memo().clear(),
        || assert!(plain_memo().is_empty()),
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
fn max_bounds_what_comes_back() {
    restarts!(
        || (0..20).for_each(|n| drop(bounded(n))),
        || assert_eq!(held(), [17, 18, 19]),
        || std::fs::write(shared().join("bound"), "xx").unwrap(),
        || {
            assert_eq!(bounded_memo().max(), Some(2));
            assert_eq!(held(), [18, 19]);
        }
    );
}

#[test]
fn recency_survives() {
    fn used_in_another_order() {
        for n in [0, 1, 2, 0] {
            bounded(n);
        }
        bounded_memo().snapshot().unwrap();
    }
    fn the_oldest_goes() {
        assert_eq!(held(), [0, 1, 2]);
        bounded(3);
        assert_eq!(held(), [0, 2, 3]);
    }
    restarts!(used_in_another_order, the_oldest_goes, || assert_eq!(held(), [0, 2, 3]));
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
fn instances_of_a_generic_impl_have_folders_of_their_own() {
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
fn flush_all_speaks_for_every_function() {
    restarts!(|| {
        #[memoize(persist = shared().join("none"), durability = "none")]
        fn deferred(n: u32) -> u32 {
            n
        }
        (plain(1), deferred(1)).0.to_string();
        memokit::flush_all().unwrap();
    });
}
