//! A program with memoized functions: this test binary, run again as a child.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Lines, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use memokit::codec::{Cbor, Json};
use memokit::memoize;
use serde::{Deserialize, Serialize};

/// The environment variable with the path of `persist`. Without it, the test `child` does nothing.
const ROOT: &str = "MEMO_CLI_ROOT";
/// What stands before the lines that a child writes for its parent.
const MARK: &str = "child: ";

fn root() -> PathBuf {
    PathBuf::from(std::env::var_os(ROOT).expect("the child has a folder"))
}

#[derive(Serialize, Deserialize, Clone, Debug)]
pub(crate) struct Quote {
    symbol: String,
    price: f64,
    side: Side,
}

#[derive(Serialize, Deserialize, Clone, Debug)]
enum Side {
    Buy,
    Limit { depth: u32 },
}

static RUNS: AtomicU32 = AtomicU32::new(0);

#[memoize(persist = root(), durability = "os")]
fn quote(symbol: &str, amount: u32) -> Quote {
    RUNS.fetch_add(1, Relaxed);
    let side = if amount < 2 { Side::Buy } else { Side::Limit { depth: amount } };
    Quote { symbol: symbol.to_owned(), price: f64::from(amount) / 2.0, side }
}

#[memoize(persist = root(), durability = "os")]
fn other(symbol: &str) -> usize {
    symbol.len()
}

#[memoize(persist = root(), durability = "os", ttl = "1ms")]
fn short_lived(n: u32) -> u32 {
    n
}

#[memoize(persist = root(), durability = "os")]
fn long(len: usize) -> String {
    "x".repeat(len)
}

#[memoize(persist = root(), durability = "os", codec = Json)]
fn in_json(n: u32) -> BTreeMap<String, u32> {
    BTreeMap::from([("a b".to_owned(), n)])
}

#[memoize(persist = root(), durability = "os", codec = Cbor)]
fn in_cbor(n: u32) -> Vec<Option<u32>> {
    vec![None, Some(n)]
}

/// Two versions of one function could differ in the codec alone.
#[memoize(persist = root(), durability = "os", codec = Json)]
fn first_codec(n: u32) -> Mixed {
    mixed(n)
}

#[memoize(persist = root(), durability = "os", codec = Cbor)]
fn second_codec(n: u32) -> Mixed {
    mixed(n)
}

#[memoize(persist = root(), durability = "os", codec = Json)]
fn quote_in_json(n: u32) -> Quote {
    Quote { symbol: "ACME".to_owned(), price: f64::from(n), side: Side::Buy }
}

/// It holds what JSON and CBOR show in different ways.
#[derive(Serialize, Deserialize, Clone, Debug)]
struct Mixed {
    quote: Quote,
    ratio: Option<f32>,
    depths: BTreeMap<i16, f32>,
}

fn mixed(n: u32) -> Mixed {
    RUNS.fetch_add(1, Relaxed);
    let (symbol, price, side) = ("ACME".to_owned(), f64::from(n) + 0.1, Side::Limit { depth: n });
    let quote = Quote { symbol, price, side };
    Mixed { quote, ratio: Some(0.1), depths: BTreeMap::from([(-3, 0.7), (5, 1e14)]) }
}

#[memoize(persist = root(), durability = "os", tags = [("user", n)])]
fn tagged(n: u32) -> u32 {
    RUNS.fetch_add(1, Relaxed);
    n
}

/// Returns whether a call computes.
fn outcome<R>(call: impl FnOnce() -> R) -> String {
    let before = RUNS.load(Relaxed);
    call();
    if RUNS.load(Relaxed) > before { "computed".to_owned() } else { "hit".to_owned() }
}

/// A type that accepts one text, so that no sample shows what follows it.
#[derive(Serialize, Clone)]
#[serde(transparent)]
struct Only(String);

impl<'de> Deserialize<'de> for Only {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let is_it = text == "only this";
        is_it.then_some(Self(text)).ok_or_else(|| serde::de::Error::custom("another text"))
    }
}

#[memoize(persist = root(), durability = "os")]
fn untraced(n: u32) -> (Only, u32) {
    (Only("only this".to_owned()), n)
}

#[memoize(persist = root(), durability = "os")]
fn many(n: u32) -> u64 {
    u64::from(n) * 3
}

/// Does what a line says, and returns what it gave.
fn obey(line: &str) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    let number = |word: &str| word.parse::<u32>().expect("a number");
    match words[..] {
        ["quote", symbol, amount] => outcome(|| quote(symbol, number(amount))),
        ["first", n] => outcome(|| first_codec(number(n))),
        ["plain", n] => outcome(|| quote_in_json(number(n))),
        ["second", n] => outcome(|| second_codec(number(n))),
        ["tagged", n] => outcome(|| tagged(number(n))),
        ["untag", n] => {
            memokit::invalidate_tag(("user", number(n)));
            "done".to_owned()
        }
        ["other", symbol] => other(symbol).to_string(),
        ["short", n] => short_lived(number(n)).to_string(),
        ["long", len] => long(len.parse().expect("a length")).len().to_string(),
        ["codecs"] => {
            in_json(7);
            in_cbor(7);
            untraced(7);
            "done".to_owned()
        }
        ["many", count] => {
            (0..number(count)).for_each(|n| _ = many(n));
            "done".to_owned()
        }
        ["snapshot"] => {
            quote_memo().snapshot().expect("a snapshot");
            many_memo().snapshot().expect("a snapshot");
            "done".to_owned()
        }
        ["invalidate", symbol, amount] => {
            quote_memo().invalidate(&quote_key(symbol, number(amount))).to_string()
        }
        _ => panic!("unknown: {line}"),
    }
}

/// The child. It obeys its input, line by line, until that ends.
#[test]
fn child() {
    if std::env::var_os(ROOT).is_none() {
        return;
    }
    for line in std::io::stdin().lock().lines() {
        let answer = obey(&line.expect("a line"));
        println!("\n{MARK}{answer}");
    }
    memokit::flush_all().expect("all is on disk");
}

/// A running child.
pub(crate) struct Program {
    child: Child,
    input: Option<ChildStdin>,
    output: Lines<BufReader<ChildStdout>>,
}

impl Program {
    pub(crate) fn start(root: &Path) -> Self {
        let mut command = Command::new(std::env::current_exe().expect("this test"));
        command.args(["--exact", "program::child", "--nocapture", "--test-threads=1"]);
        command.env(ROOT, root).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("a child");
        let output = BufReader::new(child.stdout.take().expect("its output")).lines();
        Self { input: child.stdin.take(), child, output }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn ask(&mut self, line: &str) -> String {
        let input = self.input.as_mut().expect("it has not ended");
        writeln!(input, "{line}").expect("the child reads");
        let mut answers =
            self.output.by_ref().filter_map(|line| Some(line.ok()?.strip_prefix(MARK)?.to_owned()));
        answers.next().expect("the child answers")
    }

    pub(crate) fn end(mut self) {
        drop(self.input.take());
        assert!(self.child.wait().expect("it ends").success());
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Makes a folder by these lines.
pub(crate) fn made_by(lines: &[&str]) -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("a folder");
    make_in(root.path(), lines);
    root
}

pub(crate) fn make_in(root: &Path, lines: &[&str]) {
    let mut program = Program::start(root);
    for line in lines {
        program.ask(line);
    }
    program.end();
}
