//! Results that another body, type or version computed are never returned, and are found again by the one that did.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use serde::{Deserialize, Serialize};

use crate::support::{folder, restarts, shared};

static RUNS: AtomicU32 = AtomicU32::new(0);

fn runs() -> u32 {
    RUNS.load(Relaxed)
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

    /// Comments, documentation, attributes and layout do not change the body.
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
fn each_body_finds_its_own_stored_results() {
    restarts!(
        || assert_eq!(original::f(1), 2),
        || assert_eq!((commented::f(1), runs()), (2, 0)),
        || {
            assert_eq!((edited::f(1), runs()), (3, 1));
            let stats = edited::f_memo().stats();
            assert_eq!(stats.recovered, 0);
            assert!(stats.discarded.is_empty(), "{stats:?}");
        },
        || assert_eq!((edited::f(1), runs()), (3, 0)),
        || assert_eq!((original::f(1), runs()), (2, 0)),
        || assert_eq!((original::f(1), edited::f(1), runs()), (2, 3, 0)),
    );
}

#[test]
fn each_return_type_finds_its_own_stored_results() {
    restarts!(|| assert_eq!(original::f(1), 2), || {
        assert_eq!((retyped::f(1), runs()), (2, 1));
        assert_eq!(retyped::f_memo().stats().recovered, 0);
        assert_eq!((original::f(1), retyped::f(1), runs()), (2, 2, 1));
    });
}

/// One release of a program: a function that returns a type `Point`. All releases use the same names and paths. Not
/// even `type_name` tells apart the types in the blocks of one function.
macro_rules! release {
    ({ $($field:ident: $type:ty),* }, $value:expr, computes: $computes:expr) => {{
        #[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
        struct Point {
            $($field: $type),*
        }
        #[memokit::memoize(persist = folder(), name = "release", version = 7)]
        fn point(_n: u32) -> Point {
            RUNS.fetch_add(1, Relaxed);
            $value
        }
        assert_eq!(point(1), $value);
        assert_eq!(runs(), $computes, "{:?}", point_memo().stats());
    }};
}

fn release(which: u32) {
    match which {
        0 => release!({ x: u32, y: u32 }, Point { x: 1, y: 2 }, computes: 1),
        1 => release!({ x: u32, y: u32 }, Point { x: 1, y: 2 }, computes: 0),
        2 => release!({ y: u32, x: u32 }, Point { x: 1, y: 2 }, computes: 1),
        3 => release!({ x: i32, y: i32 }, Point { x: 1, y: 2 }, computes: 1),
        4 => release!({ x: u32, y: u32, z: () }, Point { x: 1, y: 2, z: () }, computes: 1),
        _ => release!({ x: u32, z: u32 }, Point { x: 1, z: 2 }, computes: 1),
    }
}

#[test]
fn results_of_the_same_shape_and_version_are_kept() {
    restarts!(|| release(0), || release(1));
}

#[test]
fn swapped_fields_discard_stored_results() {
    restarts!(|| release(0), || release(2));
}

#[test]
fn another_number_type_discards_stored_results() {
    restarts!(|| release(0), || release(3));
}

#[test]
fn an_added_field_discards_stored_results() {
    restarts!(|| release(0), || release(4));
}

#[test]
fn a_renamed_field_discards_stored_results() {
    restarts!(|| release(0), || release(5));
}

mod versions {
    use super::{RUNS, folder};

    fn configured() -> String {
        std::fs::read_to_string(super::shared().join("version")).unwrap()
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
fn version_replaces_the_hash_of_the_body() {
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
        || {
            version("x");
            assert_eq!((versions::f(1), runs()), (2, 0));
        },
    );
}
