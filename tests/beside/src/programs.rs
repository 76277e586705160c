//! Builds, checks and runs the programs.

use std::collections::HashMap;
use std::error::Error;
use std::path::Path;
use std::process::{Command, Stdio};

use serde::Deserialize;

use crate::case::Case;
use crate::family::Family;
use crate::package::target;

/// What became of one program.
pub(crate) enum Outcome {
    /// It does not compile: the code of the first error, if it is one of rustc's, and its first line.
    Error { code: Option<String>, text: String },
    /// It compiles, and was not run.
    Compiles,
    /// It ran.
    Ran { calls: usize, computations: usize, effects: usize },
}

/// The outcome of each case, by its name.
pub(crate) type Outcomes = HashMap<String, Outcome>;

pub(crate) fn outcomes(package: &Path, families: &[Family]) -> Result<Outcomes, Box<dyn Error>> {
    let mut outcomes = Outcomes::new();
    let names: Vec<_> = families.iter().map(|family| family.name.as_str()).collect();
    let names = names.join(",");
    // Examples need crates that programs which run do not need.
    if Case::all(families).any(|case| case.row.call.is_none()) {
        // The profile makes `#[test]` functions exist.
        let check = ["check", "--examples", "--profile", "test", "--features", &names];
        errors(package, &check, &mut outcomes)?;
    }
    errors(package, &["build", "--bins", "--features", &names], &mut outcomes)?;
    for case in Case::all(families).filter(|case| case.row.call.is_none()) {
        outcomes.entry(case.name).or_insert(Outcome::Compiles);
    }
    for case in Case::all(families).filter(|case| case.row.call.is_some()) {
        if !outcomes.contains_key(&case.name) {
            let outcome = run(&case.name)?;
            outcomes.insert(case.name, outcome);
        }
    }
    Ok(outcomes)
}

/// One line of cargo's output.
#[derive(Deserialize)]
struct Line {
    target: Option<Target>,
    message: Option<Message>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

#[derive(Deserialize)]
struct Message {
    level: String,
    message: String,
    code: Option<Code>,
}

#[derive(Deserialize)]
struct Code {
    code: String,
}

/// Collects the first error of each program.
fn errors(
    package: &Path,
    arguments: &[&str],
    outcomes: &mut Outcomes,
) -> Result<(), Box<dyn Error>> {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .args(["-q", "--locked", "--keep-going", "--message-format", "json"])
        .arg("--target-dir")
        .arg(target())
        .current_dir(package)
        .stdout(Stdio::piped())
        .output()?;
    for line in String::from_utf8(output.stdout)?.lines() {
        let line: Line = serde_json::from_str(line)?;
        let (Some(target), Some(message)) = (line.target, line.message) else { continue };
        if message.level == "error" {
            let text = message.message.lines().next().unwrap_or_default().to_owned();
            let code = message.code.map(|code| code.code);
            outcomes.entry(target.name).or_insert(Outcome::Error { code, text });
        }
    }
    if !output.status.success() && outcomes.is_empty() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    Ok(())
}

fn run(name: &str) -> Result<Outcome, Box<dyn Error>> {
    let output = Command::new(target().join("debug").join(name)).output()?;
    let text = String::from_utf8(output.stdout)?;
    let numbers: Result<Vec<usize>, _> = text.split_whitespace().map(str::parse).collect();
    match numbers?[..] {
        [calls, computations, effects] if output.status.success() => {
            Ok(Outcome::Ran { calls, computations, effects })
        }
        _ => Err(format!("{name}: {}", String::from_utf8_lossy(&output.stderr)).into()),
    }
}
