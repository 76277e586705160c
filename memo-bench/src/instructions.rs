//! Counts the instructions of a hit with callgrind. The number is the same on a busy machine and on an idle one.

use std::path::PathBuf;
use std::process::{Command, Output};

use crate::cases::{ADVISED, KINDS, OBJECTS, STORED};
use crate::command::{Counted, Plan};
use crate::report::{Column, Table};

const COLUMNS: [Column; 3] =
    [Column("kind", 14, 0), Column("contender", 12, 0), Column("instructions", 12, 1)];

const CONTENDERS: [&str; 6] = ["memokit", "quick_cache", "cached", "moka", "memoize", "mutex_map"];

/// The kinds of calls of memokit whose numbers are recorded and checked, and what they are.
const RECORDED: [(&str, &str); 7] = [
    ("u64", "a hit of u64"),
    ("u64+advise", "a hit of u64 with advise, that is not sampled"),
    ("u64+instance", "a hit of u64 in the cache of an object"),
    ("u64+persist", "a hit of u64 with persist"),
    ("insert+persist", "an insertion of 100 bytes at os"),
    ("log+persist", "a hit of 100 bytes in a log"),
    ("snapshot+persist", "a hit of 100 bytes in a snapshot"),
];

/// The largest allowed difference from the recorded number, as a share of it.
const TOLERANCE: f64 = 0.1;

pub(crate) fn run(plan: &Plan, counted: Counted) -> Result<(), String> {
    if let Some(reason) = reason_to_skip() {
        println!("skipped: the count of instructions, because {reason}");
        return Ok(());
    }
    match counted {
        Counted::Checked => check(),
        Counted::Recorded => record(),
        Counted::Shown => show(plan),
    }
}

fn reason_to_skip() -> Option<&'static str> {
    if cfg!(debug_assertions) {
        return Some("this is a debug build");
    }
    let found = Command::new("valgrind").arg("--version").output();
    let works = found.is_ok_and(|output| output.status.success());
    (!works).then_some("valgrind is not installed")
}

fn show(plan: &Plan) -> Result<(), String> {
    let mut table = Table::begin(plan.json, &COLUMNS);
    for (kind, _) in KINDS {
        for contender in CONTENDERS {
            if plan.wants(&format!("{kind}/{contender}")) {
                let number = count(kind, contender, if plan.quick { 1000 } else { calls(kind) })?;
                table.row(&[kind.into(), contender.into(), number.into()]);
            }
        }
    }
    for (kind, _) in ADVISED
        .iter()
        .chain(&OBJECTS)
        .chain(&STORED)
        .filter(|(kind, _)| plan.wants(&format!("{kind}/memokit")))
    {
        table.row(&[(*kind).into(), "memokit".into(), count(kind, "memokit", calls(kind))?.into()]);
    }
    Ok(())
}

/// Insertions are as few as the log takes before it is compacted.
fn calls(kind: &str) -> u64 {
    if kind.starts_with("insert") { 20_000 } else { 100_000 }
}

/// Runs this program's command `profile` under callgrind, which counts only in the loop of hits.
fn count(kind: &str, contender: &str, calls: u64) -> Result<f64, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg("--toggle-collect=*measured_hits*")
        .arg(program)
        .args(["profile", kind, contender, "--calls", &calls.to_string()])
        .output()
        .map_err(|error| format!("cannot run valgrind: {error}"))?;
    collected(&output)
        .map(|instructions| instructions / calls as f64)
        .ok_or_else(|| format!("callgrind failed: {}", String::from_utf8_lossy(&output.stderr)))
}

/// Returns the number in the line `==123== Collected : 456`.
fn collected(output: &Output) -> Option<f64> {
    let text = String::from_utf8_lossy(&output.stderr);
    let number = text.lines().find_map(|line| line.split_once("Collected : "))?.1;
    let number: f64 = number.trim().parse().ok()?;
    (output.status.success() && number > 0.0).then_some(number)
}

fn path() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "instructions.txt"].iter().collect()
}

/// Compares each number with the one recorded for this kind of processor. Each kind of processor has lines of its own
/// in the file, because they have different instructions.
fn check() -> Result<(), String> {
    let mut wrong = Vec::new();
    for (kind, what) in RECORDED {
        let now = count(kind, "memokit", calls(kind))?;
        let Some(recorded) = recorded(kind)? else {
            println!("skipped: no number of instructions is recorded for {}", label(kind));
            continue;
        };
        let change = (now / recorded - 1.0) * 100.0;
        println!("{what} takes {now:.1} instructions, {recorded:.1} are recorded: {change:+.1} %");
        if change.abs() > TOLERANCE * 100.0 {
            wrong.push(what);
        }
    }
    if wrong.is_empty() {
        return Ok(());
    }
    let wrong = wrong.join(", ");
    Err(format!(
        "{wrong}: if the change is intended, record it with `memo-bench instructions --record`"
    ))
}

/// What begins the line of a number in the file.
fn label(kind: &str) -> String {
    format!("{} {kind} ", std::env::consts::ARCH)
}

fn recorded(kind: &str) -> Result<Option<f64>, String> {
    let text = std::fs::read_to_string(path())
        .map_err(|error| format!("{}: {error}", path().display()))?;
    text.lines().find_map(|line| line.strip_prefix(&label(kind))).map(parsed).transpose()
}

fn parsed(text: &str) -> Result<f64, String> {
    text.trim().parse().map_err(|_| format!("{}: `{text}` is not a number", path().display()))
}

/// Replaces the lines of this kind of processor. Other lines do not change.
fn record() -> Result<(), String> {
    let text = std::fs::read_to_string(path()).unwrap_or_default();
    let others = text.lines().filter(|line| !line.starts_with(std::env::consts::ARCH));
    let mut lines: Vec<_> = others.map(str::to_owned).collect();
    for (kind, what) in RECORDED {
        let now = count(kind, "memokit", calls(kind))?;
        lines.push(format!("{}{now:.1}", label(kind)));
        println!("recorded: {what} takes {now:.1} instructions");
    }
    std::fs::write(path(), lines.join("\n") + "\n").map_err(|error| error.to_string())
}
