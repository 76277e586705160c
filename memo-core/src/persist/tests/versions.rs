//! Tests of the versions of a function beside each other.

use super::*;
use crate::persist::{Failure, WallMillis, function_folder, mark_used, remove_old, remove_unused};

pub(super) const DAY: WallMillis = 24 * 3600 * 1000;
pub(super) const NOW: WallMillis = 1000 * DAY;

pub(super) fn root() -> &'static Path {
    Path::new("/cache")
}

pub(super) fn identity_of(version: u128) -> Identity {
    Identity { code: version, ..identity() }
}

pub(super) fn place(version: u128) -> Place {
    Place::of(root(), "app::quote", 0, &identity_of(version))
}

fn tag() -> PathBuf {
    function_folder(root(), "app::quote").join("CACHEDIR.TAG")
}

/// Opens a version, and notes its use.
pub(super) fn open_version(fs: &MemFs, version: u128, now: WallMillis) -> (Store, Entries) {
    let (place, identity) = (place(version), identity_of(version));
    let fs: Arc<dyn Fs> = Arc::new(fs.clone());
    let store = Store::open(Arc::clone(&fs), &place, &identity, Durability::Os).unwrap();
    store.begin(&mut |_| ()).unwrap();
    mark_used(&*fs, &place, now).unwrap();
    let found = contents(&store).unwrap();
    (store, found)
}

/// Runs a process that uses a version at the time `now`.
pub(super) fn run(fs: &MemFs, version: u128, now: WallMillis) -> Entries {
    let (store, found) = open_version(fs, version, now);
    write(&store, put(b"k", &version.to_le_bytes())).unwrap();
    found
}

/// Returns which of the versions 1 to 9 have files.
pub(super) fn stored(fs: &MemFs) -> Vec<u128> {
    let paths = fs.paths();
    let is_stored =
        |version: &u128| paths.iter().any(|path| path.starts_with(place(*version).dir()));
    (1..10).filter(is_stored).collect()
}

#[test]
fn versions_in_turns_find_their_own_results() {
    let fs = MemFs::new();
    for turn in 0..3 {
        for version in [1, 2] {
            let found = run(&fs, version, NOW);
            remove_old(&fs, &place(version), NOW, None).unwrap();
            let mine = Entries::from([(b"k".to_vec(), version.to_le_bytes().to_vec())]);
            assert_eq!(found, if turn == 0 { Entries::new() } else { mine });
        }
    }
}

#[test]
fn a_version_that_was_not_used_for_30_days_is_removed() {
    for (days, left) in [(29, vec![1, 2]), (30, vec![2])] {
        let fs = MemFs::new();
        run(&fs, 1, NOW);
        run(&fs, 2, NOW + days * DAY);
        remove_old(&fs, &place(2), NOW + days * DAY, None).unwrap();
        assert_eq!(stored(&fs), left);
        let folders = fs.list_dirs(&function_folder(root(), "app::quote")).unwrap();
        assert_eq!(folders.len(), left.len());
    }
}

#[test]
fn the_4_versions_that_were_used_last_stay() {
    let fs = MemFs::new();
    for (day, version) in (0..).zip([5, 1, 2, 3, 4, 1]) {
        run(&fs, version, NOW + day * DAY);
    }
    remove_old(&fs, &place(1), NOW + 6 * DAY, None).unwrap();
    assert_eq!(stored(&fs), [1, 2, 3, 4]);
}

#[test]
fn a_version_in_use_is_not_removed() {
    let fs = MemFs::new();
    let (store, _) = open_version(&fs, 1, NOW);
    write(&store, put(b"k", b"v")).unwrap();
    (90..).zip(2..8).for_each(|(day, version)| drop(run(&fs, version, NOW + day * DAY)));
    remove_old(&fs, &place(7), NOW + 96 * DAY, None).unwrap();
    assert_eq!(stored(&fs), [1, 4, 5, 6, 7]);
    write(&store, put(b"l", b"w")).unwrap();
    drop(store);
    assert_eq!(open_version(&fs, 1, NOW + 97 * DAY).1, entries([("k", "v"), ("l", "w")]));
}

#[test]
fn the_use_is_noted_at_most_once_a_day() {
    let fs = MemFs::new();
    let mark = || fs.get(&Name::Used.at(place(1).dir())).unwrap();
    run(&fs, 1, NOW);
    let first = mark();
    assert_eq!(first, format!("{NOW}\n").as_bytes());
    run(&fs, 1, NOW + DAY - 1);
    assert_eq!(mark(), first);
    run(&fs, 1, NOW + DAY);
    assert_ne!(mark(), first);
}

#[test]
fn a_use_in_the_future_counts_as_now() {
    let fs = MemFs::new();
    run(&fs, 1, NOW + 5000 * DAY);
    run(&fs, 2, NOW);
    remove_old(&fs, &place(2), NOW, None).unwrap();
    assert_eq!(stored(&fs), [1, 2]);
    run(&fs, 1, NOW);
    remove_old(&fs, &place(2), NOW + 40 * DAY, None).unwrap();
    assert_eq!(stored(&fs), [2]);
}

#[test]
fn a_version_without_a_note_counts_as_used_from_when_that_is_noticed() {
    for content in [None, Some(&b""[..]), Some(b"yesterday")] {
        let fs = MemFs::new();
        run(&fs, 1, NOW);
        let mark = Name::Used.at(place(1).dir());
        match content {
            None => fs.remove(&mark).unwrap(),
            Some(content) => fs.put(&mark, content.to_vec()),
        }
        for (days, left) in [(0, vec![1, 2]), (29, vec![1, 2]), (30, vec![2])] {
            run(&fs, 2, NOW + days * DAY);
            remove_old(&fs, &place(2), NOW + days * DAY, None).unwrap();
            assert_eq!(stored(&fs), left);
        }
    }
}

#[test]
fn what_others_have_in_the_folder_of_a_version_or_beside_it_stays() {
    let fs = MemFs::new();
    run(&fs, 1, NOW);
    let folder = function_folder(root(), "app::quote");
    let others = [place(1).dir().join("notes.txt"), folder.join("notes.txt"), folder.join("old/f")];
    others.iter().for_each(|path| fs.put(path, b"mine".to_vec()));
    run(&fs, 2, NOW + 40 * DAY);
    remove_old(&fs, &place(2), NOW + 40 * DAY, None).unwrap();
    let left: Vec<_> = fs.paths().into_iter().filter(|p| !p.starts_with(place(2).dir())).collect();
    let mut expected = [others.to_vec(), vec![tag()]].concat();
    expected.sort();
    assert_eq!(left, expected);
}

#[test]
fn a_removal_that_fails_or_is_cut_short_goes_on_at_the_next_opening() {
    let filled = || {
        let fs = MemFs::new();
        let (store, _) = open_version(&fs, 1, NOW);
        write(&store, put(b"k", b"v")).unwrap();
        checkpoint(&store, &entries([("k", "v")])).unwrap();
        write(&store, Record::Remove { key: b"k" }).unwrap();
        drop(store);
        run(&fs, 2, NOW + 40 * DAY);
        fs
    };
    let remove = |fs: &MemFs| remove_old(fs, &place(2), NOW + 40 * DAY, None);
    let counted = filled();
    let before = counted.operations();
    remove(&counted).unwrap();
    for at in before..counted.operations() {
        let fs = filled();
        fs.fail(Some(Failure { at, count: u64::MAX, errno: 5 }));
        let _ = remove(&fs);
        fs.fail(None);
        let image = fs.after_process_death();
        assert_eq!(open_version(&image, 1, NOW).1, Entries::new(), "{at}");
        remove(&fs).unwrap();
        assert_eq!(stored(&fs), [2], "{at}");
    }
}

/// Whoever removes a version may be killed at any moment. What is in memory elsewhere is never newer than the disk.
#[test]
fn who_only_reads_a_version_is_told_before_anything_of_it_is_removed() {
    let version = place(1);
    let filled = || {
        let fs = MemFs::new();
        let (store, _) = open_version(&fs, 1, NOW);
        write(&store, put(b"k", b"v")).unwrap();
        checkpoint(&store, &entries([("k", "v")])).unwrap();
        write(&store, put(b"l", b"w")).unwrap();
        fs
    };
    let read = |fs: &MemFs| {
        let (fs, identity) = (Arc::new(fs.clone()), identity_of(1));
        let store = Store::open(fs, &version, &identity, Durability::Os).unwrap();
        let found = contents(&store).unwrap();
        (store, found)
    };
    let counted = filled();
    let before = counted.operations();
    assert!(remove_unused(&counted, version.dir()).unwrap());
    let steps = counted.operations() - before;
    let all = entries([("k", "v"), ("l", "w")]);
    for at in 0..steps {
        let fs = filled();
        let (reader, found) = read(&fs);
        assert_eq!(found, all);
        let at = fs.operations() + at;
        fs.fail(Some(Failure { at, count: u64::MAX, errno: 5 }));
        let _ = remove_unused(&fs, version.dir());
        fs.fail(None);
        let left = open_version(&fs.after_process_death(), 1, NOW).1;
        assert!(is_behind(&reader) || left == all, "{at}: it keeps what is gone");
        // Nor does a process that looks meanwhile keep something.
        let (late, found) = read(&fs);
        let _ = remove_unused(&fs, version.dir());
        assert!(is_behind(&late) || found.is_empty(), "{at}");
        for reader in [reader, late] {
            let _ = reader.follow(&mut |_| ());
            assert_eq!(contents(&reader).unwrap(), Entries::new(), "{at}");
        }
    }
}

#[test]
fn the_folder_of_the_function_is_tagged_as_a_cache() {
    let fs = MemFs::new();
    run(&fs, 1, NOW);
    let text = fs.get(&tag()).unwrap();
    assert!(text.starts_with(b"Signature: 8a477f597d28d172789f06886806bc55\n"));
    fs.put(&tag(), b"mine".to_vec());
    run(&fs, 1, NOW);
    assert_eq!(fs.get(&tag()).unwrap(), b"mine");
}
