//! Export, import and diff.

use std::io::Write;
use std::process::Stdio;

use crate::program::{made_by, make_in};
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
        (format!("{head}\n{}", first.replace("==\"", "\"")), "line 2: its key or value"),
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
