//! Prints the most complex functions of the Rust sources below a directory. Look at `functions`: the text of a file is
//! its key, so a second run parses nothing, a run after an edit parses one file, and files that are alike, moved or
//! put back as they were are not parsed again.
//!
//!     cargo run --release --manifest-path examples/files/Cargo.toml -- [DIRECTORY]

mod complexity;
mod sources;

use std::cmp::Reverse;
use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use memokit::{Session, memoize};
use rayon::prelude::*;

use complexity::Function;

/// An error of the parser is as good an answer as a list, so it is kept as well. memokit sees an edit of this body
/// only, so `version` has to be raised when `complexity` or syn change their results.
#[memoize(max = 100_000, persist = directory(), cache_err, version = 1)]
fn functions(source: &str) -> Result<Vec<Function>, String> {
    let file = syn::parse_file(source).map_err(|error| {
        let start = error.span().start();
        format!("{}:{}: {error}", start.line, start.column + 1)
    })?;
    Ok(complexity::of_functions(&file))
}

fn directory() -> PathBuf {
    env::var_os("CACHE_DIR").unwrap_or_else(|| "target/files-cache".into()).into()
}

/// What is found in a file, or why nothing is.
fn analyse(path: &Path) -> Result<Vec<Function>, String> {
    let source = fs::read_to_string(path).map_err(|error| format!(" {error}"))?;
    functions(&source)
}

/// Prints the functions and returns how many files were not understood.
fn print(files: &[PathBuf], results: Vec<Result<Vec<Function>, String>>) -> usize {
    let (mut all, mut failed) = (Vec::new(), 0);
    for (path, result) in files.iter().zip(results) {
        match result {
            Ok(functions) => all.extend(functions.into_iter().map(|function| (path, function))),
            Err(error) => {
                eprintln!("{}:{error}", path.display());
                failed += 1;
            }
        }
    }
    all.sort_by_key(|(_, function)| Reverse(function.complexity));
    for (path, function) in all.iter().take(10) {
        let Function { name, line, complexity } = function;
        println!("{complexity:4}  {name}  {}:{line}", path.display());
    }
    failed
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let (session, start) = (Session::new(), Instant::now());
    let directory = env::args_os().nth(1).unwrap_or_else(|| ".".into());
    let files = sources::below(Path::new(&directory))?;
    let results = files.par_iter().map(|path| analyse(path)).collect();
    let failed = print(&files, results);
    let stats = functions_memo().stats();
    println!("{} files: {} parsed, {} found", files.len(), stats.misses, stats.hits);
    // Such as that the folder cannot be written. The answer is as good without it.
    if let Err(error) = session.end() {
        eprintln!("not kept for the next run: {error}");
    }
    eprintln!("{:.0?}", start.elapsed());
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
