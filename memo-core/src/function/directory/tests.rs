//! Tests how times on disk are treated, and what a write adds to the log.

mod costs;
mod removed;
mod stale;

use std::ops::Deref;
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::*;
use crate::codec::{Codec, Postcard};
use crate::function::function_cache::Made;
use crate::function::settings::Settings;
use crate::key::arguments::Serialized;
use crate::key::{Key, tag};
use crate::persist::{Cost, Durability, Identity, Place, RealFs, function_folder};
use crate::platform::maintenance::CACHES;
use crate::platform::test_directory::TestDirectory;
use crate::statistics::explanation::Remover;
use crate::value::holder::InPlace;
use crate::value::keep::probe::KeepInPlace as _;
use crate::value::keep::{KeepOf, Probe};
use crate::value::selection::All;

type Numbers = KeepOf<All<u32>, InPlace>;

const MINUTE: Millis = 60_000;

#[test]
fn an_empty_path_is_refused_before_anything_is_touched() {
    for path in ["", " "] {
        let settings = Settings::of((&&Probe::<u32>::NEW).__memokit_keep()).persist(path);
        let function = settings.at(|| "f".to_owned(), || Ok(0)).shared("f".to_owned(), 1);
        assert!(function.recover());
        let refused = function.try_init().unwrap_err();
        assert!(matches!(&refused, Error::NoDirectory { .. }), "{refused}");
        assert!(refused.to_string().contains("it is empty"), "{refused}");
        assert!(matches!(function.health(), Err(Error::NoDirectory { .. })));
        let folder = function_folder(std::path::Path::new(path), "f");
        assert!(!folder.exists(), "{}", folder.display());
    }
}

impl TestDirectory {
    fn function(&self) -> Arc<FunctionCache<Numbers>> {
        self.core_with(|settings| settings)
    }

    fn core_with(
        &self,
        more: impl FnOnce(Settings<Numbers>) -> Settings<Numbers>,
    ) -> Arc<FunctionCache<Numbers>> {
        let settings = Settings::of((&&Probe::<u32>::NEW).__memokit_keep())
            .max(10)
            .persist(&self.0)
            .durability(Durability::Os);
        let settings = more(settings).at(|| "f".to_owned(), || Ok(0));
        settings.shared("f".to_owned(), 1)
    }

    /// Writes what a process leaves whose clock is `ahead` milliseconds ahead: an entry that expires in two minutes by
    /// the present clock, and one that does not expire.
    fn fill(&self, ahead: Millis) {
        let codec: &dyn Codec<u32> = &Postcard::new();
        let value = codec.to_bytes(&7).unwrap();
        let identity = Identity {
            function: "f".to_owned(),
            key_format: tag::FORMAT,
            schema: codec.schema().unwrap(),
            code: 1,
        };
        let fs = Arc::new(RealFs);
        let place = Place::of(&self.0, "f", 0, &identity);
        let store = Store::open(fs, &place, &identity, Durability::Os).unwrap();
        store.begin(&mut |_| ()).unwrap();
        let now = clock::wall();
        let (first, second) = (key(1), key(2));
        let put = |key: &Key, created, expires| {
            let key = key.bytes().unwrap();
            let cost = Cost::UNKNOWN;
            let record =
                Record::Put { key, value: &value, apart: false, created, expires, cost, tags: &[] };
            store.commit(store.queue(record, store.since())).unwrap();
        };
        put(&first, now, Some(now + 2 * MINUTE));
        put(&second, now + ahead, None);
    }
}

fn key(n: u32) -> Key {
    Key::of(&(Serialized(&n), ()))
}

/// Returns the value in memory or on disk.
fn found(function: &FunctionCache<Numbers>, n: u32) -> Option<u32> {
    let key = key(n);
    let bytes = key.bytes().unwrap();
    function.peek(function.hash_key(bytes).unwrap(), bytes)
}

#[test]
fn recovery_expires_entries_by_the_latest_known_time() {
    check_expiry_by_the_latest_known_time("clock-recovery", |function| assert!(function.recover()));
}

#[test]
fn a_late_open_expires_entries_by_the_latest_known_time() {
    check_expiry_by_the_latest_known_time("clock-late", |function| function.try_init().unwrap());
}

fn check_expiry_by_the_latest_known_time(name: &str, open: impl Fn(&FunctionCache<Numbers>)) {
    for (ahead, first) in [(0, Some(7)), (MINUTE, Some(7)), (3 * MINUTE, None)] {
        let folder = TestDirectory::new(name);
        folder.fill(ahead);
        let function = folder.function();
        open(&function);
        assert_eq!((found(&function, 1), found(&function, 2)), (first, Some(7)), "{ahead}");
    }
}

/// With two records, the write of another thread could end between them, and the log could end there.
#[test]
fn a_value_replaces_another_with_one_record() {
    let folder = TestDirectory::new("one-record");
    let function = folder.function();
    assert!(function.recover());
    let key = key(1);
    let bytes = key.bytes().unwrap();
    let hash = function.hash_key(bytes).unwrap();
    let written = |made| {
        let before = function.stats().log_bytes;
        let claim = function.memory.take_over(hash, bytes, None);
        assert!(function.complete(claim, &7, made, since(&function), None).kept);
        function.stats().log_bytes - before
    };
    let computed = Made::Computed(None);
    written(computed);
    let by_hand = Removing { by: Remover::Invalidate, elsewhere: true };
    function.memory.remove(hash, bytes, by_hand, &mut || ());
    let alone = written(computed);
    assert_eq!((written(computed), written(Made::Inserted)), (alone, alone));
}

/// It would come back from the disk once memory has forgotten it.
#[test]
fn what_is_older_than_an_invalidation_is_not_written_as_newer_than_its_removal() {
    let folder = TestDirectory::new("tag-overtaken");
    let function = folder.core_with(Settings::tagged);
    assert!(function.recover());
    let tag = Tag::new("an invalidation that is overtaken");
    let (running, began) = (claim_tagged(&function, tag), since(&function));
    let ending = tags::Ending::begin(tag);
    function.remove_tag(tag);
    // Raises the horizon, so that what is committed now is written again.
    function.snapshot().unwrap();
    function.complete(running, &7, Made::Computed(None), began, None);
    drop(ending);
    assert_eq!(left(&function), []);
}

#[test]
fn what_is_read_while_its_tag_is_removed_from_disks_does_not_count() {
    let folder = TestDirectory::new("tag-read");
    let function = folder.core_with(Settings::tagged);
    assert!(function.recover());
    let tag = Tag::new("an invalidation that is slow");
    let claim = claim_tagged(&function, tag);
    assert!(function.complete(claim, &7, Made::Computed(None), since(&function), None).kept);
    let key = key(1);
    let load = || {
        let claim = claim_tagged(&function, tag);
        // The entry in memory would be returned before.
        tags::invalidate(tag);
        function.load_since(claim, key.bytes().unwrap(), 0)
    };
    let ending = tags::Ending::begin(tag);
    assert_eq!(load(), None);
    drop(ending);
    assert_eq!(load(), Some(7));
}

fn claim_tagged(function: &FunctionCache<Numbers>, tag: Tag) -> Claim {
    let key = key(1);
    let bytes = key.bytes().unwrap();
    function.memory.take_over(function.hash_key(bytes).unwrap(), bytes, Some(&[tag]))
}

#[test]
fn an_opening_removes_versions_that_are_no_longer_used() {
    let folder = TestDirectory::new("old-version");
    let versions = || {
        let listed = std::fs::read_dir(function_folder(&folder.0, "f")).unwrap();
        let paths = listed.map(|entry| entry.unwrap().path());
        paths.filter(|path| path.is_dir()).collect::<Vec<_>>()
    };
    compute(&Process(Some(folder.function())), 1);
    let old = versions().remove(0);
    std::fs::write(old.join("USED"), "1\n").unwrap();
    let process = Process(Some(folder.core_with(|settings| settings.version("other"))));
    compute(&process, 1);
    let begin = std::time::Instant::now();
    while versions().contains(&old) {
        assert!(begin.elapsed() < Duration::from_secs(30), "the old version stays");
        std::thread::yield_now();
    }
    assert_eq!(versions().len(), 1);
}

const SECOND: i64 = 1000;
const HOUR: i64 = 3600 * SECOND;
const DECADE: i64 = 10 * 365 * 24 * HOUR;
/// Sets the clock to a time before 1970.
const LONG_AGO: i64 = -10 * DECADE;

/// The cache of a simulated process. The process ends when it is dropped.
struct Process(Option<Arc<FunctionCache<Numbers>>>);

impl Deref for Process {
    type Target = FunctionCache<Numbers>;

    fn deref(&self) -> &Self::Target {
        self.0.as_ref().expect("taken by `drop` alone")
    }
}

impl Drop for Process {
    /// Waits for the background thread, which holds the cache and so the directory during a tick.
    fn drop(&mut self) {
        while let Some(Err(held)) = self.0.take().map(Arc::try_unwrap) {
            self.0 = Some(held);
            std::thread::yield_now();
        }
    }
}

/// Returns the cache of a process that starts while the clock is wrong by `wrong` milliseconds. Its results live for an
/// hour.
fn process(folder: &TestDirectory, wrong: i64) -> Process {
    clock::steps::set(wrong);
    let function = folder.core_with(|settings| settings.ttl(Duration::from_secs(3600)));
    // The background thread would go by the right clock.
    function.maintenance.begin(&CACHES, || Weak::<FunctionCache<Numbers>>::new());
    assert!(function.recover());
    Process(Some(function))
}

fn since(function: &FunctionCache<Numbers>) -> u64 {
    function.storage.as_ref().map_or(0, |storage| storage.since())
}

fn compute(function: &FunctionCache<Numbers>, n: u32) {
    let key = key(n);
    let bytes = key.bytes().unwrap();
    let hash = function.hash_key(bytes).unwrap();
    let claim = function.memory.take_over(hash, bytes, None);
    assert!(function.complete(claim, &n, Made::Computed(None), since(function), None).kept);
}

/// Loads what a call would find on disk. Returns how long each entry has left to live, in milliseconds.
fn left(function: &FunctionCache<Numbers>) -> Vec<(u32, Millis)> {
    let storage = function.storage.as_ref().unwrap();
    let load = |n| Some((n, storage.load(function, key(n).bytes().unwrap(), true)?.lifetime));
    (1..3).filter_map(load).map(|(n, lifetime)| (n, lifetime.expires - clock::now())).collect()
}

#[test]
fn a_step_of_the_clock_prolongs_no_lifetime_and_shortens_no_later_one() {
    let steps = [0, SECOND, -SECOND, HOUR / 2, -HOUR / 2, HOUR, -HOUR, DECADE, -DECADE, LONG_AGO];
    for first in steps {
        for second in steps {
            let about = format!("{first} then {second}");
            let folder = TestDirectory::new("clock-steps");
            compute(&process(&folder, first), 1);
            let before = left(&process(&folder, second));
            let passed = u64::try_from(second - first).unwrap_or(0);
            let expected = 3_600_000_u64.saturating_sub(passed);
            match before.first() {
                Some((_, left)) => {
                    // The coarse clock lags a little behind the wall clock.
                    let near = *left <= expected + 900 && left + 5 * 60_000 > expected;
                    assert!(near, "{about}: {left}");
                }
                None => assert!(expected < 5 * 60_000 || first.min(second) == LONG_AGO, "{about}"),
            }
            compute(&process(&folder, second), 2);
            let after = left(&process(&folder, second));
            assert!(after.iter().any(|(n, _)| *n == 2), "{about}: {after:?}");
            for (n, left) in left(&process(&folder, first)) {
                let most =
                    before.iter().find(|(m, _)| *m == n).map_or(3_600_000, |(_, left)| *left);
                // If the clock of a process was behind, the next process cannot know how long that process ran.
                assert!(left <= most + 900, "{about}: {n} gains {} ms", left - most);
            }
        }
    }
    clock::steps::set(0);
}

/// The mark of the latest known time must not outlive the error of the clock that made it.
#[test]
fn a_run_with_the_clock_ten_years_ahead_does_no_lasting_harm() {
    let folder = TestDirectory::new("clock-ahead");
    let one = |function: &Process, n| left(function).into_iter().find(|(m, _)| *m == n);
    compute(&process(&folder, DECADE), 1);
    let right = process(&folder, 0);
    let (_, most) = one(&right, 1).expect("an entry of the future is used");
    assert!(most <= 3_600_000, "{most}");
    let told = right.damage();
    assert!(told.iter().any(|error| error.to_string().contains("far ahead")), "{told:?}");
    compute(&right, 2);
    drop(right);
    let later = process(&folder, HOUR / 2);
    let (_, rest) = one(&later, 2).expect("half of its time is left");
    assert!((25 * MINUTE..=30 * MINUTE + 900).contains(&rest), "{rest}");
    later.snapshot().unwrap();
    drop(later);
    // The snapshot has given the entry of the future the present time.
    let end = process(&folder, 2 * HOUR);
    assert_eq!(left(&end), []);
    assert_eq!(end.damage().len(), 0, "{:?}", end.damage());
    clock::steps::set(0);
}
