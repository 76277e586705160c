//! joblib.Memory of Python: our side.

use std::{env, process};

use memokit::memoize;

use crate::calls::{Calls, folder};

#[test]
fn directory() {
    #[memoize(persist = folder("directory"))]
    fn here(n: u64) -> u64 {
        n
    }
    here(1);
    assert!(here_memo().flush().is_ok() && here_memo().stats().stored == 1);
}

#[test]
fn ignored() {
    #[memoize(persist = folder("ignored"), skip(verbose))]
    fn here(n: u64, verbose: bool) -> u64 {
        if verbose {
            println!("computing {n}");
        }
        n
    }
    assert_eq!((here(1, true), here(1, false)), (1, 1));
    assert_eq!(here_memo().stats().hits, 1);
}

#[test]
fn time_to_live() {
    #[memoize(persist = folder("time"), ttl = "1d")]
    fn here(n: u64) -> u64 {
        n
    }
    here(1);
    let left = here_memo().entry(&here_key(1)).unwrap().time_left().unwrap();
    assert!((86_000..=86_400).contains(&left.as_secs()));
}

#[test]
fn room() {
    #[memoize(persist = folder("room"), max_disk = "1GiB")]
    fn here(n: u64) -> u64 {
        n
    }
    here(1);
    assert_eq!(here_memo().max_disk(), Some(1 << 30));
}

#[test]
fn held() {
    #[memoize(persist = folder("held"))]
    fn here(n: u64) -> u64 {
        n
    }
    here(1);
    let held = |n| here_memo().get(&here_key(n)).is_some();
    assert_eq!((held(1), held(2)), (true, false));
}

#[test]
fn called() {
    static CALLS: Calls = Calls::new();
    #[memoize(persist = folder("called"))]
    fn here(n: u64) -> u64 {
        CALLS.count();
        n
    }
    assert_eq!(CALLS.during(|| (here(1), memokit::refresh(|| here(1)), here(1))), 2);
}

#[test]
fn removed() {
    #[memoize(persist = folder("removed"))]
    fn here(n: u64) -> u64 {
        n
    }
    (here(1), here(2));
    assert!(here_memo().invalidate(&here_key(1)));
    assert_eq!((here_memo().len(), here_memo().stats().stored), (1, 1));
}

/// In an isolation, so that `clear_all` clears nothing of other tests.
#[test]
fn cleared() {
    #[memoize]
    fn one(n: u64) -> u64 {
        n
    }
    #[memoize]
    fn other(n: u64) -> u64 {
        n
    }
    let _isolated = memokit::isolated();
    (one(1), other(1));
    one_memo().clear();
    assert_eq!((one_memo().len(), other_memo().len()), (0, 1));
    memokit::clear_all();
    assert_eq!(other_memo().len(), 0);
}

#[test]
fn off() {
    static CALLS: Calls = Calls::new();
    #[memoize]
    fn here(n: u64) -> u64 {
        CALLS.count();
        n
    }
    assert_eq!(CALLS.during(|| memokit::bypass(|| (here(1), here(1)))), 2);
}

/// Runs this test as a program with a version, twice with the same and once with another.
#[test]
fn edited() {
    static CALLS: Calls = Calls::new();
    const VERSION: &str = "MOVING_OVER_VERSION";
    const FOLDER: &str = "MOVING_OVER_FOLDER";
    #[memoize(persist = env::var_os(FOLDER).unwrap(), version = env::var(VERSION).unwrap())]
    fn here(n: u64) -> u64 {
        CALLS.count();
        n
    }
    if env::var_os(VERSION).is_some() {
        process::exit(if CALLS.during(|| here(1)) == 1 { 11 } else { 10 });
    }
    let folder = folder("edited");
    let run = |version: &str| {
        let mut program = process::Command::new(env::current_exe().unwrap());
        program.args(["from_joblib::edited", "--exact"]).env(VERSION, version).env(FOLDER, &folder);
        program.stdout(process::Stdio::null()).status().unwrap().code()
    };
    assert_eq!(["1", "1", "2"].map(run), [Some(11), Some(10), Some(11)]); // computed, found, computed
}
