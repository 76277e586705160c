//! A process is killed with SIGKILL: the next process finds every result that a call had returned, and nothing that was
//! removed.
//!
//! `MEMOKIT_KILL_CYCLES` sets how many processes to kill instead of [`CYCLES`].

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use memokit::{Key, Memo, memoize};

use crate::support::{Processes, folder, processes, shared, version_folders};

/// The number of processes that all tests with cycles kill together.
const CYCLES: usize = 300;
/// The number of processes in a row that use one folder.
const IN_A_ROW: usize = 6;

const THREADS: u32 = 4;

static RUNS: AtomicU32 = AtomicU32::new(0);

fn value(n: u32) -> String {
    format!("{n} {}", "x".repeat(n as usize % 700))
}

/// Returns a value so long that a few hundred of them outgrow a log.
fn long_value(n: u32) -> String {
    format!("{n} {}", "x".repeat(30_000 + n as usize % 700))
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

#[memoize(persist = folder(), durability = "os")]
fn compacting(n: u32) -> String {
    RUNS.fetch_add(1, Relaxed);
    long_value(n)
}

/// A function under test.
struct Subject<R: 'static> {
    call: fn(u32) -> R,
    key: fn(u32) -> Key,
    memo: fn() -> Memo<R>,
    value: fn(u32) -> R,
    /// A thread removes the result that it computed this many calls before.
    lag: u32,
}

/// Reports `what` to the parent, in a line of its own.
fn acknowledge(what: &str) {
    let mut out = std::io::stdout().lock();
    // If the parent is gone, the line is not needed.
    let _ = writeln!(out, "\nack {what}").and_then(|()| out.flush());
}

/// The state of a key according to what processes acknowledged before they were killed.
#[derive(Clone, Copy, PartialEq)]
enum State {
    Present,
    /// A removal was in progress, so the result may be present or not.
    Either,
    Removed,
}

/// Reads what all processes over this folder have acknowledged.
fn acknowledged(lag: u32) -> BTreeMap<u32, State> {
    let text = fs::read_to_string(shared().join("acknowledged")).unwrap_or_default();
    let mut states = BTreeMap::new();
    for line in text.lines() {
        let (what, n) = line.split_once(' ').unwrap();
        let n: u32 = n.parse().unwrap();
        if what == "removed" {
            states.insert(n, State::Removed);
            continue;
        }
        states.insert(n, State::Present);
        if let Some(state) = n.checked_sub(lag * THREADS).and_then(|old| states.get_mut(&old))
            && *state == State::Present
        {
            *state = State::Either;
        }
    }
    states
}

impl<R: PartialEq + std::fmt::Debug> Subject<R> {
    /// Checks what earlier processes acknowledged. Then computes, removes and acknowledges until the process is killed.
    fn run(&self) {
        let states = acknowledged(self.lag);
        for (&n, &state) in &states {
            match state {
                State::Present => assert_eq!((self.call)(n), (self.value)(n)),
                State::Removed => assert_eq!((self.memo)().get(&(self.key)(n)), None, "{n}"),
                State::Either => {}
            }
        }
        assert_eq!(RUNS.load(Relaxed), 0, "some of {} results were lost", states.len());
        // Results after the last acknowledged one may be present.
        let from = states.keys().next_back().map_or(0, |n| (n / THREADS + 2) * THREADS);
        thread::scope(|scope| {
            for thread in 0..THREADS {
                scope.spawn(move || self.work(from, thread));
            }
        });
    }

    fn work(&self, from: u32, thread: u32) {
        for n in (from + thread..).step_by(THREADS as usize) {
            assert_eq!((self.call)(n), (self.value)(n));
            acknowledge(&format!("computed {n}"));
            if let Some(old) = n.checked_sub(self.lag * THREADS).filter(|old| *old >= from) {
                assert!((self.memo)().invalidate(&(self.key)(old)));
                acknowledge(&format!("removed {old}"));
            }
        }
    }
}

/// Kills many processes, after different amounts of work. Each process checks what the ones before it left. Returns how
/// often a killed process left a snapshot.
fn cycles(processes: &Processes, share: usize) -> usize {
    let mut snapshots = 0;
    let all = std::env::var("MEMOKIT_KILL_CYCLES").map_or(CYCLES, |n| n.parse().unwrap());
    let cycles = (all * share).div_ceil(100);
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for cycle in 0..cycles {
        if cycle % IN_A_ROW == 0 {
            let _ = fs::remove_dir_all(processes.shared.path().join("results"));
            let _ = fs::remove_file(processes.shared.path().join("acknowledged"));
        }
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(cycle as u64 | 1);
        let count = [1, 7, 40, 150, 400][(random >> 40) as usize % 5];
        kill_after(processes, count, Duration::from_micros(random >> 54));
        let folders = version_folders(&processes.shared.path().join("results"));
        let mut names = folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap());
        let is_snapshot = |name: OsString| name.as_encoded_bytes().starts_with(b"snap-");
        snapshots += usize::from(names.any(|entry| is_snapshot(entry.unwrap().file_name())));
    }
    println!("{cycles} processes were killed, {snapshots} of them had written a snapshot");
    snapshots
}

macro_rules! kill_test {
    ($test:ident, $share:literal $(, $least:literal snapshots)?, $subject:expr) => {
        #[test]
        fn $test() {
            let processes = processes!(|| $subject.run());
            let _snapshots = cycles(&processes, $share);
            $(assert!(_snapshots >= $least, "{_snapshots}");)?
        }
    };
}

kill_test!(
    acknowledged_results_survive_with_default_durability,
    25,
    Subject { call: by_default, key: by_default_key, memo: by_default_memo, value, lag: 40 }
);

kill_test!(
    acknowledged_results_survive_with_durability_os,
    25,
    Subject { call: by_os, key: by_os_key, memo: by_os_memo, value: |n| Ok(value(n)), lag: 40 }
);

kill_test!(
    acknowledged_results_survive_with_durability_always,
    15,
    Subject { call: by_always, key: by_always_key, memo: by_always_memo, value, lag: 40 }
);

kill_test!(
    acknowledged_results_survive_compactions,
    35,
    Subject {
        call: compacting,
        key: compacting_key,
        memo: compacting_memo,
        value: long_value,
        lag: 30,
    }
);

/// Runs step 0 until it has acknowledged `count` times, and kills it. Appends everything that it acknowledged to a
/// file.
fn kill_after(processes: &Processes, count: usize, pause: Duration) {
    let mut command = processes.command(0);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let output = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut lines =
        output.map_while(Result::ok).filter_map(|line| Some(line.strip_prefix("ack ")?.to_owned()));
    let mut acknowledged: Vec<String> = lines.by_ref().take(count).collect();
    assert_eq!(acknowledged.len(), count, "the process ended by itself");
    thread::sleep(pause);
    kill(child);
    // Calls that it acknowledged between the last of these lines and the kill had returned too.
    acknowledged.extend(lines);
    let path = processes.shared.path().join("acknowledged");
    let mut file = fs::OpenOptions::new().append(true).create(true).open(path).unwrap();
    file.write_all((acknowledged.join("\n") + "\n").as_bytes()).unwrap();
}

fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

#[memoize(persist = folder(), durability = "os")]
fn endless(n: u32) -> u32 {
    RUNS.fetch_add(1, Relaxed);
    if n == 5 && !shared().join("acknowledged").exists() {
        acknowledge("computing 5");
        loop {
            thread::park();
        }
    }
    n + 1
}

#[test]
fn a_kill_while_computing_loses_only_that_result() {
    let processes = processes!(|| (0..6).for_each(|n| _ = endless(n)), || {
        let stats = endless_memo().stats();
        assert_eq!((stats.recovered, stats.discarded.len()), (5, 0), "{stats:?}");
        assert_eq!(endless_memo().get(&endless_key(5)), None);
        assert!((0..6).all(|n| endless(n) == n + 1));
        assert_eq!(RUNS.load(Relaxed), 1);
    });
    kill_after(&processes, 1, Duration::ZERO);
    processes.run(1);
}

#[test]
fn removals_that_returned_survive_a_kill() {
    let processes = processes!(
        || {
            (0..50).for_each(|n| _ = by_os(n));
            (0..50).step_by(2).for_each(|n| assert!(by_os_memo().invalidate(&by_os_key(n))));
            acknowledge("removed all");
            loop {
                thread::park();
            }
        },
        || {
            let kept = |n: u32| by_os_memo().get(&by_os_key(n)).is_some();
            assert!((0..50).all(|n| kept(n) == (n % 2 == 1)));
        }
    );
    kill_after(&processes, 1, Duration::ZERO);
    processes.run(1);
}
