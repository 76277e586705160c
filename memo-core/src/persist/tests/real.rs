//! Tests on the real file system of the machine.

use super::model::{Run, script};
use super::*;
use crate::persist::{RealFs, Removal};
use crate::platform::test_directory::TestDirectory;

impl TestDirectory {
    fn open(&self, durability: Durability) -> Result<(Store, Recovery, Entries), Error> {
        open_as(RealFs, &self.0.join("deep/cache"), &identity(), durability)
    }

    fn cache(&self) -> PathBuf {
        self.0.join("deep/cache")
    }
}

#[test]
fn the_script_is_recovered_from_real_files() {
    for durability in [Durability::Os, Durability::Interval, Durability::Always] {
        let folder = TestDirectory::new(&format!("script-{durability:?}"));
        let run = Run::of(&script(), &folder.open(durability).unwrap().0, durability);
        assert_eq!(run.errors, 0);
        let (store, recovery, found) = folder.open(durability).unwrap();
        assert_eq!(found, run.memory);
        assert!(recovery.discarded.is_empty(), "{recovery:?}");
        checkpoint(&store, &found).unwrap();
        drop(store);
        assert_eq!(folder.open(durability).unwrap().2, found);
    }
}

#[test]
fn a_directory_that_is_open_is_shared() {
    let folder = TestDirectory::new("lock");
    let (first, ..) = folder.open(Durability::Os).unwrap();
    write(&first, put(b"k", b"v")).unwrap();
    let (second, _, found) = folder.open(Durability::Os).unwrap();
    assert_eq!(found, entries([("k", "v")]));
    write(&second, put(b"l", b"w")).unwrap();
    assert!(!is_behind(&first));
    remove(&second, b"k").unwrap();
    assert!(is_behind(&first));
    let mut removed = Vec::new();
    first.follow(&mut |removal| removed.push(removal)).unwrap();
    assert_eq!(removed, [Removal::Key(b"k"[..].into())]);
    assert_eq!(contents(&first).unwrap(), entries([("l", "w")]));
    first.merge(&ALL).unwrap();
    write(&second, put(b"m", b"x")).unwrap();
    let expected = entries([("l", "w"), ("m", "x")]);
    for store in [&first, &second] {
        store.follow(&mut |_| ()).unwrap();
        assert_eq!(contents(store).unwrap(), expected);
    }
    drop((first, second));
    assert_eq!(folder.open(Durability::Os).unwrap().2, expected);
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_access_the_files() {
    use std::os::unix::fs::PermissionsExt;
    let folder = TestDirectory::new("mode");
    let (store, ..) = folder.open(Durability::Os).unwrap();
    checkpoint(&store, &Entries::new()).unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder.cache()), 0o700);
    for entry in std::fs::read_dir(folder.cache()).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
    }
}

/// Nothing is written through a link: its target stays as it is.
#[cfg(unix)]
#[test]
fn symbolic_links_in_the_directory_are_not_written_to() {
    use std::os::unix::fs::symlink;
    for name in ["LOCK", "STATE", "wal-0000000000000001", "snap-0000000000000001"] {
        let folder = TestDirectory::new(&format!("link-{name}"));
        let target = folder.0.join("target");
        drop(folder.open(Durability::Os).unwrap());
        std::fs::write(&target, "precious").unwrap();
        let _ = std::fs::remove_file(folder.cache().join(name));
        symlink(&target, folder.cache().join(name)).unwrap();
        let is_refused = ["LOCK", "STATE"].contains(&name);
        assert_eq!(folder.open(Durability::Os).is_err(), is_refused, "{name}");
        assert_eq!(std::fs::read_to_string(&target).unwrap(), "precious");
    }
}

/// Package managers make folders of links to files that they keep elsewhere.
#[cfg(unix)]
#[test]
fn files_are_read_through_symbolic_links() {
    use std::os::unix::fs::symlink;
    let folder = TestDirectory::new("farm");
    let (store, ..) = folder.open(Durability::Os).unwrap();
    write(&store, put(b"k", b"v")).unwrap();
    checkpoint(&store, &entries([("k", "v")])).unwrap();
    write(&store, put(b"l", b"w")).unwrap();
    drop(store);
    let kept = folder.0.join("kept");
    std::fs::rename(folder.cache(), &kept).unwrap();
    std::fs::create_dir(folder.0.join("farm")).unwrap();
    symlink(folder.0.join("farm"), folder.cache()).unwrap();
    for name in ["snap-0000000000000002", "wal-0000000000000001"] {
        symlink(kept.join(name), folder.cache().join(name)).unwrap();
    }
    let contents = || {
        ["snap-0000000000000002", "wal-0000000000000001"]
            .map(|name| std::fs::read(kept.join(name)).unwrap())
    };
    let before = contents();
    let (store, recovery, found) = folder.open(Durability::Os).unwrap();
    assert_eq!(found, entries([("k", "v"), ("l", "w")]));
    assert!(recovery.discarded.is_empty(), "{recovery:?}");
    write(&store, put(b"m", b"x")).unwrap();
    checkpoint(&store, &found).unwrap();
    assert_eq!(contents(), before);
}

/// Somebody removes the scratch folder of a program while that creates its directory in it again.
#[test]
fn what_is_removed_from_above_is_not_created_again() {
    let folder = TestDirectory::new("again");
    let (parent, root) = (folder.0.join("parent"), folder.0.join("parent/results"));
    let dir = root.join("function/version");
    let place = Place::of(&root, "f", 0, &identity()).again();
    for _ in 0..200 {
        std::fs::create_dir_all(&parent).unwrap();
        std::thread::scope(|scope| {
            let creating = scope.spawn(|| {
                let created = || RealFs.create_dir(&dir, place.base());
                while created().is_ok() || parent.exists() {}
                created().unwrap_err().kind()
            });
            while std::fs::remove_dir_all(&folder.0).is_err() {}
            assert_eq!(creating.join().unwrap(), std::io::ErrorKind::NotFound);
        });
        assert!(!folder.0.exists());
    }
}

#[cfg(unix)]
#[test]
fn a_link_to_nothing_is_set_aside() {
    let folder = TestDirectory::new("dangling");
    drop(folder.open(Durability::Os).unwrap());
    let link = folder.cache().join("snap-0000000000000001");
    std::os::unix::fs::symlink("nothing", link).unwrap();
    let (_, recovery, _) = folder.open(Durability::Os).unwrap();
    assert_eq!(losses(&recovery), [Loss::Unreadable, Loss::Superseded]);
}

/// As root, creates files in a folder of another user. Does nothing as another user.
#[cfg(unix)]
#[test]
fn what_root_creates_in_the_folder_of_a_user_belongs_to_that_user() {
    use std::os::unix::fs::{MetadataExt, chown};
    if !crate::platform::os::is_root() {
        return;
    }
    let folder = TestDirectory::new("owner");
    std::fs::create_dir(&folder.0).unwrap();
    chown(&folder.0, Some(12345), Some(23456)).unwrap();
    let (store, ..) = folder.open(Durability::Os).unwrap();
    write(&store, put(b"k", b"v")).unwrap();
    checkpoint(&store, &entries([("k", "v")])).unwrap();
    let mut paths = vec![folder.0.join("deep"), folder.cache()];
    paths.extend(std::fs::read_dir(folder.cache()).unwrap().map(|entry| entry.unwrap().path()));
    assert!(paths.len() >= 5, "{paths:?}");
    for path in paths {
        let owner = std::fs::metadata(&path).unwrap();
        assert_eq!((owner.uid(), owner.gid()), (12345, 23456), "{}", path.display());
    }
}

#[cfg(unix)]
#[test]
fn a_link_at_the_name_of_a_temporary_file_is_not_followed() {
    let folder = TestDirectory::new("planted");
    drop(folder.open(Durability::Os).unwrap());
    let target = folder.0.join("target");
    std::fs::write(&target, "precious").unwrap();
    let (store, ..) = folder.open(Durability::Os).unwrap();
    let planted = folder.cache().join("snap-0000000000000002.tmp");
    std::os::unix::fs::symlink(&target, planted).unwrap();
    checkpoint(&store, &entries([("k", "v")])).unwrap();
    assert_eq!(std::fs::read_to_string(&target).unwrap(), "precious");
}

#[test]
fn a_reader_that_begins_to_write_in_a_folder_that_was_created_again_notices_removals() {
    let folder = TestDirectory::new("again");
    let (first, ..) = folder.open(Durability::Os).unwrap();
    write(&first, put(b"k", b"v")).unwrap();
    let place = Place::alone(&folder.cache());
    let reader = Store::open(Arc::new(RealFs), &place, &identity(), Durability::Os).unwrap();
    assert!(!is_behind(&reader));
    drop(first);
    std::fs::remove_dir_all(folder.cache()).unwrap();
    let (second, ..) = folder.open(Durability::Os).unwrap();
    write(&second, put(b"k", b"w")).unwrap();
    reader.begin(&mut |_| ()).unwrap();
    assert!(!is_behind(&reader));
    remove(&second, b"k").unwrap();
    assert!(is_behind(&reader));
}
