//! A process is killed with SIGKILL: every result that a call had returned is there for the next.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread;

use memokit::memoize;

use crate::support::{Processes, folder, processes, shared};

static RUNS: AtomicU32 = AtomicU32::new(0);

fn value(n: u32) -> String {
    format!("{n} {}", "x".repeat(n as usize % 700))
}

#[memoize(persist = folder())]
fn by_default(n: u32) -> String {
    RUNS.fetch_add(1, Relaxed);
    value(n)
}

#[memoize(persist = folder(), durability = "os", max = 100_000)]
fn by_os(n: u32) -> Result<String, ()> {
    RUNS.fetch_add(1, Relaxed);
    Ok(value(n))
}

#[memoize(persist = folder(), durability = "always")]
fn by_always(n: u32) -> String {
    RUNS.fetch_add(1, Relaxed);
    value(n)
}

/// Tells the parent, in a line of its own.
fn acknowledge(what: u32) {
    let mut out = std::io::stdout().lock();
    // A parent that has gone needs nothing.
    let _ = writeln!(out, "\nack {what}").and_then(|()| out.flush());
}

/// Computes and acknowledges on two threads, from where earlier processes ended, until killed.
fn compute_for_ever(call: fn(u32) -> String) {
    let next = AtomicU32::new(acknowledged().into_iter().max().map_or(0, |n| n + 1));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let n = next.fetch_add(1, Relaxed);
                    assert_eq!(call(n), value(n));
                    acknowledge(n);
                }
            });
        }
    });
}

/// What all processes of this test together acknowledged before they were killed.
fn acknowledged() -> Vec<u32> {
    let text = fs::read_to_string(shared().join("acknowledged")).unwrap_or_default();
    text.lines().map(|line| line.parse().unwrap()).collect()
}

fn all_are_there(call: fn(u32) -> String) {
    let all = acknowledged();
    assert!(!all.is_empty());
    for &n in &all {
        assert_eq!(call(n), value(n));
    }
    assert_eq!(RUNS.load(Relaxed), 0, "of {} results some were lost", all.len());
}

/// Lets step 0 acknowledge `count` times and kills it; what was acknowledged until then goes to a file.
fn kill_after(processes: &Processes, count: usize) {
    let mut command = processes.command(0);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut told = lines.map_while(Result::ok).filter_map(|line| number(&line));
    let mut told_before: Vec<u32> = told.by_ref().take(count).collect();
    assert_eq!(told_before.len(), count, "it ended by itself");
    kill(child);
    // What it wrote before its death was returned before, too.
    told_before.extend(told);
    let path = processes.shared.path().join("acknowledged");
    let mut file = fs::OpenOptions::new().append(true).create(true).open(path).unwrap();
    told_before.iter().for_each(|n| writeln!(file, "{n}").unwrap());
}

fn number(line: &str) -> Option<u32> {
    line.strip_prefix("ack ")?.parse().ok()
}

fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

macro_rules! killed {
    ($test:ident, $call:expr, $counts:expr) => {
        #[test]
        fn $test() {
            let processes = processes!(|| compute_for_ever($call), || all_are_there($call));
            for count in $counts {
                kill_after(&processes, count);
                processes.run(1);
            }
        }
    };
}

killed!(acknowledged_results_survive_by_default, by_default, [1, 60, 300, 7, 150]);
killed!(acknowledged_results_survive_at_os, |n| by_os(n).unwrap(), [1, 60, 300, 7, 150]);
killed!(acknowledged_results_survive_at_always, by_always, [1, 30, 7]);

#[memoize(persist = folder(), durability = "os")]
fn endless(n: u32) -> u32 {
    RUNS.fetch_add(1, Relaxed);
    if n == 5 && acknowledged().is_empty() {
        acknowledge(n);
        loop {
            thread::park();
        }
    }
    n + 1
}

#[test]
fn killed_while_computing() {
    let processes = processes!(|| (0..6).for_each(|n| _ = endless(n)), || {
        let stats = endless_memo().stats();
        assert_eq!((stats.recovered, stats.discarded.len()), (5, 0), "{stats:?}");
        assert_eq!(endless_memo().get(&endless_key(5)), None);
        assert!((0..6).all(|n| endless(n) == n + 1));
        assert_eq!(RUNS.load(Relaxed), 1);
    });
    kill_after(&processes, 1);
    processes.run(1);
}

#[test]
fn removals_that_returned_survive() {
    let processes = processes!(
        || {
            (0..50).for_each(|n| _ = by_os(n));
            (0..50).step_by(2).for_each(|n| assert!(by_os_memo().invalidate(&by_os_key(n))));
            acknowledge(0);
            loop {
                thread::park();
            }
        },
        || {
            let kept = |n: u32| by_os_memo().get(&by_os_key(n)).is_some();
            assert!((0..50).all(|n| kept(n) == (n % 2 == 1)));
        }
    );
    kill_after(&processes, 1);
    processes.run(1);
}
