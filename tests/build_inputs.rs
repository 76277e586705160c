//! A build with another feature, variable or file does not get the values that the first one stored.
#![allow(clippy::incompatible_msrv, reason = "tests may need a newer Rust than the library does")]

#[path = "it/support.rs"]
#[allow(dead_code, unused_imports, unused_macros)]
mod support;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// A program with one function for each kind of input. It prints what they return.
const MAIN: &str = r#"
#[memokit::memoize(persist = "stored/feature")]
fn feature(n: u32) -> u32 { n + if cfg!(feature = "fast") { 1 } else { 0 } }
#[memokit::memoize(persist = "stored/statement")]
fn statement(n: u32) -> u32 {
    #[cfg(feature = "fast")]
    return n + 1;
    #[cfg(not(feature = "fast"))]
    return n;
}
#[memokit::memoize(persist = "stored/variable")]
fn variable(n: u32) -> String { format!("{n}{:?}", option_env!("MEMOKIT_INPUT")) }
#[memokit::memoize(persist = "stored/file")]
fn file(n: u32) -> String { format!("{n}{}", include_str!("text")) }
#[memokit::memoize(persist = "stored/plain")]
fn plain(n: u32) -> u32 { n }
fn main() {
    print!("{} {} {} {}", feature(1), statement(1), variable(1), file(1));
    println!(" {}", plain(1) + plain_memo().stats().recovered as u32);
}
"#;

fn run(package: &Path, features: &str, variable: &str, text: &str) -> String {
    fs::write(package.join("src/text"), text).unwrap();
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("build_inputs");
    let mut command = Command::new(env!("CARGO"));
    command.args(["run", "--quiet", "--offline", "--features", features]);
    command.current_dir(package).env("CARGO_TARGET_DIR", target);
    command.env("MEMOKIT_INPUT", variable);
    support::run_within(Duration::from_secs(1800), &mut command).trim().to_owned()
}

#[test]
fn values_of_another_build_are_not_used() {
    let package = tempfile::tempdir().unwrap();
    let root = env!("CARGO_MANIFEST_DIR");
    let manifest = format!(
        "[package]\nname = \"built\"\nedition = \"2021\"\n[features]\nfast = []\n[workspace]\n\
         [dependencies]\nmemokit = {{ path = {root:?} }}\nserde = \"1\"\n"
    );
    fs::create_dir(package.path().join("src")).unwrap();
    fs::write(package.path().join("Cargo.toml"), manifest).unwrap();
    fs::copy(Path::new(root).join("Cargo.lock"), package.path().join("Cargo.lock")).unwrap();
    fs::write(package.path().join("src/main.rs"), MAIN).unwrap();
    let run = |features, variable, text| run(package.path(), features, variable, text);
    assert_eq!(run("", "a", "old"), r#"1 1 1Some("a") 1old 1"#);
    assert_eq!(run("fast", "a", "old"), r#"2 2 1Some("a") 1old 2"#);
    assert_eq!(run("", "b", "new"), r#"1 1 1Some("b") 1new 2"#);
}
