//! What is left on disk of results that were cleared: those of this version of a function, and those of others.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use memokit::memoize;

use crate::support::{folder, processes, restarts, run_test, shared, version_folders, wait_until};

/// The version of the function that a process runs.
const VERSION: &str = "MEMOKIT_IT_VERSION";
const PATH: &str = "/home/somebody/diary.txt";

static RUNS: AtomicU32 = AtomicU32::new(0);

fn version() -> u32 {
    std::env::var(VERSION).map_or(0, |version| version.parse().unwrap())
}

#[memoize(persist = folder(), durability = "os", version = version())]
fn lines(path: &str) -> usize {
    RUNS.fetch_add(1, Relaxed);
    path.len()
}

/// Returns whether a file in the folder of a version holds [`PATH`].
fn has_path(version: &Path) -> bool {
    let files = version.read_dir().unwrap().map(|file| file.unwrap().path());
    files.filter(|file| file.is_file()).any(|file| {
        fs::read(file).unwrap().windows(PATH.len()).any(|window| window == PATH.as_bytes())
    })
}

fn any_has_path() -> bool {
    version_folders(&folder()).iter().any(|version| has_path(version))
}

#[test]
fn a_snapshot_after_clear_leaves_nothing_of_what_an_earlier_process_has_stored() {
    restarts!(
        || {
            lines(PATH);
            assert!(any_has_path());
        },
        || {
            lines_memo().clear();
            lines_memo().snapshot().unwrap();
            assert!(!any_has_path());
            // Nor of what this process has stored.
            lines(PATH);
            assert!(any_has_path());
            lines_memo().clear();
            lines_memo().snapshot().unwrap();
            assert!(!any_has_path());
            lines("another");
        },
        || {
            lines("another");
            lines(PATH);
            assert_eq!(RUNS.load(Relaxed), 1);
        },
    );
}

fn stores() {
    lines(PATH);
}

fn runs_an_older_version() {
    lines(PATH);
    fs::write(shared().join("ready"), "").unwrap();
    wait_until("all versions are cleared", || shared().join("cleared").exists());
    let before = RUNS.load(Relaxed);
    assert_eq!((lines(PATH), RUNS.load(Relaxed)), (PATH.len(), before + 1));
    lines_memo().health().unwrap();
    fs::write(shared().join("stored"), "").unwrap();
    wait_until("it is killed", || false);
}

fn clears_all_versions() {
    lines(PATH);
    lines_memo().clear_versions().unwrap();
    assert!(lines_memo().is_empty());
    assert_eq!(lines_memo().get(&lines_key(PATH)), None);
}

fn finds_what_was_stored_later() {
    lines(PATH);
    assert_eq!(RUNS.load(Relaxed), 0);
}

#[test]
fn one_version_clears_those_of_others_beside_a_process_that_runs_one() {
    let processes =
        processes!(stores, runs_an_older_version, clears_all_versions, finds_what_was_stored_later);
    let at = |step, version: &str| {
        let mut command = processes.command(step);
        command.env(VERSION, version);
        command
    };
    let shared = processes.shared.path();
    let folders = || version_folders(&shared.join("results"));
    run_test(&mut at(0, "1"));
    let unused = folders().remove(0);
    let mut older = at(1, "2").stdout(Stdio::null()).spawn().unwrap();
    wait_until("the older version has stored", || shared.join("ready").exists());
    let used = folders().into_iter().find(|folder| *folder != unused).unwrap();
    run_test(&mut at(2, "3"));
    assert!(!unused.exists());
    let mut others = folders().into_iter().filter(|folder| *folder != used);
    assert!(others.all(|folder| !has_path(&folder)));
    fs::write(shared.join("cleared"), "").unwrap();
    wait_until("the older version has stored again", || shared.join("stored").exists());
    older.kill().unwrap();
    older.wait().unwrap();
    run_test(&mut at(3, "2"));
    run_test(&mut at(2, "3"));
    assert!(!used.exists() && !folders().iter().any(|folder| has_path(folder)));
}

#[test]
fn without_persist_only_memory_is_cleared() {
    #[memoize]
    fn doubled(n: u32) -> u32 {
        2 * n
    }
    doubled(2);
    doubled_memo().clear_versions().unwrap();
    assert!(doubled_memo().is_empty());
}
