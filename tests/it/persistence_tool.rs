//! A tool that analyses one file for each process, as `xargs -P4` runs it. Some of the processes are killed.

use std::collections::BTreeMap;
use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use memokit::memoize;

use crate::persistence_crowd::append;
use crate::support::{Processes, folder, processes, run, shared};

const FILES: usize = 12;
const FILE: &str = "MEMOKIT_IT_FILE";
/// How many of a hundred processes are killed.
const KILLED: &str = "MEMOKIT_IT_KILLED";

/// Notes what this process does with a file.
fn note(what: &str, name: &str) {
    append(shared().join("notes"), &format!("{what} {name} {}", std::process::id()));
}

#[memoize(persist = folder(), wait_limit = "60s")]
fn analyse(name: &str, text: &str) -> (usize, usize) {
    note("began", name);
    thread::sleep(Duration::from_millis(8));
    (text.lines().count(), text.len())
}

/// Kills this process at a random moment, if it is one of those to kill.
fn kill_some() {
    let share: u64 = std::env::var(KILLED).unwrap().parse().unwrap();
    let nanos = std::time::UNIX_EPOCH.elapsed().unwrap().subsec_nanos();
    let mut random = u64::from(nanos ^ std::process::id()).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    random ^= random >> 32;
    if random % 100 < share {
        thread::spawn(move || {
            thread::sleep(Duration::from_micros((random >> 8) % 16_000));
            // SAFETY: kills this process.
            unsafe { libc::kill(libc::getpid(), libc::SIGKILL) };
        });
    }
}

fn tool() {
    kill_some();
    let name = std::env::var(FILE).unwrap();
    let text = fs::read_to_string(shared().join(&name)).unwrap();
    assert_eq!(analyse(&name, &text), (text.lines().count(), text.len()));
    analyse_memo().health().unwrap();
    note("returned", &name);
}

/// Runs the tool on each file twice, in four processes at a time.
fn run_on_all(processes: &Processes, killed: &str) {
    let tool = processes.command(0);
    let mut xargs = Command::new("xargs");
    // xargs ends when a command is killed. The shell is not.
    xargs.args(["-a", "list", "-P4", "-n1", "sh", "-c"]);
    xargs.arg(format!(r#"exe=$0; export {FILE}=$1; "$exe" $ARGUMENTS; true"#));
    xargs.arg(tool.get_program());
    let arguments: Vec<_> = tool.get_args().map(|a| a.to_str().unwrap()).collect();
    xargs.envs(tool.get_envs().filter_map(|(name, value)| Some((name, value?))));
    xargs.env("ARGUMENTS", arguments.join(" ")).env(KILLED, killed);
    xargs.current_dir(processes.shared.path()).stdin(Stdio::null());
    run(&mut xargs);
}

/// Returns the processes that began to compute each file, and whether their call returned.
fn computations(notes: &str) -> BTreeMap<&str, Vec<bool>> {
    let lines: Vec<Vec<&str>> = notes.lines().map(|line| line.split(' ').collect()).collect();
    let mut computations: BTreeMap<_, Vec<bool>> = BTreeMap::new();
    for line in lines.iter().filter(|line| line[0] == "began") {
        let returned = lines.iter().any(|l| l[0] == "returned" && l[1..] == line[1..]);
        computations.entry(line[1]).or_default().push(returned);
    }
    computations
}

#[test]
fn each_file_is_computed_once_though_processes_are_killed() {
    let processes = processes!(tool);
    let names: Vec<String> = (0..FILES).map(|n| format!("{n}.txt")).collect();
    for (n, name) in names.iter().enumerate() {
        fs::write(processes.shared.path().join(name), "line\n".repeat(n + 1)).unwrap();
    }
    let list: String = names.iter().map(|name| format!("{name}\n{name}\n")).collect();
    fs::write(processes.shared.path().join("list"), list).unwrap();
    for _ in 0..10 {
        run_on_all(&processes, "30");
    }
    run_on_all(&processes, "0");
    let notes = fs::read_to_string(processes.shared.path().join("notes")).unwrap();
    let computations = computations(&notes);
    assert_eq!(computations.len(), FILES);
    for (name, returned) in &computations {
        // Each but the last was killed before its call returned.
        let before = returned.split_last().unwrap().1;
        assert!(before.iter().all(|returned| !returned), "{name}: {returned:?}\n{notes}");
    }
    let all: usize = computations.values().map(Vec::len).sum();
    let returned = notes.lines().filter(|line| line.starts_with("returned")).count();
    let killed = 11 * 2 * FILES - returned;
    assert!(killed > 0, "no process was killed");
    println!("{killed} processes were killed, {} files computed again", all - FILES);
}
