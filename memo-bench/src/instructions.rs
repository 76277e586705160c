//! Counts the instructions of a hit with callgrind. The number is the same on a busy machine and on an idle one.

use std::path::PathBuf;
use std::process::{Command, Output};

use crate::cases::KINDS;
use crate::command::{Counted, Plan};
use crate::report::{Column, Table};

const COLUMNS: [Column; 3] =
    [Column("kind", 8, 0), Column("contender", 12, 0), Column("instructions", 12, 1)];

const CONTENDERS: [&str; 6] = ["memokit", "quick_cache", "cached", "moka", "memoize", "mutex_map"];

/// The kind and the contender whose number is recorded and checked.
const RECORDED: [&str; 2] = ["u64", "memokit"];

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
                let number = count(kind, contender, if plan.quick { 1000 } else { CALLS })?;
                table.row(&[kind.into(), contender.into(), number.into()]);
            }
        }
    }
    Ok(())
}

const CALLS: u64 = 100_000;

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

/// Compares the number with the one recorded for this kind of processor. Each kind has a line of its own in the file,
/// because they have different instructions.
fn check() -> Result<(), String> {
    let now = count(RECORDED[0], RECORDED[1], CALLS)?;
    let Some(recorded) = recorded()? else {
        println!("skipped: no number of instructions is recorded for {}", std::env::consts::ARCH);
        return Ok(());
    };
    let change = (now / recorded - 1.0) * 100.0;
    let line = format!(
        "a hit of u64 takes {now:.1} instructions, {recorded:.1} are recorded: {change:+.1} %"
    );
    if change.abs() <= TOLERANCE * 100.0 {
        println!("{line}");
        return Ok(());
    }
    Err(format!(
        "{line}. If the change is intended, record it with `memo-bench instructions --record`"
    ))
}

fn recorded() -> Result<Option<f64>, String> {
    let text = std::fs::read_to_string(path())
        .map_err(|error| format!("{}: {error}", path().display()))?;
    text.lines().find_map(|line| line.strip_prefix(std::env::consts::ARCH)).map(parsed).transpose()
}

fn parsed(text: &str) -> Result<f64, String> {
    text.trim().parse().map_err(|_| format!("{}: `{text}` is not a number", path().display()))
}

/// Replaces the line of this kind of processor. Other lines do not change.
fn record() -> Result<(), String> {
    let now = count(RECORDED[0], RECORDED[1], CALLS)?;
    let arch = std::env::consts::ARCH;
    let text = std::fs::read_to_string(path()).unwrap_or_default();
    let others = text.lines().filter(|line| !line.starts_with(arch));
    let lines: Vec<_> = others.map(str::to_owned).chain([format!("{arch} {now:.1}\n")]).collect();
    std::fs::write(path(), lines.join("\n")).map_err(|error| error.to_string())?;
    println!("recorded: a hit of u64 takes {now:.1} instructions");
    Ok(())
}
