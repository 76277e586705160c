//! Tests that one version empties the others, beside processes that use them.

use std::sync::mpsc::channel;
use std::time::Duration;

use super::versions::{NOW, identity_of, open_version, place, root, run, stored};
use super::*;
use crate::persist::{Failure, KeyClaim, Removal, clear_versions, function_folder};

const SECRET: &[u8] = b"a path that nobody may read";

/// Clears as a process that runs version 3.
fn clear(fs: &MemFs) -> Result<(), Error> {
    let fs: Arc<dyn Fs> = Arc::new(fs.clone());
    clear_versions(&fs, &function_folder(root(), "app::quote"), Some(place(3).dir()))
}

/// Leaves results of version 1, which nobody uses, and of version 2, of which a process is returned that uses it.
fn filled(fs: &MemFs) -> Store {
    run(fs, 1, NOW);
    let (ended, _) = open_version(fs, 2, NOW);
    let (store, _) = open_version(fs, 2, NOW);
    write(&ended, put(SECRET, b"v")).unwrap();
    write_apart(&ended, put(b"long", &[7; APART_FROM])).unwrap();
    drop(ended);
    write(&store, put(b"k", b"v")).unwrap();
    store
}

fn holds_secret(fs: &MemFs) -> bool {
    let is_in = |bytes: Vec<u8>| bytes.windows(SECRET.len()).any(|window| window == SECRET);
    fs.paths().iter().filter_map(|path| fs.get(path)).any(is_in)
}

/// Returns what new processes of the versions 1 and 2 find.
fn found(fs: &MemFs) -> Entries {
    let mut found = open_version(fs, 1, NOW).1;
    found.extend(open_version(fs, 2, NOW).1);
    found
}

#[test]
fn what_other_versions_have_stored_goes_and_what_they_store_later_stays() {
    let fs = MemFs::new();
    let used = filled(&fs);
    let put_aside = place(2).dir().join("quarantine/00000001-wal-0000000000000009");
    fs.put(&put_aside, SECRET.to_vec());
    let own = open_version(&fs, 3, NOW).0;
    write(&own, put(b"own", b"v")).unwrap();
    let computing_since = used.since();
    assert!(holds_secret(&fs));
    clear(&fs).unwrap();
    assert_eq!(stored(&fs), [2, 3]);
    assert!(!holds_secret(&fs) && list_values(&fs, place(2).dir()).unwrap().is_empty());
    // The process learns it before it serves another call.
    assert!(is_behind(&used));
    let mut removed = Vec::new();
    used.follow(&mut |removal| removed.push(removal)).unwrap();
    assert_eq!(removed, [Removal::All]);
    let stale = used.queue(put(b"stale", b"v"), computing_since);
    used.commit(stale).unwrap();
    write(&used, put(b"later", b"v")).unwrap();
    assert_eq!(contents(&used).unwrap(), entries([("later", "v")]));
    assert_eq!(contents(&own).unwrap(), entries([("own", "v")]));
    assert_eq!(found(&fs.after_process_death()), entries([("later", "v")]));
}

#[test]
fn once_it_has_succeeded_no_crash_brings_anything_back() {
    let counted = MemFs::new();
    let _store = filled(&counted);
    let before = counted.operations();
    clear(&counted).unwrap();
    let steps = counted.operations() - before;
    for at in 0..steps {
        for count in [1, u64::MAX] {
            let fs = MemFs::new();
            let _used = filled(&fs);
            fs.fail(Some(Failure { at: before + at, count, errno: 5 }));
            let cleared = clear(&fs);
            fs.fail(None);
            let left = found(&fs.after_process_death());
            assert!(cleared.is_err() || left.is_empty(), "{at} {count}: {left:?}");
            clear(&fs).unwrap_or_else(|error| panic!("{at} {count}: {error}"));
            let dead = fs.after_process_death();
            assert!(found(&dead).is_empty() && !holds_secret(&fs), "{at} {count}");
            for image in fs.after_power_loss() {
                assert!(found(&image.fs).is_empty(), "{at} {count} {}", image.name);
            }
        }
    }
}

#[test]
fn folders_of_others_stay_and_a_version_that_says_nothing_is_reported() {
    let fs = MemFs::new();
    clear(&fs).unwrap();
    let notes = function_folder(root(), "app::quote").join("0123456789abcdef/notes.txt");
    fs.put(&notes, b"mine".to_vec());
    let (store, _) = open_version(&fs, 2, NOW);
    clear(&fs).unwrap();
    let names = fs.list(place(2).dir()).unwrap();
    let is_stored = |name: &str| name.starts_with("wal-") || name.starts_with("snap-");
    for name in names.iter().filter(|name| is_stored(name.to_str().unwrap())) {
        fs.remove(&place(2).dir().join(name)).unwrap();
    }
    assert!(matches!(clear(&fs), Err(Error::Locked { .. })));
    drop(store);
    clear(&fs).unwrap();
    assert_eq!((stored(&fs), fs.get(&notes).unwrap()), (vec![], b"mine".to_vec()));
}

/// Two processes clear at the same time, and a third one ends.
#[test]
fn a_version_that_is_gone_meanwhile_is_no_failure() {
    for _ in 0..50 {
        let fs = MemFs::new();
        let used = filled(&fs);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| clear(&fs).unwrap());
            }
            scope.spawn(|| drop(used));
        });
        assert!(found(&fs.after_process_death()).is_empty());
    }
}

/// Its process would create the folder anew, without a trace of the removal.
#[test]
fn a_version_of_which_a_key_is_computed_for_the_first_time_is_reported() {
    let fs = MemFs::new();
    let shared: Arc<dyn Fs> = Arc::new(fs.clone());
    let computing =
        Store::open(Arc::clone(&shared), &place(2), &identity_of(2), Durability::Os).unwrap();
    let KeyClaim::Locked(lock) = computing.try_lock_key(b"k") else { panic!("nobody else has it") };
    let refused = clear(&fs).unwrap_err();
    assert!(matches!(refused, Error::Locked { .. }), "{refused}");
    drop(lock);
    clear(&fs).unwrap();
}

/// What is removed while another process writes a snapshot may be in it.
#[test]
fn who_clears_waits_for_a_process_that_merges() {
    let fs = MemFs::new();
    let used = filled(&fs);
    let (begin, has_begun) = channel();
    std::thread::scope(|scope| {
        let merging = used.shared.writer.get().unwrap();
        scope.spawn(move || {
            let merged = merging.with_merge(Duration::ZERO, || {
                begin.send(()).unwrap();
                std::thread::sleep(Duration::from_millis(20));
                Ok(())
            });
            assert!(merged.unwrap());
        });
        has_begun.recv().unwrap();
        clear(&fs).unwrap();
    });
    assert!(!holds_secret(&fs));
}

#[test]
fn who_cannot_merge_leaves_no_log_at_each_attempt() {
    let fs = MemFs::new();
    let (one, two) = (open_version(&fs, 2, NOW).0, open_version(&fs, 2, NOW).0);
    write(&one, put(b"k", b"v")).unwrap();
    let logs = || fs.paths().iter().filter(|path| path.to_string_lossy().contains("wal-")).count();
    let before = logs();
    let writer = two.shared.writer.get().unwrap();
    let held = writer.with_merge(Duration::ZERO, || {
        for _ in 0..2 {
            assert!(matches!(one.condense(&Keep::all(0)), Err(Error::Locked { .. })));
        }
        Ok(())
    });
    assert!(held.unwrap());
    assert_eq!(logs(), before);
    one.condense(&Keep::all(0)).unwrap();
}
