//! A process is stopped with SIGSTOP where it holds something that others want: they go on, after a bounded time.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Instant;

use memokit::memoize;

use crate::persistence_crowd::append;
use crate::support::{LIMIT, Processes, folder, processes, shared, wait_until};

#[memoize(persist = folder(), durability = "os", wait_limit = "300ms")]
fn value(n: u32) -> String {
    append(shared().join("computed"), &format!("{n} {}", std::process::id()));
    if n == 1 && std::env::var_os("MEMOKIT_IT_STOPPED").is_some() {
        stop_here();
    }
    "x".repeat(2000)
}

fn stop_here() {
    // SAFETY: stops this process.
    unsafe { libc::raise(libc::SIGSTOP) };
}

/// A process that stops. It is killed at the end.
struct Stopped {
    /// It, or the strace that runs it.
    child: Child,
    id: i32,
}

impl Drop for Stopped {
    fn drop(&mut self) {
        // SAFETY: both are processes that this test has started and not waited for.
        unsafe { libc::kill(self.id, libc::SIGKILL) };
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Stopped {
    /// Runs a step that first says its id, and waits until it is stopped, by what `is_stopped` says of the id.
    fn start(mut command: Command, is_stopped: impl Fn(i32) -> bool) -> Self {
        command.env("MEMOKIT_IT_STOPPED", "1").stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let mut ids = lines.filter_map(|line| line.strip_prefix("id ")?.parse().ok());
        let id = ids.next().expect("it says its id");
        let stopped = Self { child, id };
        wait_until("it is stopped", || is_stopped(id));
        // The pipe stays open: it may write to it once it goes on.
        thread::spawn(move || ids.for_each(drop));
        stopped
    }

    fn resume(&self) {
        // SAFETY: the process is a child of this test.
        unsafe { libc::kill(self.id, libc::SIGCONT) };
    }
}

/// Returns whether a process that nobody traces is stopped.
fn is_stopped(id: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T'))
}

fn say_id() {
    println!("\nid {}", std::process::id());
}

/// Returns the command of a step under strace, which stops it at that call.
fn stopped_at_rename(processes: &Processes, step: usize, when: u32) -> Option<Command> {
    let has_strace = Command::new("strace").arg("-V").stdout(Stdio::null()).status();
    if !has_strace.is_ok_and(|status| status.success()) {
        println!("skipped, because there is no strace");
        return None;
    }
    let plain = processes.command(step);
    let mut command = Command::new("strace");
    command.arg("-f").arg("-o").arg(processes.shared.path().join("trace"));
    command.args(["-e", "trace=rename"]);
    command.arg(format!("--inject=rename:signal=SIGSTOP:when={when}"));
    command.arg(plain.get_program()).args(plain.get_args());
    command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    // So that no signal of the test's group reaches it.
    command.process_group(0);
    Some(command)
}

/// Runs a step until it is stopped at its call number `when` of `rename`, or returns `None` without strace.
fn start_stopped_at_rename(processes: &Processes, step: usize, when: u32) -> Option<Stopped> {
    let trace = processes.shared.path().join("trace");
    let says_stopped = |_| {
        fs::read_to_string(&trace).is_ok_and(|trace| trace.contains("--- stopped by SIGSTOP ---"))
    };
    Some(Stopped::start(stopped_at_rename(processes, step, when)?, says_stopped))
}

fn computed(processes: &Processes, n: u32) -> usize {
    let text = fs::read_to_string(processes.shared.path().join("computed")).unwrap_or_default();
    text.lines().filter(|line| line.starts_with(&format!("{n} "))).count()
}

/// Asserts that the others did not wait for long. Far more than they need, and less than for ever.
#[track_caller]
fn assert_bounded(began: Instant) {
    assert!(began.elapsed() < LIMIT / 2, "{:?}", began.elapsed());
}

#[test]
fn others_compute_what_a_stopped_process_computes() {
    let processes = processes!(
        || {
            // Others lock keys once they know that computations take long enough.
            say_id();
            value(1);
        },
        || {
            let began = Instant::now();
            assert_eq!(value(1).len(), 2000);
            assert_bounded(began);
            value_memo().health().unwrap();
        }
    );
    let stopped = Stopped::start(processes.command(0), is_stopped);
    assert_eq!(computed(&processes, 1), 1);
    processes.run(1);
    assert_eq!(computed(&processes, 1), 2);
    drop(stopped);
    processes.run(1);
    assert_eq!(computed(&processes, 1), 2, "it was stored");
}

/// Stores results, and begins its log with a snapshot before it, so that the first rename is that of the log and the
/// second that of the snapshot.
fn store_and_merge() {
    say_id();
    (10..20).for_each(|n| assert_eq!(value(n).len(), 2000));
    value_memo().snapshot().unwrap();
    value(20);
    value_memo().flush().unwrap();
    fs::write(shared().join("done"), "").unwrap();
}

#[test]
fn others_store_and_remove_while_a_process_is_stopped_within_a_merge() {
    fn others() {
        let began = Instant::now();
        (10..30).for_each(|n| assert_eq!(value(n).len(), 2000));
        assert!(value_memo().invalidate(&value_key(10)));
        // It leaves the merge to the other.
        value_memo().snapshot().unwrap();
        value_memo().flush().unwrap();
        value_memo().health().unwrap();
        assert_bounded(began);
    }
    let processes = processes!(store_and_merge, others, check_after);
    let Some(stopped) = start_stopped_at_rename(&processes, 0, 2) else { return };
    assert!(processes.shared.path().join("results").exists());
    processes.run(1);
    finish(&processes, &stopped);
}

#[test]
fn others_serve_from_memory_while_a_process_is_stopped_as_it_begins_a_log() {
    fn others() {
        let began = Instant::now();
        (10..30).for_each(|n| assert_eq!(value(n).len(), 2000));
        assert!(value_memo().health().is_err(), "the other holds the files");
        assert!(value_memo().invalidate(&value_key(10)));
        assert_bounded(began);
    }
    let processes = processes!(store_and_merge, others, check_after);
    let Some(stopped) = start_stopped_at_rename(&processes, 0, 1) else { return };
    processes.run(1);
    finish(&processes, &stopped);
}

/// What was stored by both is found, and nothing is damaged.
fn check_after() {
    let before = fs::read_to_string(shared().join("computed")).unwrap();
    (11..21).for_each(|n| assert_eq!(value(n).len(), 2000));
    assert_eq!(fs::read_to_string(shared().join("computed")).unwrap(), before);
    assert!(value_memo().damage().is_empty(), "{:?}", value_memo().damage());
    value_memo().health().unwrap();
}

fn finish(processes: &Processes, stopped: &Stopped) {
    let done: PathBuf = processes.shared.path().join("done");
    assert!(!done.exists());
    stopped.resume();
    wait_until("the stopped process goes on", || done.exists());
    processes.run(2);
}
