//! Tests on the real file system of the machine.

use super::model::{Run, script};
use super::*;
use crate::persist::RealFs;
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
fn a_directory_that_is_open_cannot_be_opened_again() {
    let folder = TestDirectory::new("lock");
    let (_store, ..) = folder.open(Durability::Os).unwrap();
    let refused = folder.open(Durability::Os).err().unwrap();
    assert!(matches!(refused, Error::Locked { .. }), "{refused}");
    #[cfg(unix)]
    assert!(refused.to_string().ends_with(&format!("process {}", std::process::id())));
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

#[cfg(unix)]
#[test]
fn symbolic_links_in_the_directory_are_not_followed() {
    use std::os::unix::fs::symlink;
    for name in ["LOCK", "wal-0000000000000001", "snap-0000000000000001"] {
        let folder = TestDirectory::new(&format!("link-{name}"));
        let target = folder.0.join("target");
        std::fs::create_dir_all(folder.cache()).unwrap();
        std::fs::write(&target, "precious").unwrap();
        symlink(&target, folder.cache().join(name)).unwrap();
        assert!(folder.open(Durability::Os).is_err(), "{name}");
        assert_eq!(std::fs::read_to_string(&target).unwrap(), "precious");
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
    let planted = folder.cache().join("snap-0000000000000003.tmp");
    std::os::unix::fs::symlink(&target, planted).unwrap();
    checkpoint(&store, &entries([("k", "v")])).unwrap();
    assert_eq!(std::fs::read_to_string(&target).unwrap(), "precious");
}
