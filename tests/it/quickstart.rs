//! The quickstart example of the README, run as its reader runs it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::{run, run_within, version_folders, wait_until};

/// Builds the example with the profile of this test, and returns its path.
fn quickstart() -> PathBuf {
    let this = std::env::current_exe().unwrap();
    let built = this.ancestors().nth(2).unwrap();
    let profile = match built.file_name().unwrap().to_str().unwrap() {
        "debug" => "dev",
        other => other,
    };
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
    cargo.args(["build", "--quiet", "--example", "quickstart", "--profile", profile]);
    run_within(Duration::from_secs(600), cargo.arg("--target-dir").arg(built.parent().unwrap()));
    built.join("examples/quickstart")
}

/// A new folder with texts, and a place for the results beside it.
struct Setting {
    root: tempfile::TempDir,
    program: PathBuf,
}

impl Setting {
    fn new(count: usize) -> Self {
        let root = tempfile::tempdir().unwrap();
        let texts = root.path().join("texts");
        fs::create_dir(&texts).unwrap();
        for n in 0..count {
            fs::write(texts.join(format!("{n}.rs")), format!("fn f{n}() {{}}\n// {n}\n")).unwrap();
        }
        Self { root, program: quickstart() }
    }

    fn texts(&self) -> PathBuf {
        self.root.path().join("texts")
    }

    fn cache(&self) -> PathBuf {
        self.root.path().join("cache")
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.arg(self.texts()).arg("--cache").arg(self.cache());
        command
    }

    /// Runs the example. Returns how many texts it computed, and how many it took from the cache.
    #[track_caller]
    fn run(&self, arguments: &[&str]) -> (usize, usize) {
        let printed = run(self.command().args(arguments));
        let line = printed.lines().find_map(|line| line.strip_prefix("analysed: ")).unwrap();
        let mut words = line.split(' ');
        let computed = words.next().unwrap().parse().unwrap();
        (computed, words.nth(1).unwrap().parse().unwrap())
    }
}

#[test]
fn a_second_run_computes_nothing_and_an_edit_recomputes_one_file() {
    let setting = Setting::new(6);
    assert_eq!(setting.run(&[]), (6, 0));
    assert_eq!(setting.run(&[]), (0, 6));
    let edited = setting.texts().join("3.rs");
    let before = fs::read(&edited).unwrap();
    fs::write(&edited, "fn edited() {}\n").unwrap();
    assert_eq!(setting.run(&[]), (1, 5));
    fs::write(&edited, before).unwrap();
    assert_eq!(setting.run(&[]), (0, 6));
    assert_eq!(setting.run(&["--fresh"]), (6, 0));
}

fn log_size(cache: &Path) -> u64 {
    let files = version_folders(cache).into_iter().filter_map(|folder| fs::read_dir(folder).ok());
    let files = files.flatten().map_while(Result::ok);
    let logs = files.filter(|file| file.file_name().to_string_lossy().starts_with("wal-"));
    logs.map(|file| file.metadata().map_or(0, |data| data.len())).sum()
}

#[test]
fn a_killed_run_keeps_its_finished_results() {
    const TEXTS: usize = 400;
    let setting = Setting::new(TEXTS);
    let mut command = setting.command();
    let command = command.args(["--slow", "100"]).stdout(Stdio::null());
    let mut child = command.spawn().unwrap();
    // A header and a lock file take a few hundred bytes, an analysis takes some tens of bytes.
    wait_until("some results are stored", || log_size(&setting.cache()) > 1000);
    child.kill().unwrap();
    let status = child.wait().unwrap();
    assert!(!status.success(), "the run ended before it was killed");
    let (computed, cached) = setting.run(&[]);
    assert_eq!(computed + cached, TEXTS);
    assert!(cached > 0 && computed > 0, "{computed} computed, {cached} cached");
    assert_eq!(setting.run(&[]), (0, TEXTS));
}

/// The lines of a text with `#` in place of each number, with its fraction and its unit.
fn shapes(text: &str) -> Vec<String> {
    let word = |word: &str| match word.strip_prefix(|first: char| first.is_ascii_digit()) {
        Some(_) => "#".to_owned(),
        None => word.to_owned(),
    };
    let line = |line: &str| line.split_whitespace().map(word).collect::<Vec<_>>().join(" ");
    text.lines().map(line).collect()
}

#[test]
fn the_readme_shows_what_it_prints() {
    let readme = include_str!("../../README.md");
    let shown = readme.split_once("```text\n").unwrap().1.split_once("\n```").unwrap().0;
    let shown: Vec<_> = shown.split("\n\n").map(shapes).collect();
    let setting = Setting::new(3);
    for shown in shown {
        let printed = shapes(&run(&mut setting.command()));
        assert!(printed.windows(shown.len()).any(|lines| lines == shown), "{printed:#?}");
    }
}
