//! Damaged folders: what is found, where, and what can be saved.

use std::fs;
use std::path::{Path, PathBuf};

use crate::program::{made_by, make_in};
use crate::{files, fine, json, run, text};

/// Returns the files of the only version whose names begin so.
fn found(root: &Path, begin: &str) -> PathBuf {
    let files = files(root);
    let mut names = files.iter().map(|(path, _)| path);
    let is_it = |path: &&PathBuf| {
        path.file_name().expect("a name").to_str().expect("UTF-8").starts_with(begin)
    };
    names.find(is_it).expect("a file").clone()
}

fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).expect("a file");
    bytes[at] ^= 1;
    fs::write(path, bytes).expect("written");
}

/// Returns where each key is: its file and offset.
fn offset_of(root: &Path, key: &str) -> usize {
    let line = json(&["keys", text(root)]).into_iter().find(|line| line["key"] == key);
    let offset = line.expect("the key")["offset"].as_u64().expect("a number");
    usize::try_from(offset).expect("a small number")
}

#[track_caller]
fn check(root: &Path, file: &Path, offset: usize) {
    let ran = run(&["verify", text(root)]);
    let place = format!("{} is damaged at byte {offset}", file.display());
    assert_eq!(ran.code, 1, "{}", ran.out);
    assert!(ran.out.contains(&place), "{place}: {}", ran.out);
    let documents = json(&["verify", text(root)]);
    let is_it = |line: &serde_json::Value| line["file"] == text(file) && line["offset"] == offset;
    assert!(documents.iter().any(is_it), "{documents:?}");
}

#[test]
fn a_flipped_byte_of_a_log_is_found_at_its_offset() {
    let root = made_by(&["many 20"]);
    let (log, at) = (found(root.path(), "wal-"), offset_of(root.path(), "(7,)"));
    assert!(fine(&["verify", text(root.path())]).contains("20 entries, ok"));
    // In the head, in the key and in the value.
    for byte in [0, 20, 57, 61] {
        let before = fs::read(&log).expect("a file");
        flip(&log, at + byte);
        let damaged = fs::read(&log).expect("a file");
        check(root.path(), &log, at);
        assert_eq!(run(&["ls", text(root.path())]).code, 1);
        assert!(fs::read(&log).expect("a file") == damaged);
        fs::write(&log, before).expect("written");
    }
}

#[test]
fn every_byte_of_a_snapshot_is_checked() {
    let root = made_by(&["many 20", "snapshot"]);
    let snapshot = found(root.path(), "snap-");
    let whole = fs::read(&snapshot).expect("a file");
    for at in (0..whole.len()).step_by(97).chain([whole.len() - 1]) {
        flip(&snapshot, at);
        let ran = run(&["verify", text(root.path())]);
        assert_eq!(ran.code, 1, "byte {at}: {}{}", ran.out, ran.err);
        fs::write(&snapshot, &whole).expect("written");
    }
    flip(&snapshot, offset_of(root.path(), "(7,)"));
    check(root.path(), &snapshot, offset_of_first_gap(root.path()));
}

fn offset_of_first_gap(root: &Path) -> usize {
    let line = json(&["verify", text(root)]).remove(0);
    usize::try_from(line["offset"].as_u64().expect("a number")).expect("a small number")
}

#[test]
fn a_value_apart_is_checked() {
    let root = made_by(&["long 300000"]);
    let value = found(root.path(), "value-");
    fine(&["verify", text(root.path())]);
    flip(&value, 200_000);
    check(root.path(), &value, 0);
    let get = run(&["get", text(root.path()), "(300000,)"]);
    assert_eq!(get.code, 2);
    assert!(get.err.contains("memo repair"), "{}", get.err);
    fs::remove_file(&value).expect("removed");
    check(root.path(), &value, 0);
}

/// A crash leaves a torn end. That is no damage, and what is whole is shown.
#[test]
fn a_torn_end_is_no_damage() {
    let root = made_by(&["many 20"]);
    let log = found(root.path(), "wal-");
    let bytes = fs::read(&log).expect("a file");
    fs::write(&log, &bytes[..bytes.len() - 5]).expect("written");
    assert!(fine(&["verify", text(root.path())]).contains("19 entries, ok"));
    assert_eq!(fine(&["keys", text(root.path())]).lines().count(), 19);
}

/// What `rm --all` or a clear leaves that is killed is whole, but nobody uses it.
#[test]
fn verify_counts_no_entries_of_a_version_that_was_being_removed() {
    let root = made_by(&["many 20"]);
    fine(&["compact", text(root.path())]);
    let log = found(root.path(), "wal-");
    fs::rename(&log, log.with_file_name("CLEARED")).expect("renamed");
    assert_eq!(json(&["keys", text(root.path())]).len(), 0);
    let document = json(&["verify", text(root.path())]).remove(0);
    assert_eq!((&document["entries"], &document["damaged"]), (&0.into(), &0.into()));
}

#[test]
fn a_file_of_something_else_is_damage() {
    let root = made_by(&["many 5"]);
    let log = found(root.path(), "wal-");
    fs::write(&log, "not a log").expect("written");
    let ran = run(&["verify", text(root.path())]);
    assert_eq!(ran.code, 1, "{}", ran.out);
    assert!(ran.out.contains("its header is damaged"), "{}", ran.out);
}

#[test]
fn repair_saves_what_processes_would_use() {
    let root = made_by(&["many 20"]);
    let (log, at) = (found(root.path(), "wal-"), offset_of(root.path(), "(7,)"));
    flip(&log, at + 61);
    let before = files(root.path());
    let out = tempfile::tempdir().expect("a folder");
    let saved = out.path().join("saved");
    let written = json(&["repair", text(root.path()), text(&saved)]).remove(0);
    assert_eq!(written["written"], 19);
    assert!(files(root.path()) == before);
    assert!(fine(&["verify", text(&saved)]).contains("19 entries, ok"));
    assert_eq!(fine(&["get", text(&saved), "(8,)"]), "24\n");
    let diff = run(&["diff", text(root.path()), text(&saved)]);
    assert_eq!((diff.code, &*diff.out), (0, ""));
    let again = run(&["repair", text(root.path()), text(&saved)]);
    assert_eq!(again.code, 2);
    assert!(again.err.contains("is not empty"), "{}", again.err);
    // A program uses what was saved.
    make_in(&saved, &["many 20"]);
    assert_eq!(fine(&["keys", text(&saved)]).lines().count(), 20);
}

/// What is written is merged now and then, not at each entry.
#[test]
fn repair_of_a_large_folder_writes_few_snapshots() {
    let root = made_by(&["many 120000"]);
    let out = tempfile::tempdir().expect("a folder");
    assert_eq!(
        json(&["repair", text(root.path()), text(out.path())]).remove(0)["written"],
        120_000
    );
    let snapshot = found(out.path(), "snap-");
    let name = snapshot.file_name().expect("a name").to_str().expect("UTF-8");
    let number = u64::from_str_radix(&name["snap-".len()..], 16).expect("a number");
    assert!(number < 20, "{name}");
}

/// A damaged header makes all older files worthless to processes: they may hold what it removed.
#[test]
fn repair_takes_stale_files_only_if_it_is_told() {
    let root = made_by(&["many 20", "snapshot", "many 30"]);
    // The log may have removed what the snapshot holds.
    flip(&found(root.path(), "wal-"), 40);
    let out = tempfile::tempdir().expect("a folder");
    let written = |name: &str, more: &[&str]| {
        let saved = out.path().join(name);
        let arguments = [&["repair", text(root.path()), text(&saved)], more].concat();
        json(&arguments).remove(0)["written"].as_u64().expect("a number")
    };
    assert_eq!(written("usual", &[]), 0);
    assert!(written("stale", &["--stale"]) >= 20);
}

#[cfg(unix)]
#[test]
fn a_folder_that_may_not_be_read_is_named() {
    use std::os::unix::fs::PermissionsExt;
    // Root may read all.
    if fs::read_dir("/proc/1/fd").is_ok() {
        return;
    }
    let root = made_by(&["many 5"]);
    let version = found(root.path(), "wal-").parent().expect("its folder").to_owned();
    fs::set_permissions(&version, fs::Permissions::from_mode(0o000)).expect("its owner");
    let ran = run(&["ls", text(root.path())]);
    fs::set_permissions(&version, fs::Permissions::from_mode(0o700)).expect("its owner");
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains(text(&version)) && ran.err.contains("as that user"), "{}", ran.err);
}

/// A version that cannot be read or written must not keep those behind it from being saved or cleared.
#[test]
fn one_version_that_fails_keeps_no_other_from_being_done() {
    let root = made_by(&["many 3", "quote ACME 1", "long 10"]);
    let path = text(root.path());
    let logs = files(root.path()).into_iter().map(|(path, _)| path);
    let mut logs = logs.filter(|path| text(path).contains("/wal-"));
    let log = logs.find(|log| text(log).contains("many")).expect("a log");
    // The header of a later format.
    let log = log.with_file_name("wal-00000000000000ff");
    fs::write(&log, b"\x89memo\x0d\x0a\x1ac\x00c\x00\x14\x00\x00\x00/\x92\x9b\xbd")
        .expect("written");
    let saved = tempfile::tempdir().expect("a folder");
    for arguments in [
        &["ls", path][..],
        &["stat", path],
        &["keys", path],
        &["export", path],
        &["verify", path],
        &["repair", path, text(saved.path())],
        &["compact", path],
        &["rm", path, "--older-than", "0s", "--dry-run"],
        &["clear", path],
    ] {
        let ran = run(arguments);
        assert_eq!(ran.code, 1, "{arguments:?}: {}{}", ran.out, ran.err);
        // `find` sorts by path, so one stands before it and one behind.
        let is_told = ran.err.contains(text(&log)) && ran.err.lines().count() == 2;
        assert!(is_told, "{arguments:?}: {}", ran.err);
        for function in ["long", "quote"] {
            let is_done = ran.out.contains(function) || arguments[0] == "keys";
            assert!(is_done, "{arguments:?}: {}", ran.out);
        }
    }
    let differs = run(&["diff", path, path]);
    assert_eq!((differs.code, differs.err.lines().count()), (2, 2), "{}", differs.err);
    fs::remove_file(&log).expect("removed");
    assert_eq!(json(&["keys", path]).len(), 3);
}
