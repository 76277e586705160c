//! Versions of the code side by side. A change of the body is a new version by itself; a change of what the body calls
//! is not seen, so `version` says it. Look at the third run: going back finds what the first has stored.
//!
//!     cargo run --example versions

use std::env;
use std::io;
use std::path::PathBuf;
use std::process::Command;

use memokit::{memoize, outcome};

/// What `page` depends on and memokit does not see. A real program would have a constant, and raise it.
fn template() -> u32 {
    env::args().nth(2).and_then(|argument| argument.parse().ok()).unwrap_or(1)
}

#[memoize(persist = directory(), version = template())]
fn page(title: &str) -> String {
    format!("<h{0}>{title}</h{0}>", template())
}

fn directory() -> PathBuf {
    env::args_os().nth(1).map(PathBuf::from).unwrap_or_default()
}

fn show() {
    let page = outcome(|| page("Hello"));
    let source = page.source().expect("it is the value of a memoized function");
    println!("version {}: {}, {source:?}", template(), *page);
}

/// Runs the program as it was when its template had this number.
fn run(directory: &tempfile::TempDir, template: u32) -> io::Result<()> {
    let program = env::current_exe()?;
    let status = Command::new(program).arg(directory.path()).arg(template.to_string()).status()?;
    if status.success() { Ok(()) } else { Err(io::Error::other(status.to_string())) }
}

fn main() -> io::Result<()> {
    if env::args_os().len() > 1 {
        show();
        return Ok(());
    }
    let directory = tempfile::tempdir()?;
    [1, 2, 1].into_iter().try_for_each(|template| run(&directory, template))
}
