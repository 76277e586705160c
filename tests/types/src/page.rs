//! The text of docs/types.md.

use std::collections::BTreeSet;

use crate::row::Row;

/// Types of one kind, with the title of their table.
pub struct Family {
    pub title: &'static str,
    pub rows: Vec<Row>,
}

const INTRODUCTION: &str = include_str!("introduction.md");
const DEPENDENCIES: &str = include_str!("../Cargo.toml");
const COLUMNS: [&str; 6] = [
    "type",
    "equal values",
    "different values that share an entry",
    "stored",
    "comes back different",
    "remark",
];

/// Composes the page. `rustc` is the compiler's version.
pub fn page(families: &[Family], rustc: &str) -> String {
    let count: usize = families.iter().map(|family| family.rows.len()).sum();
    let mut text = INTRODUCTION.replace("{count}", &count.to_string()).replace("{rustc}", rustc);
    text.push_str(&traps(families));
    for family in families {
        text.push_str(&table(family));
    }
    text
}

fn traps(families: &[Family]) -> String {
    let rows = families.iter().flat_map(|family| &family.rows).filter(|row| !row.shared.is_empty());
    let lines = rows
        .map(|row| line(&[format!("`{}`", row.name), row.different_values(), row.way.to_owned()]));
    head(&["type", "different values that share an entry", "remark"]) + &lines.collect::<String>()
}

/// A table with its title and the versions of its crates.
pub fn table(family: &Family) -> String {
    let lines: String = family.rows.iter().map(|row| line(&row.cells())).collect();
    format!("\n## {}\n\n{}\n\n{}{lines}", family.title, versions(family), head(&COLUMNS))
}

fn head(columns: &[&str]) -> String {
    let columns: Vec<_> = columns.iter().map(|&column| column.to_owned()).collect();
    line(&columns) + &line(&vec!["---".to_owned(); columns.len()])
}

fn line(cells: &[String]) -> String {
    let cells: Vec<_> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    format!("| {} |\n", cells.join(" | "))
}

/// The versions of a family's crates, wrapped at 120 columns.
fn versions(family: &Family) -> String {
    let packages: BTreeSet<_> = family.rows.iter().map(Row::package).collect();
    let named: Vec<_> = packages.iter().map(|package| named(package)).collect();
    let mut lines = vec![String::from("Crates:")];
    for word in (named.join(", ") + ".").split(' ') {
        let line = lines.last_mut().expect("there is a first line");
        if line.len() + 1 + word.len() <= 120 {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines.join("\n")
}

/// A crate with its version in Cargo.toml. The standard library's types are serialized by serde.
fn named(path: &str) -> String {
    if path == "std" {
        return format!("std by {}", named("serde"));
    }
    let version = |package: &str| {
        let start = format!("{package} = ");
        // A family of that name is a feature, whose line has no version.
        let mut lines = DEPENDENCIES.lines().filter(|line| line.starts_with(&start));
        let (_, rest) = lines.find_map(|line| line.split_once("\"="))?;
        Some(format!("{package} {}", rest.split_once('"')?.0))
    };
    version(path)
        .or_else(|| version(&path.replace('_', "-")))
        .unwrap_or_else(|| panic!("no version of {path}"))
}
