//! Commands that change folders nobody has open.

use crate::program::made_by;
use crate::{fine, json, run, text};

#[test]
fn rm_needs_to_know_what() {
    let root = made_by(&["many 3"]);
    assert_eq!(run(&["rm", text(root.path())]).code, 2);
    let dry = fine(&["rm", text(root.path()), "(1,)", "--dry-run"]);
    assert!(dry.contains("1 entries would be removed"), "{dry}");
    assert_eq!(fine(&["keys", text(root.path())]).lines().count(), 3);
    let none = run(&["rm", text(root.path()), "(9,)"]);
    assert_eq!((none.code, &*none.out), (1, ""));
    fine(&["rm", text(root.path()), "(1,)"]);
    assert_eq!(fine(&["keys", text(root.path())]).lines().count(), 2);
    assert_eq!(run(&["rm", text(root.path()), "--older-than", "1h"]).code, 1);
}

#[test]
fn rm_removes_what_has_expired() {
    let root = made_by(&["short 1", "many 3"]);
    let removed = json(&["rm", text(root.path()), "--expired"]);
    let counts: Vec<_> = removed.iter().map(|line| line["removed"].as_u64().unwrap()).collect();
    assert_eq!((counts.iter().sum::<u64>(), counts.len()), (1, 2));
    assert_eq!(fine(&["keys", text(root.path()), "-f", "many"]).lines().count(), 3);
}

#[test]
fn clear_leaves_other_functions() {
    let root = made_by(&["many 3", "quote ACME 1", "long 300000"]);
    let dry = json(&["clear", text(root.path()), "-f", "many", "--dry-run"]).remove(0);
    assert_eq!((&dry["entries"], &dry["cleared"]), (&3.into(), &false.into()));
    fine(&["clear", text(root.path()), "-f", "many"]);
    let count = |function| json(&["keys", text(root.path()), "-f", function]).len();
    assert_eq!((count("many"), count("quote"), count("long")), (0, 1, 1));
    fine(&["clear", text(root.path())]);
    assert_eq!((count("quote"), count("long")), (0, 0));
    let values = json(&["du", text(root.path()), "-f", "long"]).remove(0)["values"].clone();
    assert_eq!(values, 0);
}

#[test]
fn compact_leaves_out_what_has_expired_and_keeps_the_rest() {
    let root = made_by(&["short 1", "many 100"]);
    let before = fine(&["export", text(root.path())]);
    fine(&["compact", text(root.path())]);
    let after = fine(&["export", text(root.path())]);
    let sorted = |text: &str| {
        let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(&before), sorted(&after));
    let du = json(&["du", text(root.path()), "-f", "many"]).remove(0);
    assert!(du["snapshots"].as_u64() > Some(0), "{du}");
    assert_eq!(json(&["stat", text(root.path()), "-f", "short_lived"]).remove(0)["entries"], 0);
    fine(&["verify", text(root.path())]);
}

/// Also the log of a program that was killed, which the command itself would go on with.
#[test]
fn compact_leaves_no_log_with_results() {
    let root = made_by(&["many 1000"]);
    let du = || json(&["du", text(root.path()), "-f", "many"]).remove(0);
    let before = du()["logs"].as_u64().expect("a number");
    fine(&["compact", text(root.path())]);
    let after = du()["logs"].as_u64().expect("a number");
    assert!(before > 50_000 && after < 1000, "{before} bytes of logs, then {after}");
    assert_eq!(json(&["keys", text(root.path())]).len(), 1000);
}

/// What was removed is no reason to keep its bytes.
#[test]
fn a_folder_shrinks_when_most_of_it_is_removed() {
    let root = made_by(&["many 100000"]);
    let bytes = || json(&["du", text(root.path())]).remove(0)["bytes"].as_u64().expect("a number");
    let before = bytes();
    fine(&["rm", text(root.path()), "--older-than", "0s"]);
    assert!(bytes() < before / 4, "{} of {before} bytes are left", bytes());
    fine(&["verify", text(root.path())]);
}

/// `memo clear DIR | head` must not leave the rest as it was.
#[cfg(target_os = "linux")]
#[test]
fn what_changes_something_goes_on_when_nobody_reads_what_it_says() {
    let root = made_by(&["many 3"]);
    let version = json(&["ls", text(root.path())]).remove(0)["path"].clone();
    let version = std::path::PathBuf::from(version.as_str().expect("a path"));
    // So many lines that they are written before the end.
    for n in 0..150 {
        let copy = version.with_file_name(format!("{n:016x}"));
        std::fs::create_dir(&copy).expect("a folder");
        for (file, bytes) in crate::files(&version) {
            std::fs::write(copy.join(file.file_name().expect("a name")), bytes).expect("written");
        }
    }
    assert_eq!(json(&["keys", text(root.path())]).len(), 151 * 3);
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("it is there");
    let cleared = crate::memo(&["--json", "clear", text(root.path())]).stdout(full).output();
    let cleared = crate::ran(&cleared.expect("the command is built"));
    assert_eq!(cleared.code, 2);
    assert_eq!(cleared.err.lines().count(), 2, "{}", cleared.err);
    assert_eq!(json(&["keys", text(root.path())]).len(), 0);
}
