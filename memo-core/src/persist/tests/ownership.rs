//! Tests to whom the files in the directory belong.

use super::*;
use crate::persist::header::MAGIC;

fn filled() -> MemFs {
    let fs = MemFs::new();
    let (store, ..) = open(&fs);
    write(&store, put(b"k", b"v")).unwrap();
    checkpoint(&store, &entries([("k", "v")])).unwrap();
    write(&store, put(b"l", b"w")).unwrap();
    fs.after_process_death()
}

fn quarantined(fs: &MemFs) -> usize {
    fs.paths().iter().filter(|path| path.starts_with(dir().join("quarantine"))).count()
}

fn files(fs: &MemFs) -> Vec<(PathBuf, Vec<u8>)> {
    let files = fs.paths().into_iter().filter(|path| *path != super::path(Name::Lock));
    files.map(|path| (path.clone(), fs.get(&path).unwrap())).collect()
}

#[test]
fn a_directory_that_is_open_is_shared() {
    let fs = filled();
    let (store, ..) = open(&fs);
    let (other, _, found) = open(&fs);
    assert_eq!(found, entries([("k", "v"), ("l", "w")]));
    write(&other, put(b"m", b"x")).unwrap();
    store.follow(&mut |_| ()).unwrap();
    assert_eq!(value(&store, b"m").unwrap(), Some(b"x".to_vec()));
    drop(store);
    write(&other, put(b"n", b"y")).unwrap();
    assert_eq!(recovered(&fs).1.len(), 4);
}

/// The folder of a version holds only files of that version, so a file of another one is damage.
#[test]
fn a_file_with_another_identity_is_set_aside_as_damage() {
    let mine = identity();
    let others = [
        Identity { function: "app::other".to_owned(), ..mine.clone() },
        Identity { key_format: 9, ..mine.clone() },
        Identity { schema: 9, ..mine.clone() },
        Identity { code: 9, ..mine },
    ];
    for other in others {
        let fs = filled();
        let (store, recovery, found) = open_as(fs.clone(), &dir(), &other, Durability::Os).unwrap();
        assert_eq!(found, Entries::new());
        assert_eq!(recovery.discarded, [(2, Loss::BadFile)]);
        assert_eq!((recovery.damage.len(), quarantined(&fs)), (2, 2));
        write(&store, put(b"k", b"other")).unwrap();
        drop(store);
        let (_, _, found) = open_as(fs.clone(), &dir(), &other, Durability::Os).unwrap();
        assert_eq!(found, entries([("k", "other")]));
    }
}

#[test]
fn the_number_of_files_in_quarantine_is_bounded() {
    let fs = MemFs::new();
    for n in 0..6 {
        let other = Identity { function: format!("f{n}"), ..identity() };
        let (store, ..) = open_as(fs.clone(), &dir(), &other, Durability::Os).unwrap();
        write(&store, put(b"k", b"v")).unwrap();
    }
    assert_eq!(quarantined(&fs), 3);
}

#[test]
fn entries_beside_an_unusable_log_are_discarded_as_they_may_be_stale() {
    let fs = MemFs::new();
    let stores = [open(&fs).0, open(&fs).0, open(&fs).0];
    write(&stores[0], put(b"k", b"v")).unwrap();
    write(&stores[1], Record::Remove { key: b"k" }).unwrap();
    write(&stores[2], put(b"l", b"w")).unwrap();
    let mut log = fs.get(&path(Name::Log(2))).unwrap();
    log[40] ^= 1;
    let image = fs.after_process_death();
    image.put(&path(Name::Log(2)), log);
    let (recovery, found) = recovered(&image);
    assert_eq!(found, Entries::new());
    assert_eq!(recovery.discarded, [(1, Loss::BadFile), (2, Loss::Superseded)]);
}

#[test]
fn files_of_a_newer_format_are_left_untouched() {
    let fs = filled();
    let mut bytes = fs.get(&path(Name::Log(1))).unwrap();
    let len = u32::from_le_bytes(bytes[12..16].try_into().unwrap()) as usize;
    bytes[8] = 7;
    bytes[10] = 6;
    let crc = crate::platform::crc32c::crc32c(&bytes[..len - 4]);
    bytes[len - 4..len].copy_from_slice(&crc.to_le_bytes());
    fs.put(&path(Name::Log(1)), bytes);
    let before = files(&fs);
    let refused = open_as(fs.clone(), &dir(), &identity(), Durability::Os).err().unwrap();
    assert!(refused.to_string().contains("format 7"), "{refused}");
    assert_eq!(files(&fs), before);
}

#[test]
fn files_of_a_later_version_that_this_one_can_read_are_read() {
    let fs = filled();
    let mut bytes = fs.get(&path(Name::Log(1))).unwrap();
    let len = u32::from_le_bytes(bytes[12..16].try_into().unwrap()) as usize;
    bytes[8] = 7;
    let crc = crate::platform::crc32c::crc32c(&bytes[..len - 4]);
    bytes[len - 4..len].copy_from_slice(&crc.to_le_bytes());
    fs.put(&path(Name::Log(1)), bytes);
    assert_eq!(recovered(&fs).1, entries([("k", "v"), ("l", "w")]));
}

#[test]
fn a_directory_of_another_program_is_left_untouched() {
    let foreign_files: [(&str, &[u8]); 4] = [
        ("CURRENT", b"MANIFEST-000001\n"),
        ("LOCK", b"some other program"),
        ("wal-0000000000000001", b"a log of something else entirely"),
        ("notes.txt", b"mine"),
    ];
    for (name, content) in foreign_files {
        let fs = MemFs::new();
        fs.put(&dir().join(name), content.to_vec());
        let refused = open_as(fs.clone(), &dir(), &identity(), Durability::Os).err().unwrap();
        assert!(
            matches!(&refused, Error::Foreign { path, .. } if path.ends_with(name)),
            "{refused}"
        );
        assert_eq!(fs.paths(), [dir().join(name)]);
        assert_eq!(fs.get(&dir().join(name)).unwrap(), content);
    }
}

#[test]
fn placeholder_files_do_not_make_a_directory_one_of_another_program() {
    let placeholders: [(&str, &[u8]); 8] = [
        (".gitkeep", b""),
        (".gitignore", b"*\n"),
        (".DS_Store", b"\0\0\0\x01Bud1"),
        ("CACHEDIR.TAG", b"Signature: 8a477f597d28d172789f06886806bc55\n"),
        ("README.md", b"Results of the program.\n"),
        ("Thumbs.db", b"\xd0\xcf"),
        ("desktop.ini", b"[.ShellClassInfo]"),
        ("placeholder", b""),
    ];
    let fs = MemFs::new();
    for (name, content) in placeholders {
        fs.put(&dir().join(name), content.to_vec());
    }
    write(&open(&fs).0, put(b"k", b"v")).unwrap();
    assert_eq!(recovered(&fs).1, entries([("k", "v")]));
    for (name, content) in placeholders {
        assert_eq!(fs.get(&dir().join(name)).unwrap(), content);
    }
}

#[test]
fn a_file_that_cannot_be_opened_is_set_aside_and_named() {
    for (name, left) in [
        (Name::Lock, entries([("k", "v"), ("l", "w")])),
        // Each may have removed what the other holds.
        (Name::Snapshot(2), Entries::new()),
        (Name::Log(1), Entries::new()),
    ] {
        let fs = filled();
        fs.deny(&path(name));
        let (store, recovery, found) = open(&fs);
        assert_eq!(found, left, "{name}");
        if name == Name::Lock {
            assert!(recovery.discarded.is_empty(), "{recovery:?}");
        } else {
            assert!(recovery.discarded.contains(&(1, Loss::Unreadable)), "{recovery:?}");
            let damage = recovery.damage.iter().map(ToString::to_string).collect::<String>();
            assert!(damage.contains(&name.to_string()), "{damage}");
            assert_eq!(quarantined(&fs), 1);
        }
        write(&store, put(b"m", b"x")).unwrap();
        drop(store);
        assert!(open(&fs).2.contains_key(&b"m"[..]), "{name}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_directory_that_cannot_be_synced_stores_unless_the_disk_fails() {
    for (errno, stores) in [(22, true), (95, true), (38, true), (9, true), (5, false)] {
        let fs = MemFs::new();
        fs.fail_dir_syncs(errno);
        let (store, ..) = open(&fs);
        assert_eq!(write(&store, put(b"k", b"v")).is_ok(), stores, "{errno}");
        assert_eq!(checkpoint(&store, &entries([("k", "v")])).is_ok(), stores, "{errno}");
    }
}

#[test]
fn a_file_of_another_program_in_our_directory_stays() {
    let fs = filled();
    let notes = dir().join("notes.txt");
    fs.put(&notes, b"mine".to_vec());
    let (store, _, found) = open(&fs);
    checkpoint(&store, &found).unwrap();
    assert_eq!(found.len(), 2);
    assert_eq!(fs.get(&notes).unwrap(), b"mine");
}

#[test]
fn a_file_with_our_name_and_a_foreign_magic_goes_to_quarantine() {
    let fs = filled();
    let foreign = b"SQLite format 3\0 and then some".to_vec();
    fs.put(&path(Name::Log(9)), foreign.clone());
    let (_, recovery, found) = open(&fs);
    assert_eq!(found, Entries::new());
    assert!(losses(&recovery).contains(&Loss::BadFile));
    assert_eq!(quarantined(&fs), 1);
    assert!(files(&fs).iter().any(|(_, content)| *content == foreign));
    assert!(!foreign.starts_with(&MAGIC));
}

#[test]
fn temporary_files_and_merged_logs_are_removed_at_opening() {
    let fs = MemFs::new();
    let (store, ..) = open(&fs);
    write(&store, put(b"k", b"v")).unwrap();
    write(&store, put(b"l", b"v")).unwrap();
    let log = fs.get(&path(Name::Log(1))).unwrap();
    for _ in 0..2 {
        store.heal_now().unwrap();
        store.merge(&ALL).unwrap();
        let _ = write(&store, Record::Remove { key: b"l" });
        assert_eq!(fs.get(&path(Name::Log(1))), None);
        let image = fs.after_process_death();
        // As if a crash had undone its removal.
        image.put(&path(Name::Log(1)), log.clone());
        image.put(&path(Name::TempSnapshot(2)), vec![1; 100]);
        image.put(&path(Name::TempSort(2)), vec![1; 100]);
        image.put(&path(Name::TempLog(3)), vec![]);
        let (_, recovery, found) = open(&image);
        assert_eq!(found, entries([("k", "v")]));
        assert!(recovery.discarded.is_empty(), "{recovery:?}");
        for name in [Name::TempSnapshot(2), Name::TempSort(2), Name::TempLog(3), Name::Log(1)] {
            assert_eq!(image.get(&path(name)), None);
        }
    }
}

#[test]
fn a_check_for_existence_creates_no_file() {
    let fs = MemFs::new();
    assert!(!Store::exists(&fs, &dir()));
    assert!(fs.paths().is_empty());
    assert!(Store::exists(&filled(), &dir()));
}
