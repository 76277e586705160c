//! A build with another feature, variable or file does not get the values that the first one stored.
#![allow(clippy::incompatible_msrv, reason = "tests may need a newer Rust than the library does")]

#[path = "it/support.rs"]
#[allow(dead_code, unused_imports, unused_macros)]
mod support;

#[path = "it/package.rs"]
#[allow(dead_code)]
mod package;

use crate::package::Package;

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

fn run(package: &Package, features: &str, variable: &str, text: &str) -> String {
    package.write("text", text);
    let mut command = package.command();
    command.args(["--features", features]).env("MEMOKIT_INPUT", variable);
    package::run(&mut command)
}

#[test]
fn values_of_another_build_are_not_used() {
    let package = Package::new("build_inputs");
    package.write("main.rs", MAIN);
    let run = |features, variable, text| run(&package, features, variable, text);
    assert_eq!(run("", "a", "old"), r#"1 1 1Some("a") 1old 1"#);
    assert_eq!(run("fast", "a", "old"), r#"2 2 1Some("a") 1old 2"#);
    assert_eq!(run("", "b", "new"), r#"1 1 1Some("b") 1new 2"#);
}
