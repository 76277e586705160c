//! The events of caches.

use std::time::{Duration, Instant};

use memokit::memoize;
use tracing::Level;
use tracing_subscriber::layer::SubscriberExt;

use crate::watcher::Watcher;

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

/// What background threads tell reaches the subscriber of the process only. So there is one test for all of it.
#[test]
fn expiry_degraded_mode_and_recovery_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("results");
    static PLACE: std::sync::OnceLock<std::path::PathBuf> = std::sync::OnceLock::new();
    PLACE.set(place.clone()).unwrap();
    #[memoize(name = "events: stored", ttl = "10ms", persist = PLACE.get().unwrap(), durability = "os")]
    fn stored(n: u32) -> u32 {
        n
    }
    let watcher = Watcher::default();
    let subscriber = tracing_subscriber::registry().with(watcher.clone());
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let until_told = |name: &str| {
        let begin = Instant::now();
        loop {
            let events = watcher.events(name);
            let found = events.iter().find(|(_, told)| told.field("function") == "events: stored");
            if let Some((level, _)) = found {
                return *level;
            }
            assert!(begin.elapsed() < Duration::from_secs(60), "{name} is not told");
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    // A file stands where the directory should be.
    std::fs::write(&place, "in the way").unwrap();
    stored(1);
    assert!(stored_memo().health().is_err());
    assert_eq!(until_told("degraded"), Level::WARN);
    assert_eq!(until_told("expired"), Level::DEBUG);
    std::fs::remove_file(&place).unwrap();
    let begin = Instant::now();
    while stored_memo().health().is_err() {
        assert!(begin.elapsed() < Duration::from_secs(60), "it does not heal");
        stored(begin.elapsed().subsec_nanos());
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(until_told("healed"), Level::INFO);
}
