//! Analyses every text file below a directory: its language, its size in lines and tokens, and
//! which files are similar. The analysis of a file is memoized on disk, with the name and the
//! content of the file as its key. So a second run computes nothing, and a run after an edit
//! computes only the edited file.
//!
//!     cargo run --release --example quickstart -- [DIRECTORY] [OPTIONS]

#[path = "quickstart/options.rs"]
mod options;
#[path = "quickstart/progress.rs"]
mod progress;
#[path = "quickstart/similar.rs"]
mod similar;
#[path = "quickstart/text.rs"]
mod text;
#[path = "quickstart/walk.rs"]
mod walk;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use memokit::memoize;
use serde::{Deserialize, Serialize};

use options::Options;
use progress::Progress;
use walk::Skipped;

static OPTIONS: OnceLock<Options> = OnceLock::new();

fn options() -> &'static Options {
    OPTIONS.get_or_init(Options::default)
}

/// The result of the analysis of one text.
#[derive(Clone, Serialize, Deserialize)]
struct Analysis {
    language: String,
    lines: u64,
    tokens: u64,
    sketch: Vec<u32>,
}

/// The expensive part, computed once for each name and content.
///
/// The key holds a digest instead of the text, which keeps the stored results small. An edit
/// changes the digest. If the edit is undone, the digest is the old one again, and the stored
/// result is found. memokit discards results when the code changes, but it sees only the code of
/// this body. So `version` must be raised when `text` or `similar` change their results.
#[memoize(
    max = 100_000,
    persist = options().cache.clone(),
    key = (name, text::digest(content)),
    version = 1
)]
fn analyse(name: &str, content: &str) -> Analysis {
    thread::sleep(options().slow);
    let tokens: Vec<&str> = text::tokens(content).collect();
    Analysis {
        language: text::language(name, content).to_owned(),
        lines: content.lines().count() as u64,
        tokens: tokens.len() as u64,
        sketch: similar::sketch(&tokens),
    }
}

/// One analysed file. `path` is relative to the analysed directory.
struct File<'a> {
    path: &'a Path,
    analysis: Analysis,
}

fn main() -> ExitCode {
    match Options::parse(std::env::args_os().skip(1)) {
        Ok(Some(parsed)) => drop(OPTIONS.set(parsed)),
        Ok(None) => {
            print!("{}", options::HELP);
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("quickstart: {error}");
            return ExitCode::from(2);
        }
    }
    match run(options(), &mut io::stdout().lock()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            eprintln!("quickstart: {error}");
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}

fn run(options: &Options, out: &mut impl Write) -> io::Result<()> {
    let start = Instant::now();
    let opened = analyse_memo().try_init();
    if let Err(error) = &opened {
        eprintln!("quickstart: results are stored in memory only: {error}");
    }
    if options.fresh {
        analyse_memo().clear();
    }
    let mut skipped = Skipped::new();
    let paths = walk::walk(&options.directory, &options.cache, &mut skipped)?;
    let files = analyse_all(&options.directory, &paths, &mut skipped);
    let analysed = start.elapsed();
    let sketches: Vec<&[u32]> = files.iter().map(|file| &*file.analysis.sketch).collect();
    let pairs = similar::pairs(&sketches, options.top);
    let elapsed = start.elapsed();
    if opened.is_ok() {
        if let Err(error) = analyse_memo().flush() {
            eprintln!("quickstart: the results may be lost in a power failure: {error}");
        }
    }

    write!(out, "{}\n{} text files", options.directory.display(), files.len())?;
    for (reason, count) in &skipped {
        write!(out, ", {count} {reason}")?;
    }
    writeln!(out, "\n")?;
    print_languages(out, &files)?;
    print_pairs(out, &files, &pairs)?;
    print_cache(out, options, analysed, elapsed)
}

/// Analyses the files on all cores. Returns the analysed files, sorted by path.
fn analyse_all<'a>(directory: &Path, paths: &'a [PathBuf], skipped: &mut Skipped) -> Vec<File<'a>> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::new());
    let progress = Progress::new(paths.len());
    let work = || {
        while let Some(path) = paths.get(next.fetch_add(1, Ordering::Relaxed)) {
            let result = analyse_file(directory, path);
            results.lock().unwrap().push(result);
            progress.step();
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    let mut files = Vec::new();
    for result in results.into_inner().unwrap() {
        match result {
            Ok(file) => files.push(file),
            Err(reason) => *skipped.entry(reason).or_default() += 1,
        }
    }
    files.sort_by_key(|file| file.path);
    files
}

fn analyse_file<'a>(directory: &Path, path: &'a Path) -> Result<File<'a>, &'static str> {
    let content = walk::read_text(&directory.join(path))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    Ok(File { path, analysis: analyse(&name, &content) })
}

fn print_languages(out: &mut impl Write, files: &[File<'_>]) -> io::Result<()> {
    let mut languages: BTreeMap<&str, [u64; 3]> = BTreeMap::new();
    let mut total = [0; 3];
    for File { analysis, .. } in files {
        let sums = languages.entry(&analysis.language).or_default();
        for (index, count) in [1, analysis.lines, analysis.tokens].into_iter().enumerate() {
            sums[index] += count;
            total[index] += count;
        }
    }
    let mut rows: Vec<_> = languages.into_iter().collect();
    rows.sort_by_key(|(_, [_, _, tokens])| std::cmp::Reverse(*tokens));
    rows.push(("all", total));
    writeln!(out, "{:16}{:>8}{:>12}{:>14}", "language", "files", "lines", "tokens")?;
    for (language, [files, lines, tokens]) in rows {
        writeln!(out, "{language:16}{files:>8}{lines:>12}{tokens:>14}")?;
    }
    writeln!(out)
}

fn print_pairs(
    out: &mut impl Write,
    files: &[File<'_>],
    pairs: &[similar::Pair],
) -> io::Result<()> {
    if pairs.is_empty() {
        return Ok(());
    }
    writeln!(out, "most similar (estimated share of common {}-token runs)", similar::RUN)?;
    for pair in pairs {
        let [a, b] = pair.texts.map(|index| files[index].path.display());
        writeln!(out, "{:>4} %  {a}  {b}", pair.percent)?;
    }
    writeln!(out)
}

fn print_cache(
    out: &mut impl Write,
    options: &Options,
    analysed: Duration,
    elapsed: Duration,
) -> io::Result<()> {
    let stats = analyse_memo().stats();
    let (misses, hits) = (stats.misses, stats.hits);
    writeln!(out, "analysed: {misses} computed, {hits} answered from the cache")?;
    writeln!(
        out,
        "time:     {elapsed:.2?}, including {:.2?} for the comparison",
        elapsed - analysed
    )?;
    writeln!(out, "cache:    {}\n", options.cache.display())?;
    writeln!(out, "{}", memokit::report())
}
