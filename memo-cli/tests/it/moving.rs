//! Export, import and diff.

use std::io::Write;
use std::process::Stdio;

use crate::program::{Program, made_by, make_in};
use crate::{fine, json, memo, ran, run, text};

/// Runs `memo import` with these lines as its input.
fn import(root: &std::path::Path, lines: &str, more: &[&str]) -> crate::Ran {
    let mut child = memo(&[&["import", text(root)], more].concat())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command is built");
    let mut input = child.stdin.take().expect("its input");
    // It does not read on after a wrong line.
    let _ = input.write_all(lines.as_bytes());
    drop(input);
    ran(&child.wait_with_output().expect("it ends"))
}

#[test]
fn what_is_exported_is_imported_as_it_was() {
    let from =
        made_by(&["quote ACME 1", "codecs", "long 300000", "many 100", "snapshot", "short 1"]);
    let to = tempfile::tempdir().expect("a folder");
    let lines = fine(&["export", text(from.path()), "--decode"]);
    assert!(lines.contains("\"decoded\":{\"symbol\":\"ACME\",\"price\":0.5,\"side\":\"Buy\"}"));
    let imported = import(to.path(), &lines, &[]);
    assert_eq!((imported.code, &*imported.err), (0, ""));
    assert!(imported.out.starts_with("105 entries stored"), "{}", imported.out);
    fine(&["verify", text(to.path())]);
    let diff = run(&["diff", text(from.path()), text(to.path())]);
    // What has expired is not exported.
    assert_eq!((diff.code, diff.out.lines().count()), (1, 1), "{}", diff.out);
    let facts = |root: &std::path::Path| {
        let mut facts: Vec<_> = json(&["keys", text(root), "--live"])
            .into_iter()
            .map(|line| ["id", "created", "expires", "cost_ns"].map(|name| line[name].to_string()))
            .collect();
        facts.sort();
        facts
    };
    assert_eq!(facts(from.path()), facts(to.path()));
    assert_eq!(fine(&["get", text(to.path()), "(7,)", "-f", "in_cbor"]), "[null,7]\n");
    // Programs find it: nothing is written a second time.
    make_in(to.path(), &["quote ACME 1", "many 100"]);
    assert_eq!(json(&["stat", text(to.path()), "-f", "many"]).remove(0)["entries"], 100);
}

#[test]
fn an_import_replaces_only_if_it_is_told() {
    let root = made_by(&["many 3"]);
    let lines = fine(&["export", text(root.path())]);
    // As postcard writes 99.
    let changed: String = lines
        .lines()
        .map(|line| match line.contains("\"(2,)\"") {
            true => line.replace("\"value\":\"Bg==\"", "\"value\":\"Yw==\"") + "\n",
            false => line.to_owned() + "\n",
        })
        .collect();
    assert_ne!(changed, lines);
    assert!(import(root.path(), &changed, &[]).out.contains("0 entries stored"));
    assert_eq!(fine(&["get", text(root.path()), "(2,)"]), "6\n");
    assert!(import(root.path(), &changed, &["--replace"]).out.contains("3 entries stored"));
    assert_eq!(fine(&["get", text(root.path()), "(2,)"]), "99\n");
}

#[test]
fn wrong_lines_are_named_and_write_nowhere_else() {
    let root = made_by(&["many 3"]);
    let lines = fine(&["export", text(root.path())]);
    let (head, first) = lines.split_once('\n').expect("lines");
    let first = first.lines().next().expect("a line");
    let to = tempfile::tempdir().expect("a folder");
    for (wrong, reason) in [
        (first.to_owned(), "line 1: no line says whose results follow"),
        ("{}".to_owned(), "line 1: "),
        (head.replace("export 1", "export 2"), "line 1: another version of memo"),
        (head.replace("\"folder\":\"", "\"folder\":\"../"), "line 1: it names no folder"),
        (head.replace("\"folder\":\"", "\"folder\":\"/"), "line 1: it names no folder"),
        (format!("{head}\n{}", first.replace("\"key\":\"", "\"key\":\"ff")), "line 2: its key"),
        (
            format!("{head}\n{}", first.replace("\"value\"", "\"tags\":[\"00\"],\"value\"")),
            "line 2: its key, value or tags",
        ),
        (format!("{head}\n{}", first.replace("==\"", "\"")), "line 2: its key"),
    ] {
        let refused = import(&to.path().join("results"), &wrong, &[]);
        assert_eq!(refused.code, 2, "{wrong}");
        assert!(refused.err.contains(reason), "{reason}: {}", refused.err);
    }
    assert!(
        to.path().read_dir().expect("a folder").all(|e| e.expect("one").file_name() == "results")
    );
}

#[test]
fn diff_tells_what_only_one_has_and_what_differs() {
    let (a, b) = (made_by(&["many 5"]), made_by(&["many 3"]));
    let lines =
        fine(&["export", text(b.path())]).replace("\"value\":\"Bg==\"", "\"value\":\"Yw==\"");
    import(b.path(), &lines, &["--replace"]);
    let diff = run(&["diff", text(a.path()), text(b.path())]);
    assert_eq!(diff.code, 1);
    let mut signs: Vec<_> = diff
        .out
        .lines()
        .map(|line| {
            (
                line.chars().next().expect("a sign"),
                line.rsplit(' ').next().expect("a key").to_owned(),
            )
        })
        .collect();
    signs.sort();
    let expected = [('-', "(3,)"), ('-', "(4,)"), ('~', "(2,)")];
    assert_eq!(signs, expected.map(|(sign, key)| (sign, key.to_owned())));
    let back = json(&["diff", text(b.path()), text(a.path())]);
    assert_eq!(back.iter().filter(|line| line["difference"] == "only_b").count(), 2);
    assert_eq!(run(&["diff", text(a.path()), text(a.path())]).code, 0);
}

/// Its files would be set aside, because they are of something else.
#[test]
fn an_import_leaves_results_of_something_else_alone() {
    let root = made_by(&["many 3"]);
    let lines = fine(&["export", text(root.path())]);
    let (head, _) = lines.split_once('\n').expect("lines");
    let code = serde_json::from_str::<serde_json::Value>(head).expect("JSON")["code"].clone();
    let code = code.as_str().expect("digits");
    let before = crate::files(root.path());
    let refused = import(root.path(), &head.replace(code, &"0".repeat(32)), &[]);
    assert_eq!(refused.code, 2);
    assert!(refused.err.contains("line 1: ") && refused.err.contains("another"), "{}", refused.err);
    assert!(crate::files(root.path()) == before);
    // What does not describe these results does not replace what does.
    let named = import(root.path(), &head.replace("\"u64\"", "\"u65\""), &[]);
    assert_eq!(named.code, 2, "{}", named.out);
    assert_eq!(fine(&["get", text(root.path()), "(2,)"]), "6\n");
    // Programs would never look there.
    let version = serde_json::from_str::<serde_json::Value>(head).expect("JSON")["version"].clone();
    let renamed = head.replace(version.as_str().expect("digits"), "backup");
    assert_eq!(import(root.path(), &renamed, &[]).code, 2);
}

#[test]
fn diff_of_nothing_is_not_silent() {
    let (a, b) = (tempfile::tempdir().expect("a folder"), made_by(&["many 3"]));
    let nothing = run(&["diff", text(a.path()), text(a.path())]);
    assert_eq!(nothing.code, 1);
    assert!(nothing.err.contains("no stored results"), "{}", nothing.err);
    assert_eq!(run(&["diff", text(a.path()), text(b.path())]).code, 1);
}

/// Two services on one machine may keep results of the same version.
#[test]
fn repair_keeps_folders_apart_that_hold_the_same_version() {
    let root = tempfile::tempdir().expect("a folder");
    make_in(&root.path().join("north"), &["many 3"]);
    make_in(&root.path().join("south"), &["many 5"]);
    let saved = root.path().join("saved");
    fine(&["repair", text(root.path()), text(&saved)]);
    for (name, count) in [("north", 3), ("south", 5)] {
        assert_eq!(json(&["keys", text(&saved.join(name))]).len(), count);
        fine(&["diff", text(&root.path().join(name)), text(&saved.join(name))]);
    }
}

#[test]
fn a_folder_is_known_by_its_own_name_however_it_is_reached() {
    let root = made_by(&["many 3"]);
    let line = json(&["ls", text(root.path())]).remove(0);
    let version = std::path::PathBuf::from(line["path"].as_str().expect("a path"));
    std::fs::create_dir(version.join("inner")).expect("a folder");
    let heads: Vec<_> = [version.clone(), version.join("inner/..")]
        .iter()
        .map(|path| fine(&["export", text(path)]).lines().next().map(str::to_owned))
        .collect();
    assert_eq!(heads[0], heads[1]);
}

/// What is damaged is left out. A copy that lacks something must not look complete.
#[test]
fn an_export_of_a_damaged_folder_says_so() {
    let root = made_by(&["many 20"]);
    let (log, mut bytes) = crate::files(root.path())
        .into_iter()
        .find(|(path, _)| text(path).contains("/wal-"))
        .expect("a log");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&log, bytes).expect("written");
    let ran = run(&["export", text(root.path())]);
    assert_eq!((ran.code, ran.out.lines().count()), (1, 20));
    assert!(ran.err.contains(text(&log)) && ran.err.contains("memo repair"), "{}", ran.err);
}

/// A result that has lost its tags would outlive what they invalidate.
#[test]
fn tags_move_with_results() {
    let from = made_by(&["tagged 1", "tagged 2"]);
    let lines = fine(&["export", text(from.path())]);
    assert_eq!(lines.matches("\"tags\":[\"").count(), 2, "{lines}");
    let (imported, repaired) = (tempfile::tempdir().expect("a folder"), from.path().join("saved"));
    assert_eq!(import(imported.path(), &lines, &[]).code, 0);
    fine(&["repair", text(from.path()), text(&repaired)]);
    for root in [imported.path(), &repaired] {
        let mut program = Program::start(root);
        program.ask("untag 2");
        assert_eq!([1, 2].map(|n| program.ask(&format!("tagged {n}"))), ["hit", "computed"]);
        program.end();
    }
}

/// Returns the lines with another function and other code in the first, as if its codec alone were another.
fn as_of(lines: &str, head: &serde_json::Value) -> String {
    let (own, results) = lines.split_once('\n').expect("lines");
    let mut own: serde_json::Value = serde_json::from_str(own).expect("JSON");
    for name in ["function", "folder", "code"] {
        own[name] = head[name].clone();
    }
    format!("{own}\n{results}")
}

#[test]
fn values_become_those_of_another_codec_that_describes_itself() {
    for (from, to, function) in
        [("first", "second", "second_codec"), ("second", "first", "first_codec")]
    {
        let source = made_by(&[&format!("{from} 1"), &format!("{from} 2"), &format!("{from} 3")]);
        let lines = fine(&["export", text(source.path())]);
        let target = made_by(&[&format!("{to} 3")]);
        let head = fine(&["export", text(target.path()), "-f", function]);
        let head: serde_json::Value =
            serde_json::from_str(head.lines().next().expect("a line")).expect("JSON");
        let version = head["version"].as_str().expect("digits");
        let into = ["--into", &version[..8]];
        let foreign = import(target.path(), &lines, &into);
        assert_eq!(foreign.code, 2);
        assert!(foreign.err.contains("of another function"), "{}", foreign.err);
        let imported = import(target.path(), &as_of(&lines, &head), &into);
        assert_eq!((imported.code, &*imported.err), (0, ""));
        assert!(imported.out.contains("2 entries stored in 1 versions, 1 skipped"));
        let mut program = Program::start(target.path());
        let asked = [1, 2, 3, 4].map(|n| program.ask(&format!("{to} {n}")));
        assert_eq!(asked, ["hit", "hit", "hit", "computed"]);
        program.end();
    }
}

#[test]
fn values_that_need_their_type_do_not_become_others() {
    let source = made_by(&["quote ACME 1"]);
    let target = made_by(&["plain 1"]);
    let head = fine(&["export", text(target.path())]);
    let head: serde_json::Value =
        serde_json::from_str(head.lines().next().expect("a line")).expect("JSON");
    let lines = as_of(&fine(&["export", text(source.path())]), &head);
    let version = head["version"].as_str().expect("digits");
    let refused = import(target.path(), &lines, &["--into", version]);
    assert_eq!(refused.code, 2);
    let reason = "postcard 1 cannot become json 1 without the type";
    assert!(refused.err.contains(reason), "{}", refused.err);
    assert_eq!(import(target.path(), &lines, &["--into", "0"]).code, 2);
    assert_eq!(json(&["keys", text(target.path())]).len(), 1);
}
