//! Instructions a hit, counted by callgrind: the same on a busy machine as on an idle one.

use std::path::PathBuf;
use std::process::{Command, Output};

use crate::cases::KINDS;
use crate::command::{Counted, Plan};
use crate::report::{Column, Table};

const COLUMNS: [Column; 3] =
    [Column("kind", 8, 0), Column("contender", 12, 0), Column("instructions", 12, 1)];

const CONTENDERS: [&str; 6] = ["memokit", "quick_cache", "cached", "moka", "memoize", "mutex_map"];

/// What is recorded and held.
const HELD: [&str; 2] = ["u64", "memokit"];

/// How far from the recorded number is too far.
const SLACK: f64 = 0.1;

pub(crate) fn run(plan: &Plan, counted: Counted) -> Result<(), String> {
    if let Some(reason) = reason_against() {
        println!("skipped: the count of instructions, since {reason}");
        return Ok(());
    }
    match counted {
        Counted::Checked => check(),
        Counted::Recorded => record(),
        Counted::Shown => show(plan),
    }
}

fn reason_against() -> Option<&'static str> {
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

/// Runs this program's `profile` under callgrind, which counts within the loop of hits alone.
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

/// From the line `==123== Collected : 456`.
fn collected(output: &Output) -> Option<f64> {
    let text = String::from_utf8_lossy(&output.stderr);
    let number = text.lines().find_map(|line| line.split_once("Collected : "))?.1;
    let number: f64 = number.trim().parse().ok()?;
    (output.status.success() && number > 0.0).then_some(number)
}

fn path() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "instructions.txt"].iter().collect()
}

/// Other processors have other instructions: each has a line of its own.
fn check() -> Result<(), String> {
    let now = count(HELD[0], HELD[1], CALLS)?;
    let Some(recorded) = recorded()? else {
        println!("skipped: no instructions are recorded for {}", std::env::consts::ARCH);
        return Ok(());
    };
    let change = (now / recorded - 1.0) * 100.0;
    let line = format!(
        "a hit of u64 takes {now:.1} instructions, {recorded:.1} are recorded: {change:+.1} %"
    );
    if change.abs() <= SLACK * 100.0 {
        println!("{line}");
        return Ok(());
    }
    Err(format!("{line}. If that is meant, `memo-bench instructions --record` writes it down"))
}

fn recorded() -> Result<Option<f64>, String> {
    let text = std::fs::read_to_string(path())
        .map_err(|error| format!("{}: {error}", path().display()))?;
    text.lines().find_map(|line| line.strip_prefix(std::env::consts::ARCH)).map(parsed).transpose()
}

fn parsed(text: &str) -> Result<f64, String> {
    text.trim().parse().map_err(|_| format!("{}: `{text}` is no number", path().display()))
}

/// Writes this processor's line anew and leaves the others.
fn record() -> Result<(), String> {
    let now = count(HELD[0], HELD[1], CALLS)?;
    let arch = std::env::consts::ARCH;
    let text = std::fs::read_to_string(path()).unwrap_or_default();
    let others = text.lines().filter(|line| !line.starts_with(arch));
    let lines: Vec<_> = others.map(str::to_owned).chain([format!("{arch} {now:.1}\n")]).collect();
    std::fs::write(path(), lines.join("\n")).map_err(|error| error.to_string())?;
    println!("recorded: a hit of u64 takes {now:.1} instructions");
    Ok(())
}
