//! Folders that a running process has open.

use crate::program::Program;
use crate::{fine, json, run, text};

#[test]
fn ls_tells_who_has_a_folder_open() {
    let root = tempfile::tempdir().expect("a folder");
    let mut program = Program::start(root.path());
    program.ask("quote ACME 3");
    let line = json(&["ls", text(root.path())]).remove(0);
    assert_eq!(line["writers"], 1);
    if cfg!(target_os = "linux") {
        assert_eq!(line["processes"], serde_json::json!([program.id()]));
        assert!(fine(&["ls", text(root.path())]).contains(&program.id().to_string()));
    }
    program.end();
    let line = json(&["ls", text(root.path())]).remove(0);
    assert_eq!((&line["writers"], &line["processes"]), (&0.into(), &serde_json::json!([])));
}

#[test]
fn what_a_process_has_written_and_removed_is_seen_at_once() {
    let root = tempfile::tempdir().expect("a folder");
    let mut program = Program::start(root.path());
    let count = || fine(&["keys", text(root.path())]).lines().count();
    for amount in 0..20 {
        program.ask(&format!("quote ACME {amount}"));
    }
    assert_eq!(count(), 20);
    program.ask("invalidate ACME 3");
    assert_eq!(count(), 19);
    fine(&["verify", text(root.path())]);
    program.end();
}

#[test]
fn a_running_process_sees_what_is_removed() {
    let root = tempfile::tempdir().expect("a folder");
    let mut program = Program::start(root.path());
    let ask_all = |program: &mut Program| {
        [1, 2, 3].map(|amount| program.ask(&format!("quote ACME {amount}")))
    };
    assert_eq!(ask_all(&mut program), ["computed"; 3]);
    assert_eq!(ask_all(&mut program), ["hit"; 3]);
    assert!(fine(&["rm", text(root.path()), "(\"ACME\", 2)"]).contains("1 entries removed"));
    assert_eq!(ask_all(&mut program), ["hit", "computed", "hit"]);
    fine(&["rm", text(root.path()), "--older-than", "0s"]);
    assert_eq!(ask_all(&mut program), ["computed"; 3]);
    fine(&["clear", text(root.path())]);
    assert_eq!(ask_all(&mut program), ["computed"; 3]);
    // Whole folders stay as long as somebody writes.
    let all = run(&["rm", text(root.path()), "--all"]);
    assert_eq!(all.code, 0);
    assert!(all.err.contains("it is cleared"), "{}", all.err);
    assert_eq!(ask_all(&mut program), ["computed"; 3]);
    program.end();
    assert!(fine(&["rm", text(root.path()), "--all"]).contains("3 entries removed"));
    assert_eq!(run(&["ls", text(root.path())]).code, 1);
}

#[test]
fn a_running_process_goes_on_while_its_folder_is_compacted() {
    let root = tempfile::tempdir().expect("a folder");
    let mut program = Program::start(root.path());
    program.ask("many 5000");
    fine(&["compact", text(root.path())]);
    program.ask("many 6000");
    assert_eq!(json(&["stat", text(root.path())]).remove(0)["entries"], 6000);
    fine(&["verify", text(root.path())]);
    program.end();
    assert_eq!(json(&["stat", text(root.path())]).remove(0)["entries"], 6000);
}

#[test]
fn a_running_process_finds_what_is_imported() {
    let (from, to) =
        (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    crate::program::make_in(from.path(), &["quote ACME 1", "quote ACME 2"]);
    let lines = to.path().join("lines");
    std::fs::write(&lines, fine(&["export", text(from.path())])).expect("written");
    let root = to.path().join("results");
    let mut program = Program::start(&root);
    program.ask("quote ACME 1");
    let counts = json(&["import", text(&root), text(&lines)]).remove(0);
    assert_eq!((&counts["stored"], &counts["skipped"]), (&1.into(), &1.into()));
    assert_eq!(program.ask("quote ACME 2"), "hit");
    program.end();
}

#[test]
fn watch_counts_what_is_written_and_removed() {
    let root = tempfile::tempdir().expect("a folder");
    let mut program = Program::start(root.path());
    program.ask("quote ACME 1");
    let mut watch = crate::memo(&["--json", "watch", text(root.path()), "-n", "1ms"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("the command is built");
    let out = std::io::BufReader::new(watch.stdout.take().expect("its output"));
    let mut lines = std::io::BufRead::lines(out).map(|line| {
        serde_json::from_str::<serde_json::Value>(&line.expect("a line")).expect("JSON")
    });
    let first = lines.next().expect("a line");
    assert_eq!(
        (&first["writers"], &first["records_per_second"]),
        (&1.into(), &serde_json::Value::Null)
    );
    program.ask("quote ACME 2");
    program.ask("invalidate ACME 2");
    let has_removed = |line: &serde_json::Value| line["removed_since"] == 1;
    assert!(lines.any(|line| has_removed(&line)));
    // Nobody reads any more.
    drop(lines);
    assert!(watch.wait().expect("it ends").success());
    program.end();
}

/// A process that only reads has no lock that would show it.
#[test]
fn a_process_that_only_reads_sees_that_the_folder_is_removed() {
    let root = tempfile::tempdir().expect("a folder");
    crate::program::make_in(root.path(), &["quote ACME 1", "quote ACME 2"]);
    let mut program = Program::start(root.path());
    assert_eq!(program.ask("quote ACME 1"), "hit");
    assert_eq!(json(&["ls", text(root.path())]).remove(0)["writers"], 0);
    assert!(fine(&["rm", text(root.path()), "--all"]).contains("2 entries removed"));
    assert_eq!(program.ask("quote ACME 1"), "computed");
    assert_eq!(program.ask("quote ACME 2"), "computed");
    assert_eq!(program.ask("quote ACME 1"), "hit");
    assert_eq!(json(&["stat", text(root.path())]).remove(0)["entries"], 2);
    program.end();
}

/// The process looks for what was removed when there is nothing to be read any more.
#[test]
fn what_was_removed_does_not_come_back_because_the_folder_is_gone() {
    let root = tempfile::tempdir().expect("a folder");
    crate::program::make_in(root.path(), &["quote ACME 1"]);
    let mut program = Program::start(root.path());
    assert_eq!(program.ask("quote ACME 1"), "hit");
    fine(&["rm", text(root.path()), "(\"ACME\", 1)"]);
    for folder in root.path().read_dir().expect("a folder") {
        std::fs::remove_dir_all(folder.expect("an entry").path()).expect("removed");
    }
    assert_eq!(program.ask("quote ACME 1"), "computed");
    program.end();
}

#[test]
fn watch_goes_on_when_the_folder_is_removed_and_made_again() {
    let root = tempfile::tempdir().expect("a folder");
    let results = root.path().join("results");
    crate::program::make_in(&results, &["quote ACME 1"]);
    let mut watch = crate::memo(&["--json", "watch", text(&results), "-n", "1ms"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("the command is built");
    let out = std::io::BufReader::new(watch.stdout.take().expect("its output"));
    let mut lines = std::io::BufRead::lines(out);
    lines.next().expect("a line").expect("a line");
    std::fs::remove_dir_all(&results).expect("removed");
    let mut program = Program::start(&results);
    program.ask("quote ACME 1");
    assert!(lines.any(|line| line.expect("a line").contains("\"writers\":1")));
    drop(lines);
    assert!(watch.wait().expect("it ends").success());
    program.end();
}
