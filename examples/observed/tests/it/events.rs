//! The events of caches.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use memokit::memoize;
use tracing::Level;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;

use crate::watcher::{Told, Watcher};

/// In a process that a test has started: the folder, and what it does.
const FOLDER: &str = "OBSERVED_TEST_FOLDER";
const STEP: &str = "OBSERVED_TEST_STEP";

fn folder() -> PathBuf {
    std::env::var_os(FOLDER).expect("a step has a folder").into()
}

/// Runs a step of the test `name` in a process of its own: what background threads tell reaches the subscriber of the
/// process only.
fn run_step(name: &str, step: &str, folder: &Path) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", name, "--nocapture"]).env(STEP, step).env(FOLDER, folder);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{name}, {step}: {said}");
}

/// Makes a watcher of the whole process, which is told of what has at least this level.
fn watch_process(level: LevelFilter) -> Watcher {
    let watcher = Watcher::default();
    let subscriber = tracing_subscriber::registry().with(watcher.clone()).with(level);
    tracing::subscriber::set_global_default(subscriber).unwrap();
    watcher
}

#[track_caller]
fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < Duration::from_secs(60), "{what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Waits for an event, and returns its level.
#[track_caller]
fn until_told(watcher: &Watcher, name: &str) -> Level {
    wait_until(name, || !watcher.events(name).is_empty());
    watcher.events(name)[0].0
}

#[test]
fn removals_and_lowered_bounds_are_told() {
    #[memoize(name = "events: held", max = 10)]
    fn held(n: u32) -> u32 {
        n
    }
    Watcher::watching(|watcher| {
        (0..10).for_each(|n| _ = held(n));
        assert!(held_memo().invalidate(&held_key(1)));
        held_memo().retain(|_, n| *n != 2);
        held_memo().set_max(3);
        held_memo().clear();
        let told = |name: &str, field: &str| -> Vec<String> {
            let events = watcher.events(name);
            let of_this =
                events.iter().filter(|(_, told)| told.field("function") == "events: held");
            of_this.map(|(_, told)| told.field(field).to_owned()).collect()
        };
        assert_eq!(told("invalidated", "by"), ["invalidate", "retain", "clear"]);
        assert_eq!(told("invalidated", "count"), ["1", "1", "3"]);
        assert_eq!(told("evicted", "count"), ["5"]);
        assert!(watcher.events("evicted").iter().all(|(level, _)| *level == Level::DEBUG));
    });
}

#[memoize(name = "events: expiring", ttl = "10ms")]
fn expiring(n: u32) -> u32 {
    n
}

/// Nothing in it expires, so that only the disk is a reason to look at it.
#[memoize(name = "events: stored", persist = folder().join("results"), durability = "os")]
fn stored(n: u32) -> String {
    format!("result {n}")
}

#[test]
fn expiry_is_told() {
    let name = "events::expiry_is_told";
    if std::env::var_os(STEP).is_none() {
        return run_step(name, "all", Path::new("."));
    }
    let watcher = watch_process(LevelFilter::DEBUG);
    expiring(1);
    assert_eq!(until_told(&watcher, "expired"), Level::DEBUG);
    let (_, told) = &watcher.events("expired")[0];
    assert_eq!((told.field("function"), told.field("count")), ("events: expiring", "1"));
}

#[test]
fn degraded_mode_is_told_to_who_hears_warnings_only() {
    let name = "events::degraded_mode_is_told_to_who_hears_warnings_only";
    let Ok(step) = std::env::var(STEP) else {
        let folder = tempfile::tempdir().unwrap();
        // A file stands where the directory should be.
        std::fs::write(folder.path().join("results"), "in the way").unwrap();
        return run_step(name, "all", folder.path());
    };
    assert_eq!(step, "all");
    let watcher = watch_process(LevelFilter::INFO);
    stored(1);
    assert!(stored_memo().health().is_err());
    assert_eq!(until_told(&watcher, "degraded"), Level::WARN);
    let (_, told) = &watcher.events("degraded")[0];
    assert_eq!(told.field("function"), "events: stored");
    assert!(told.field("error").contains("results"), "{told:?}");
    std::fs::remove_file(folder().join("results")).unwrap();
    let mut n = 1;
    wait_until("it heals", || {
        n += 1;
        stored(n);
        stored_memo().health().is_ok()
    });
    assert_eq!(until_told(&watcher, "healed"), Level::INFO);
    assert_eq!((watcher.events("degraded").len(), watcher.events("healed").len()), (1, 1));
}

#[test]
fn recovery_is_told_and_damage_also_to_who_hears_warnings_only() {
    let name = "events::recovery_is_told_and_damage_also_to_who_hears_warnings_only";
    let Ok(step) = std::env::var(STEP) else {
        let folder = tempfile::tempdir().unwrap();
        run_step(name, "write", folder.path());
        run_step(name, "recover", folder.path());
        assert!(damage(folder.path(), b"result 1") > 0, "a file has it");
        return run_step(name, "find", folder.path());
    };
    let told = |watcher: &Watcher, event: &str| -> Vec<Told> {
        watcher.events(event).into_iter().map(|(_, told)| told).collect()
    };
    match &*step {
        "write" => (0..3).for_each(|n| _ = stored(n)),
        "recover" => {
            let watcher = watch_process(LevelFilter::DEBUG);
            thread::scope(|scope| (0..4).for_each(|n| _ = scope.spawn(move || stored(n % 3))));
            let recovered = told(&watcher, "recovered");
            assert_eq!(recovered.len(), 1, "once, though several threads wait for it");
            assert_eq!(recovered[0].field("function"), "events: stored");
            assert_eq!(recovered[0].field("entries"), "3");
            assert!(told(&watcher, "damaged").is_empty());
        }
        _ => {
            let watcher = watch_process(LevelFilter::WARN);
            stored(1);
            let damaged = told(&watcher, "damaged");
            assert_eq!(damaged.len(), stored_memo().damage().len());
            assert_eq!(until_told(&watcher, "damaged"), Level::WARN);
            assert_eq!(damaged[0].field("error"), stored_memo().damage()[0].to_string());
            assert!(told(&watcher, "recovered").is_empty());
        }
    }
}

/// Changes the text in all files below a folder. Returns how many have it.
fn damage(folder: &Path, text: &[u8]) -> usize {
    let mut changed = 0;
    for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            changed += damage(&entry, text);
            continue;
        }
        let mut bytes = std::fs::read(&entry).unwrap();
        if let Some(at) = bytes.windows(text.len()).position(|found| found == text) {
            bytes[at] ^= 1;
            std::fs::write(&entry, bytes).unwrap();
            changed += 1;
        }
    }
    changed
}
