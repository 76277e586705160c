//! Runs of the example over files that change in between.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const SMALL: &str = "fn small() {}\n";
const LARGE: &str = "fn large(n: u8) -> Option<u8> {
    fn inner() {}
    match n { 0 => None, 1 if n > 0 && n < 9 => Some(1), _ => (n > 2).then(|| if n > 3 { 1 } else { 2 }) }
}
";

struct Runs {
    root: tempfile::TempDir,
}

impl Runs {
    fn path(&self, name: &str) -> std::path::PathBuf {
        self.root.path().join("sources").join(name)
    }

    fn run(&self) -> Output {
        let (sources, cache) = (self.path(""), self.root.path().join("cache"));
        let mut command = Command::new(env!("CARGO_BIN_EXE_files-example"));
        command.arg(sources).env("CACHE_DIR", cache).output().unwrap()
    }

    #[track_caller]
    fn expect(&self, last: &str) -> String {
        let printed = String::from_utf8(self.run().stdout).unwrap();
        assert_eq!(printed.lines().last(), Some(last), "{printed}");
        printed
    }
}

fn start() -> Runs {
    let runs = Runs { root: tempfile::tempdir().unwrap() };
    fs::create_dir_all(runs.path("below")).unwrap();
    for (name, text) in [("a.rs", SMALL), ("below/b.rs", LARGE), ("no.txt", "no Rust")] {
        fs::write(runs.path(name), text).unwrap();
    }
    runs
}

#[test]
fn a_second_run_parses_nothing_and_an_edit_one_file() {
    let runs = start();
    let printed = runs.expect("2 files: 2 parsed, 0 found");
    let large = format!(
        "   5  large  {}:1",
        runs.path(&Path::new("below").join("b.rs").to_string_lossy()).display()
    );
    assert_eq!(printed.lines().next(), Some(&*large));
    assert_eq!(runs.expect("2 files: 0 parsed, 2 found").lines().next(), Some(&*large));

    fs::write(runs.path("a.rs"), "fn edited() {}\n").unwrap();
    assert!(runs.expect("2 files: 1 parsed, 1 found").contains("edited"));
    fs::write(runs.path("a.rs"), SMALL).unwrap();
    fs::rename(runs.path("below/b.rs"), runs.path("moved.rs")).unwrap();
    runs.expect("2 files: 0 parsed, 2 found");
}

#[test]
fn a_file_that_is_no_rust_is_told_each_time_and_parsed_once() {
    let runs = start();
    fs::write(runs.path("a.rs"), "fn small() {\n    let = 1;\n}\n").unwrap();
    for last in ["2 files: 2 parsed, 0 found", "2 files: 0 parsed, 2 found"] {
        runs.expect(last);
        let run = runs.run();
        assert_eq!(run.status.code(), Some(1));
        let told = String::from_utf8(run.stderr).unwrap();
        assert!(told.contains("a.rs:2:9: expected"), "{told}");
    }
}
