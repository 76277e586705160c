//! The page.

use std::error::Error;
use std::fmt::Write;
use std::process::Command;

use crate::case::{Case, Order};
use crate::family::{Family, Row};
use crate::programs::{Outcome, Outcomes};

const MANIFEST: &str = include_str!("../Cargo.toml");

const HEAD: &str = "\
# Beside other attributes

What `#[memoize]` does on a function that has an attribute of another crate. The attribute that stands above runs first.
Each cell was found by a program with that order of the two attributes:

- *each call*, *each computation*: the program called the function three times with the same arguments, and it computed
  once. The effect of the other attribute (a span, a log line, a check) happened that often.
- *works*: the same, and the other attribute has no effect that the program counts.
- *compiles*: the program was checked and not run.
- an error: the program does not compile. The text is the first error, or its code if it is rustc's.
- *the body runs 3 times*: it was not memoized.
- *-*: `#[memoize]` cannot stand there, because the other attribute is on the item around the function.

As a rule, write `#[memoize]` above an attribute whose effect should happen at each call, and below one whose effect
should happen only when the body runs. Below an attribute that copies the function or makes shims of it, `#[memoize]`
may be copied too.
";

pub(crate) fn of(
    families: &[Family],
    found: &Outcomes,
    date: &str,
) -> Result<String, Box<dyn Error>> {
    let mut page = HEAD.to_owned();
    let rustc = Command::new("rustc").arg("--version").output()?;
    let rustc = String::from_utf8(rustc.stdout)?;
    let rustc: Vec<&str> = rustc.split(' ').take(2).collect();
    writeln!(
        page,
        "\nFound on {date} with {}, by scripts/beside.sh, from the rows in tests/beside.",
        rustc.join(" ")
    )?;
    for family in families {
        writeln!(page, "\n## {}\n\n{}\n", family.title, family.about.trim())?;
        writeln!(
            page,
            "| attribute | version | `#[memoize]` above | `#[memoize]` below | what to do |"
        )?;
        writeln!(page, "| --- | --- | --- | --- | --- |")?;
        for row in &family.rows {
            let version = version(row)?;
            let (above, below) =
                (cell(family, row, Order::Above, found), cell(family, row, Order::Below, found));
            writeln!(
                page,
                "| {} | {version} | {above} | {below} | {} |",
                row.title,
                row.advice.trim()
            )?;
        }
    }
    Ok(page)
}

/// The version of the attribute's crate, which the manifest states exactly.
fn version(row: &Row) -> Result<String, Box<dyn Error>> {
    let Some(package) = &row.package else { return Ok("-".to_owned()) };
    let line = MANIFEST.lines().find(|line| line.split(' ').next() == Some(package));
    let (_, rest) = line
        .and_then(|line| line.split_once("\"="))
        .ok_or_else(|| format!("{package} is no dependency with an exact version"))?;
    Ok(rest.split('"').next().unwrap_or_default().to_owned())
}

fn cell(family: &Family, row: &Row, order: Order, found: &Outcomes) -> String {
    let outcome = Case::of(family, row, order).and_then(|case| found.get(&case.name));
    match outcome {
        None => "-".to_owned(),
        Some(Outcome::Compiles) => "compiles".to_owned(),
        Some(Outcome::Error { code: Some(code), .. }) => format!("error {code}"),
        Some(Outcome::Error { code: None, text }) => format!("error: {}", text.replace('|', "\\|")),
        Some(Outcome::Ran { calls, computations, effects }) => {
            ran(*calls, *computations, row.effect.then_some(*effects))
        }
    }
}

/// What the numbers of computations and effects mean.
fn ran(calls: usize, computations: usize, effects: Option<usize>) -> String {
    let body = match computations {
        0 => "the body never runs".to_owned(),
        1 => String::new(),
        2 => "the body runs twice".to_owned(),
        many => format!("the body runs {many} times"),
    };
    let effect = match effects {
        None => String::new(),
        Some(0) => "no effect".to_owned(),
        Some(1) => "each computation".to_owned(),
        Some(all) if all == calls => "each call".to_owned(),
        Some(many) => format!("{many} effects"),
    };
    match (body.is_empty(), effect.is_empty()) {
        (true, true) => "works".to_owned(),
        (true, false) => effect,
        (false, true) => body,
        (false, false) => format!("{body}; {effect}"),
    }
}
