//! Runs the built command against folders that programs with memokit have made.

mod damage;
mod moving;
mod program;
mod reading;
mod running;
mod terminal;
mod writing;

use std::path::Path;
use std::process::{Command, Output};

/// Returns the command with these arguments.
fn memo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_memo"));
    command.args(arguments).env_remove("NO_COLOR");
    command
}

/// What a command wrote, and its exit code.
struct Ran {
    code: i32,
    out: String,
    err: String,
}

fn ran(output: &Output) -> Ran {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
    let code = output.status.code().expect("it was not killed");
    Ran { code, out: text(&output.stdout), err: text(&output.stderr) }
}

fn run(arguments: &[&str]) -> Ran {
    ran(&memo(arguments).output().expect("the command is built"))
}

/// Runs a command that must succeed, and returns what it wrote.
#[track_caller]
fn fine(arguments: &[&str]) -> String {
    let Ran { code, out, err } = run(arguments);
    assert_eq!((code, &*err), (0, ""), "{arguments:?} wrote {out}");
    out
}

/// Returns the JSON documents that a command writes.
#[track_caller]
fn json(arguments: &[&str]) -> Vec<serde_json::Value> {
    let out = run(&[&["--json"], arguments].concat()).out;
    out.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// Returns all files below a folder with their contents.
fn files(root: &Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in root.read_dir().expect("a folder") {
        let path = entry.expect("an entry").path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push((path.clone(), std::fs::read(path).expect("a file"))),
        }
    }
    found.sort();
    found
}
