//! Many processes work on one folder at once. They are killed with SIGKILL, some of them or all together, while they
//! compute, remove and merge: what one has acknowledged the later ones find, and what was removed never comes back.
//!
//! `MEMOKIT_KILL_CYCLES` sets how many processes to kill instead of [`KILLS`].

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use memokit::memoize;

use crate::support::{LIMIT, Processes, folder, processes, shared, version_folders, wait};

const KILLS: usize = 100;
/// The number of processes that work at once.
const AT_ONCE: usize = 4;
/// After this many kills all processes begin anew in an empty folder.
const IN_A_ROW: usize = 25;
/// The numbers of a process begin at a multiple of this. It is killed long before it has used them up.
const SPAN: u32 = 1_000_000;
/// Those that other processes remove too.
const COMMON: u32 = 8;

const WORKER: &str = "MEMOKIT_IT_WORKER";

static RUNS: AtomicU32 = AtomicU32::new(0);

fn value_of(n: u32) -> String {
    format!("{n} {}", "x".repeat(2000 + n as usize * 37 % 9000))
}

#[memoize(persist = folder(), durability = "os")]
fn value(n: u32) -> String {
    RUNS.fetch_add(1, Relaxed);
    // So long that processes lock keys.
    thread::sleep(Duration::from_micros(200));
    value_of(n)
}

fn found(n: u32) -> Option<String> {
    value_memo().get(&value_key(n))
}

/// What is known of a number whose result was computed.
#[derive(Clone, Copy, PartialEq)]
enum Known {
    Stored,
    /// A removal had begun.
    Either,
    Removed,
}

fn acknowledged_path() -> PathBuf {
    shared().join("acknowledged")
}

/// Reads what the processes that were killed have acknowledged.
fn acknowledged() -> BTreeMap<u32, Known> {
    let text = fs::read_to_string(acknowledged_path()).unwrap_or_default();
    let mut known = BTreeMap::new();
    for line in text.lines() {
        let (what, n) = line.split_once(' ').unwrap();
        let n = n.parse().unwrap();
        let now = match what {
            "computed" => Known::Stored,
            "removing" | "unknown" => Known::Either,
            "removed" => Known::Removed,
            other => panic!("unknown line {other}"),
        };
        let before = known.entry(n).or_insert(now);
        // Two processes may remove one number, and both report it late.
        if *before != Known::Removed && !(*before == Known::Either && now == Known::Stored) {
            *before = now;
        }
    }
    known
}

/// Says what was done, so that it is known after a kill.
fn acknowledge(what: &str, n: u32) {
    let mut out = std::io::stdout().lock();
    // If the parent is gone, the line is not needed.
    if writeln!(out, "\nack {what} {n}").and_then(|()| out.flush()).is_err() {
        std::process::exit(1);
    }
}

fn remove(n: u32) {
    acknowledge("removing", n);
    value_memo().invalidate(&value_key(n));
    acknowledge("removed", n);
}

/// Returns what may explain a failure.
fn describe() -> String {
    let memo = value_memo();
    let files = version_folders(&folder()).into_iter().flat_map(|path| path.read_dir().unwrap());
    let files: Vec<_> = files.map(|file| file.unwrap().file_name()).collect();
    format!("{:?} {:?} {:?} {files:?}", memo.health(), memo.damage(), memo.stats())
}

/// Checks what earlier processes left, then computes, removes and merges until it is killed. No number is computed
/// again after its removal.
fn work() {
    let worker: u32 = std::env::var(WORKER).unwrap().parse().unwrap();
    let known = acknowledged();
    // A part of them, for the test's sake. At the end all are checked.
    for (&n, state) in known.iter().filter(|(n, _)| *n % 4 == worker % 4) {
        match state {
            Known::Removed => assert!(found(n).is_none(), "{n} came back: {}", describe()),
            // Those that others remove may be removed meanwhile.
            Known::Stored if n % COMMON != 0 => {
                let is_found = found(n).is_some_and(|found| found == value_of(n));
                assert!(is_found, "{n} is lost, later {}: {}", found(n).is_some(), describe());
            }
            _ => {}
        }
    }
    let mut common =
        known.iter().filter(|(n, state)| **n % COMMON == 0 && **state == Known::Stored);
    for n in worker * SPAN.. {
        assert!(value(n) == value_of(n));
        // A process that cannot know what was removed lately takes the key for removed while it was computed. Then the
        // result is returned and not stored.
        if found(n).is_none() {
            acknowledge("unknown", n);
            continue;
        }
        acknowledge("computed", n);
        let done = n % SPAN;
        if done % 5 == 4 {
            remove(n - 3);
        }
        if done % 7 == 3
            && let Some((&n, _)) = common.nth(worker as usize % 3)
        {
            remove(n);
        }
        if done % 23 == worker % 23 {
            value_memo().snapshot().unwrap();
        }
    }
}

/// Checks all that was acknowledged, when no other process runs.
fn check() {
    for (n, state) in acknowledged() {
        match state {
            Known::Stored => {
                assert!(value(n) == value_of(n));
                assert_eq!(RUNS.load(Relaxed), 0, "{n} is lost: {}", describe());
            }
            Known::Removed => assert!(found(n).is_none(), "{n} came back: {}", describe()),
            Known::Either => {}
        }
    }
    let text = fs::read_to_string(acknowledged_path()).unwrap();
    let count = |what: &str| text.lines().filter(|line| line.starts_with(what)).count();
    assert!(count("unknown") * 100 <= count("computed"), "{} unknown", count("unknown"));
    value_memo().snapshot().unwrap();
    value_memo().health().unwrap();
    assert!(value_memo().damage().is_empty(), "{:?}", value_memo().damage());
}

/// A running process, and the lines that it acknowledged.
struct Worker {
    child: Child,
    lines: Receiver<String>,
    heard: Vec<String>,
}

impl Worker {
    fn start(processes: &Processes, number: usize) -> Self {
        let mut command = processes.command(0);
        command.env(WORKER, number.to_string()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if let Some(line) = line.strip_prefix("ack ") {
                    let _ = sender.send(line.to_owned());
                }
            }
        });
        Self { child, lines, heard: Vec::new() }
    }

    /// Waits until it has acknowledged `count` lines in all.
    fn hear(&mut self, count: usize) {
        while self.heard.len() < count {
            let line = self.lines.recv_timeout(LIMIT).expect("a process ended by itself, or hangs");
            self.heard.push(line);
        }
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
    }

    /// Returns all that it acknowledged before it was killed.
    fn rest(mut self) -> Vec<String> {
        assert_eq!(self.child.wait().unwrap().code(), None, "a process ended by itself");
        self.heard.extend(self.lines);
        self.heard
    }
}

/// Numbers that look random, the same in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end
    }
}

fn note(processes: &Processes, killed: Vec<Worker>) {
    let lines: Vec<String> = killed.into_iter().flat_map(Worker::rest).collect();
    let path = processes.shared.path().join("acknowledged");
    let mut file = fs::OpenOptions::new().append(true).create(true).open(path).unwrap();
    file.write_all(lines.iter().map(|line| format!("{line}\n")).collect::<String>().as_bytes())
        .unwrap();
}

/// Kills `count` processes in one folder, which is empty at first.
fn kills_in_a_row(processes: &Processes, random: &mut Random, count: usize) -> usize {
    let _ = fs::remove_dir_all(processes.shared.path().join("results"));
    let _ = fs::remove_file(processes.shared.path().join("acknowledged"));
    let mut workers: Vec<_> = (0..AT_ONCE).map(|n| Worker::start(processes, n)).collect();
    let (mut started, mut killed) = (AT_ONCE, 0);
    while killed < count {
        let end = if random.below(6) == 0 { AT_ONCE } else { 1 + random.below(2) };
        let mut dying: Vec<_> =
            (0..end).map(|_| workers.remove(random.below(workers.len()))).collect();
        let last = dying.len() - 1;
        dying[last].hear(1 + random.below(60));
        thread::sleep(Duration::from_micros(random.below(3000) as u64));
        dying.iter_mut().for_each(Worker::kill);
        killed += dying.len();
        note(processes, dying);
        while workers.len() < AT_ONCE {
            workers.push(Worker::start(processes, started));
            started += 1;
        }
    }
    workers.iter_mut().for_each(Worker::kill);
    killed += workers.len();
    note(processes, workers);
    let folders = version_folders(&processes.shared.path().join("results"));
    let names = folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap());
    let is_snapshot = |name: std::ffi::OsString| name.as_encoded_bytes().starts_with(b"snap-");
    assert!(names.into_iter().any(|entry| is_snapshot(entry.unwrap().file_name())), "no snapshot");
    processes.run(1);
    killed
}

#[test]
fn what_four_processes_acknowledge_survives_kills_of_any_of_them() {
    let processes = processes!(work, check);
    let all = std::env::var("MEMOKIT_KILL_CYCLES").map_or(KILLS, |n| n.parse().unwrap());
    let (mut random, mut killed) = (Random(all as u64), 0);
    while killed < all {
        killed += kills_in_a_row(&processes, &mut random, IN_A_ROW.min(all - killed));
    }
    println!("{killed} processes were killed");
}

/// Appends a line to a file that processes share.
pub(crate) fn append(path: PathBuf, line: &str) {
    let mut file = fs::OpenOptions::new().append(true).create(true).open(path).unwrap();
    file.write_all(format!("{line}\n").as_bytes()).unwrap();
}

#[memoize(persist = folder(), durability = "os", wait_limit = "60s")]
fn slow(n: u32) -> u32 {
    append(shared().join("computed"), &n.to_string());
    thread::sleep(Duration::from_millis(10));
    n + 1
}

/// All want the same keys in the same order, so that they meet at each.
#[test]
fn eight_processes_compute_the_same_slow_keys_once() {
    let processes = processes!(|| {
        // They begin together.
        let _ = std::io::stdin().read_line(&mut String::new());
        (0..100).for_each(|n| assert_eq!(slow(n), n + 1));
        slow_memo().health().unwrap();
    });
    let start = || {
        let mut command = processes.command(0);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap()
    };
    let mut running: Vec<_> = (0..8).map(|_| start()).collect();
    running.iter_mut().for_each(|child| drop(child.stdin.take()));
    running.into_iter().for_each(|child| assert!(wait(child).success()));
    let computed = fs::read_to_string(processes.shared.path().join("computed")).unwrap();
    let mut numbers: Vec<u32> = computed.lines().map(|n| n.parse().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..100).collect::<Vec<_>>());
}
