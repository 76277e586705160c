//! Folders in order: what the commands show, and that they change nothing.

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

use crate::program::made_by;
use crate::{files, fine, json, memo, run, text};

const QUOTES: [&str; 3] = ["quote ACME 3", "quote ACME 1", "other ACME"];

#[test]
fn ls_names_function_version_entries_and_health() {
    let root = made_by(&QUOTES);
    let out = fine(&["ls", text(root.path())]);
    let lines: Vec<_> = out.lines().collect();
    assert_eq!(lines.len(), 3, "{out}");
    assert!(lines[0].starts_with("FUNCTION") && lines[0].ends_with("HEALTH"), "{out}");
    let quote = lines.iter().find(|line| line.contains("program::quote")).expect(&out);
    assert!(quote.contains("  2  ") && quote.ends_with("ok"), "{out}");
    let documents = json(&["ls", text(root.path()), "--function", "quote"]);
    assert_eq!((documents.len(), &documents[0]["entries"]), (1, &2.into()));
    assert_eq!(documents[0]["health"], "ok");
}

#[test]
fn reading_changes_nothing() {
    let root =
        made_by(&["quote ACME 3", "long 300000", "codecs", "many 50", "snapshot", "many 60"]);
    let (dir, before) = (text(root.path()), files(root.path()));
    for command in ["ls", "stat", "keys", "du", "verify", "export"] {
        fine(&[command, dir]);
        fine(&["--json", command, dir]);
    }
    fine(&["diff", dir, dir]);
    fine(&["watch", dir, "--count", "1"]);
    fine(&["get", dir, "(\"ACME\", 3)"]);
    assert!(files(root.path()) == before);
}

#[test]
fn keys_are_arguments_and_values_json() {
    let root = made_by(&QUOTES);
    let dir = text(root.path());
    let keys = fine(&["keys", dir, "-f", "quote"]);
    let line = keys.lines().find(|line| line.ends_with("(\"ACME\", 3)")).expect(&keys);
    let id = line.split(' ').next().expect("an id");
    let value = "{\"symbol\":\"ACME\",\"price\":1.5,\"side\":{\"Limit\":{\"depth\":3}}}\n";
    assert_eq!(fine(&["get", dir, "(\"ACME\", 3)"]), value);
    assert_eq!(fine(&["get", dir, &id[..8]]), value);
    let buy = "{\"symbol\":\"ACME\",\"price\":0.5,\"side\":\"Buy\"}\n";
    assert_eq!(fine(&["get", dir, "(\"ACME\", 1)"]), buy);
    let raw = memo(&["get", dir, &id[..8], "--raw"]).output().expect("the command is built");
    assert_eq!(raw.stdout, b"\x04ACME\0\0\0\0\0\0\xf8\x3f\x01\x03");
    let missing = run(&["get", dir, "(\"ACME\", 4)"]);
    assert_eq!((missing.code, &*missing.out), (1, ""));
    assert!(missing.err.contains("no stored result has the key"), "{}", missing.err);
}

#[test]
fn each_codec_is_shown_as_json_or_says_why_not() {
    let root = made_by(&["codecs"]);
    let get = |function| json(&["get", text(root.path()), "(7,)", "-f", function]).remove(0);
    assert_eq!(get("in_json")["value"], serde_json::json!({"a b": 7}));
    assert_eq!(get("in_cbor")["value"], serde_json::json!([null, 7]));
    let untraced = get("untraced");
    assert!(untraced["value"].is_null(), "{untraced}");
    // After a digest of eight bytes, as postcard writes text.
    assert!(untraced["hex"].as_str().expect("digits").ends_with("096f6e6c79207468697307"));
    assert!(untraced["reason"].as_str().expect("text").contains("is not known"), "{untraced}");
}

/// What older versions wrote has no file TYPE, and a file of other results must not be believed.
#[test]
fn without_a_type_that_fits_values_are_digits() {
    let root = made_by(&["quote ACME 1"]);
    let version = json(&["ls", text(root.path())])[0]["path"].as_str().expect("a path").to_owned();
    let recorded = std::path::Path::new(&version).join("TYPE");
    let fits = std::fs::read_to_string(&recorded).expect("the file TYPE");
    let shown = || run(&["get", text(root.path()), "(\"ACME\", 1)"]);
    for changed in [None, Some(fits.replace("price", "prize")), Some("memokit type 1\n".to_owned())]
    {
        match changed {
            None => std::fs::remove_file(&recorded).expect("removed"),
            Some(text) => std::fs::write(&recorded, text).expect("written"),
        }
        let shown = shown();
        assert_eq!((shown.code, &*shown.out), (0, "0441434d45000000000000e03f00\n"));
        assert!(shown.err.contains("no file TYPE"), "{}", shown.err);
    }
    // The next program that opens the folder records it again.
    crate::program::make_in(root.path(), &["quote ACME 9"]);
    assert_eq!(std::fs::read_to_string(&recorded).expect("the file TYPE"), fits);
}

#[test]
fn stat_counts_exactly() {
    let root = made_by(&["many 50", "snapshot", "many 60", "short 1"]);
    let stat = |function| json(&["stat", text(root.path()), "-f", function]).remove(0);
    assert_eq!(stat("many")["entries"], 60);
    assert_eq!(stat("many")["snapshots"]["count"], 1);
    assert_eq!(stat("many")["codec"], "postcard 1");
    assert_eq!(stat("many")["type_name"], "u64");
    let place = stat("many")["place"].to_string();
    assert!(place.contains("program.rs:"), "{place}");
    assert_eq!(
        (&stat("short_lived")["entries"], &stat("short_lived")["expired"]),
        (&1.into(), &1.into())
    );
    assert_eq!(json(&["keys", text(root.path()), "-f", "short_lived", "--live"]).len(), 0);
}

#[test]
fn digits_that_name_two_keys_are_refused() {
    let root = made_by(&["many 300000"]);
    let dir = text(root.path());
    // With so many keys, two have the same first digits.
    let keys = fine(&["keys", dir]);
    let mut ids: Vec<&str> = keys.lines().map(|line| &line[..4]).collect();
    ids.sort_unstable();
    let twice = ids.windows(2).find(|pair| pair[0] == pair[1]).expect("two of so many")[0];
    for command in ["get", "rm"] {
        let refused = run(&[command, dir, twice]);
        assert_eq!(refused.code, 2);
        assert!(refused.err.contains("more digits"), "{}", refused.err);
    }
    assert_eq!(fine(&["keys", dir]).lines().count(), 300_000);
}

#[test]
fn a_reader_that_stops_reading_is_no_error() {
    let root = made_by(&["many 100000"]);
    for arguments in [["keys", text(root.path())], ["export", text(root.path())]] {
        let mut child = memo(&arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the command is built");
        let mut out = BufReader::new(child.stdout.take().expect("its output"));
        let mut line = String::new();
        out.read_line(&mut line).expect("a line");
        assert!(!line.is_empty());
        drop(out);
        let mut err = String::new();
        child.stderr.take().expect("its errors").read_to_string(&mut err).expect("text");
        assert_eq!((child.wait().expect("it ends").code(), &*err), (Some(0), ""));
    }
}

#[test]
fn a_folder_without_results_is_told_from_one_that_is_missing() {
    let root = tempfile::tempdir().expect("a folder");
    std::fs::write(root.path().join("notes.txt"), "mine").expect("written");
    std::fs::create_dir(root.path().join("0123456789abcdef")).expect("created");
    std::fs::write(root.path().join("0123456789abcdef/LICENSE"), "mine").expect("written");
    let before = files(root.path());
    for command in ["ls", "stat", "keys", "verify", "compact", "clear"] {
        let ran = run(&[command, text(root.path())]);
        assert_eq!((ran.code, &*ran.out), (1, ""), "{command}");
        assert!(ran.err.contains("no stored results"), "{}", ran.err);
    }
    assert!(files(root.path()) == before);
    let missing = run(&["ls", text(&root.path().join("missing"))]);
    assert_eq!(missing.code, 2);
    assert!(missing.err.contains("cannot list") && missing.err.contains("path of `persist`"));
    assert_eq!(run(&["ls"]).code, 2);
}

/// Folders nested so deep that no path reaches them, whoever asks.
#[cfg(unix)]
fn nest_too_deep(root: &std::path::Path) {
    let long = |name: &str| name.repeat(250);
    for name in ["a", "b"] {
        let deep: std::path::PathBuf = std::iter::repeat_n(long(name), 9).collect();
        std::fs::create_dir_all(root.join(deep)).expect("folders");
    }
    let inner: std::path::PathBuf = std::iter::repeat_n(long("a"), 9).collect();
    std::fs::rename(root.join(long("b")), root.join(inner).join("b")).expect("moved");
}

#[cfg(unix)]
#[test]
fn what_cannot_be_read_hides_nothing_else() {
    let root = made_by(&["many 3"]);
    nest_too_deep(root.path());
    let path = text(root.path());
    for arguments in [&["ls", path][..], &["keys", path], &["diff", path, path], &["export", path]]
    {
        let ran = run(arguments);
        assert_eq!(ran.code, 2, "{arguments:?}");
        assert!(ran.err.contains("cannot list") && ran.err.contains(path), "{}", ran.err);
    }
    assert!(run(&["ls", path]).out.contains("many"));
    assert_eq!(run(&["keys", path]).out.lines().count(), 3);
}

/// A folder may come from somebody else.
#[test]
fn nothing_that_a_folder_holds_controls_the_terminal() {
    let root = made_by(&["many 1", "quote \u{1b}[31m\u{9b}31m 1"]);
    let (file, recorded) = crate::files(root.path())
        .into_iter()
        .find(|(path, _)| text(path).contains("many-") && path.ends_with("TYPE"))
        .expect("a file");
    let recorded = String::from_utf8(recorded).expect("UTF-8");
    let recorded = recorded.replace("place: ", "place: \u{1b}[2J\u{9b}2J");
    std::fs::write(file, recorded).expect("written");
    let path = text(root.path());
    let id = json(&["keys", path, "-f", "quote"]).remove(0)["id"].clone();
    let id = id.as_str().expect("digits").to_owned();
    for arguments in
        [&["stat", path][..], &["keys", path], &["get", path, &id], &["get", path, "\u{9b}"]]
    {
        let ran = run(arguments);
        let shown = ran.out + &ran.err;
        let controls = |char: &char| char.is_control() && *char != '\n';
        assert_eq!(shown.chars().find(controls), None, "{arguments:?}: {shown:?}");
    }
}

/// Each error names the file, and what to do.
#[test]
fn errors_say_what_to_do() {
    let root = made_by(&["many 1"]);
    let file = root.path().join("file");
    std::fs::write(&file, "x").expect("written");
    let (path, nowhere) = (text(root.path()), root.path().join("nowhere"));
    for (arguments, named) in [
        (&["ls", text(&file)][..], &file),
        (&["ls", text(&nowhere)], &nowhere),
        (&["diff", path, text(&nowhere)], &nowhere),
        (&["repair", path, text(&file)], &file),
        (&["import", path, text(&nowhere)], &nowhere),
        (&["import", path, text(&file)], &file),
    ] {
        let ran = run(arguments);
        assert_eq!(ran.code, 2, "{arguments:?}");
        let has_advice = ran.err.lines().count() > 1 || ran.err.contains(": give");
        assert!(ran.err.contains(text(named)) && has_advice, "{arguments:?}: {}", ran.err);
    }
}
