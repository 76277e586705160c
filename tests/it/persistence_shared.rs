//! Several processes use one folder at once: each finds what the others store, and none serves what another removed.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::thread::{self, sleep};
use std::time::Duration;

use memokit::memoize;

use crate::support::{
    Processes, folder, processes, remove_folder, shared, version_folders, wait, wait_until,
};

static RUNS: AtomicU32 = AtomicU32::new(0);

/// Returns a value that tells which process computed it, and how many that had computed before.
fn computed(n: u32) -> String {
    format!("{n} by {} {}", std::process::id(), RUNS.fetch_add(1, Relaxed))
}

#[memoize(persist = folder(), durability = "os", wait_limit = "60s")]
fn value(n: u32) -> String {
    computed(n)
}

/// Computes a value when the file `gate` exists.
#[memoize(persist = folder(), durability = "os")]
fn gated(n: u32) -> String {
    fs::write(shared().join("computing"), "").unwrap();
    wait_until("the gate is open", || shared().join("gate").exists());
    computed(n)
}

static IS_ARMED: AtomicBool = AtomicBool::new(false);

/// A value whose `Drop` invalidates another one.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Armed(String);

impl Drop for Armed {
    fn drop(&mut self) {
        if IS_ARMED.swap(false, Relaxed) {
            value_memo().invalidate(&value_key(1));
        }
    }
}

#[memoize(persist = folder(), durability = "os")]
fn armed(n: u32) -> Armed {
    Armed(computed(n))
}

/// Does what the parent says line by line, and prints the result of each.
fn obey() {
    let mut running = None;
    for line in std::io::stdin().lines() {
        let line = line.unwrap();
        let (command, argument) = line.split_once(' ').unwrap_or((&line, "0"));
        let n: u32 = argument.parse().unwrap();
        let memo = value_memo();
        let said = match command {
            "call" => value(n),
            "get" => memo.get(&value_key(n)).unwrap_or_else(|| "nothing".to_owned()),
            "refresh" => memokit::refresh(|| value(n)),
            "insert" => memo.insert(&value_key(n), "inserted".to_owned()).to_string(),
            "invalidate" => memo.invalidate(&value_key(n)).to_string(),
            "reject" => format!("{:?}", memo.retain(|key, _| *key != value_key(n))),
            "clear" => format!("{:?}", memo.clear()),
            "snapshot" => format!("{:?}", memo.snapshot()),
            "flush" => format!("{:?}", memo.flush()),
            "health" => format!("{:?}", memo.health()),
            "begin" => {
                running = Some(thread::spawn(move || gated(n)));
                "begun".to_owned()
            }
            "end" => running.take().unwrap().join().unwrap(),
            "gated" => gated(n),
            "armed" => armed(n).0.clone(),
            "invalidate_armed" => armed_memo().invalidate(&armed_key(n)).to_string(),
            "arm" => IS_ARMED.swap(true, Relaxed).to_string(),
            "invalidate_gated" => gated_memo().invalidate(&gated_key(n)).to_string(),
            "runs" => RUNS.load(Relaxed).to_string(),
            other => panic!("unknown command {other}"),
        };
        println!("\nsays {said}");
    }
}

/// A process that obeys.
pub(crate) struct Peer {
    child: Child,
    commands: Option<ChildStdin>,
    lines: Box<dyn Iterator<Item = String>>,
}

impl Peer {
    pub(crate) fn start(processes: &Processes) -> Self {
        let mut command = processes.command(0);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        Self { commands: child.stdin.take(), child, lines: Box::new(lines) }
    }

    fn tell(&mut self, command: &str) {
        writeln!(self.commands.as_mut().unwrap(), "{command}").unwrap();
    }

    #[track_caller]
    fn hear(&mut self) -> String {
        let mut said =
            self.lines.by_ref().filter_map(|l| l.strip_prefix("says ").map(str::to_owned));
        said.next().expect("the process says something")
    }

    #[track_caller]
    pub(crate) fn ask(&mut self, command: &str) -> String {
        self.tell(command);
        self.hear()
    }

    /// Asks for a value, and asserts that this process has computed it, now if `now` and else before.
    #[track_caller]
    fn assert_computes(&mut self, command: &str, now: bool) {
        let before = self.ask("runs");
        let said = self.ask(command);
        assert!(said.contains(&format!(" by {} ", self.child.id())), "{command}: {said}");
        assert_eq!(self.ask("runs") != before, now, "{command}: {said}");
    }

    /// Kills the process.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn finish(mut self) {
        drop(self.commands.take());
        let rest: Vec<_> = self.lines.collect();
        assert!(wait(self.child).success(), "{rest:?}");
    }
}

fn two_peers(processes: &Processes) -> [Peer; 2] {
    [Peer::start(processes), Peer::start(processes)]
}

#[test]
fn what_one_process_stores_another_finds_while_both_live() {
    let processes = processes!(obey);
    let [mut a, mut b] = two_peers(&processes);
    b.assert_computes("call 0", true);
    a.assert_computes("call 1", true);
    let stored = a.ask("call 1");
    assert_eq!((b.ask("get 1"), b.ask("call 1")), (stored.clone(), stored.clone()));
    assert_eq!(a.ask("call 0"), b.ask("call 0"));
    assert_eq!(a.ask("snapshot"), "Ok(())");
    a.assert_computes("call 2", true);
    assert_eq!((b.ask("call 2"), b.ask("call 1")), (a.ask("call 2"), stored.clone()));
    let mut late = Peer::start(&processes);
    assert_eq!((late.ask("call 1"), late.ask("runs")), (stored, "0".into()));
    [a, b, late].into_iter().for_each(Peer::finish);
}

/// Removes in one process, by `command`, what both have in memory. The other must see that at once, in a hit too.
#[track_caller]
fn check_removal(processes: &Processes, command: &str) {
    let [mut a, mut b] = two_peers(processes);
    a.ask("call 1");
    assert_eq!(b.ask("call 1"), a.ask("call 1"));
    a.ask(command);
    assert_eq!(b.ask("get 1"), "nothing");
    b.assert_computes("call 1", true);
    assert_eq!(a.ask("call 1"), b.ask("call 1"));
    // Now in a hit, without a look at the disk in between, and in the other direction.
    for _ in 0..3 {
        b.ask(command);
        a.assert_computes("call 1", true);
        assert_eq!(b.ask("call 1"), a.ask("call 1"));
        a.ask(command);
        b.assert_computes("call 1", true);
        assert_eq!(a.ask("call 1"), b.ask("call 1"));
    }
    let mut late = Peer::start(processes);
    assert_eq!(late.ask("call 1"), a.ask("call 1"));
    a.ask(command);
    late.assert_computes("call 1", true);
    [a, b, late].into_iter().for_each(Peer::finish);
}

#[test]
fn a_key_that_another_process_invalidates_is_computed_again() {
    check_removal(&processes!(obey), "invalidate 1");
}

#[test]
fn what_another_process_clears_is_computed_again() {
    check_removal(&processes!(obey), "clear");
}

#[test]
fn what_retain_rejects_in_another_process_is_computed_again() {
    check_removal(&processes!(obey), "reject 1");
}

#[test]
fn a_value_that_another_process_inserts_replaces_the_one_in_memory() {
    let processes = processes!(obey);
    let [mut a, mut b] = two_peers(&processes);
    a.ask("call 1");
    assert_eq!(b.ask("call 1"), a.ask("call 1"));
    assert_eq!(a.ask("insert 1"), "true");
    assert_eq!((b.ask("call 1"), b.ask("get 1")), ("inserted".into(), "inserted".into()));
    assert_eq!(b.ask("invalidate 1"), "true");
    a.assert_computes("call 1", true);
    assert_eq!(a.ask("insert 1"), "true");
    assert_eq!(b.ask("get 1"), "inserted");
    [a, b].into_iter().for_each(Peer::finish);
}

#[test]
fn a_value_that_another_process_refreshes_replaces_the_one_in_memory() {
    let processes = processes!(obey);
    let [mut a, mut b] = two_peers(&processes);
    a.ask("call 1");
    let old = b.ask("call 1");
    assert_eq!(old, a.ask("call 1"));
    b.assert_computes("refresh 1", true);
    let new = b.ask("call 1");
    assert_ne!(new, old);
    assert_eq!((a.ask("call 1"), a.ask("get 1")), (new.clone(), new.clone()));
    a.assert_computes("refresh 1", true);
    assert_ne!(b.ask("call 1"), new);
    let mut late = Peer::start(&processes);
    assert_eq!((late.ask("call 1"), late.ask("runs")), (a.ask("call 1"), "0".into()));
    [a, b, late].into_iter().for_each(Peer::finish);
}

/// The result was computed from older data, and the process that computes it learns of the removal only at its end.
#[test]
fn a_result_that_another_process_invalidates_while_it_is_computed_is_not_kept() {
    let processes = processes!(obey);
    let [mut a, mut b] = two_peers(&processes);
    let file = |name: &str| processes.shared.path().join(name);
    b.ask("begin 1");
    wait_until("the computation runs", || file("computing").exists());
    // The folder is opened by the first that stores or locks something.
    a.ask("invalidate_gated 1");
    fs::write(file("gate"), "").unwrap();
    let old = b.ask("end");
    b.assert_computes("gated 1", true);
    assert_ne!(b.ask("gated 1"), old);
    assert_eq!(a.ask("gated 1"), b.ask("gated 1"));
    [a, b].into_iter().for_each(Peer::finish);
}

/// A process that has only read so far must not take the page of the new folder for that of the old one.
#[test]
fn processes_meet_in_a_folder_that_was_removed_and_created_again() {
    let processes = processes!(obey);
    let [mut a, mut b] = two_peers(&processes);
    a.ask("call 1");
    a.ask("call 2");
    let stored = (a.ask("call 1"), a.ask("call 2"));
    assert_eq!((b.ask("call 1"), b.ask("call 2")), stored.clone());
    remove_folder(&processes.shared.path().join("results"));
    assert_eq!(a.ask("snapshot"), "Ok(())");
    a.ask("invalidate 1");
    a.ask("call 5");
    b.assert_computes("call 6", true);
    b.assert_computes("call 1", true);
    assert_eq!((b.ask("call 2"), b.ask("call 5")), (stored.1, a.ask("call 5")));
    assert_eq!((a.ask("call 6"), a.ask("call 1")), (b.ask("call 6"), b.ask("call 1")));
    // Both write now.
    remove_folder(&processes.shared.path().join("results"));
    assert_eq!((a.ask("snapshot"), b.ask("snapshot")), ("Ok(())".into(), "Ok(())".into()));
    for n in [1, 2, 5, 6] {
        assert_eq!(b.ask(&format!("call {n}")), a.ask(&format!("call {n}")));
        a.ask(&format!("invalidate {n}"));
        b.assert_computes(&format!("call {n}"), true);
        assert_eq!(a.ask(&format!("call {n}")), b.ask(&format!("call {n}")));
    }
    [a, b].into_iter().for_each(Peer::finish);
}

/// Waits until a process says something else than `old`.
fn wait_for_change(peer: &mut Peer, command: &str, old: &str) -> String {
    let said = RefCell::new(String::new());
    let peer = RefCell::new(peer);
    wait_until("the process has noticed it", || {
        *said.borrow_mut() = peer.borrow_mut().ask(command);
        *said.borrow() != old
    });
    said.into_inner()
}

#[test]
fn a_process_that_only_reads_follows_into_a_folder_that_was_created_again() {
    let processes = processes!(obey);
    let [mut writer, mut reader] = two_peers(&processes);
    let old = writer.ask("call 1");
    assert_eq!(reader.ask("get 1"), old);
    remove_folder(&processes.shared.path().join("results"));
    writer.finish();
    let mut next = Peer::start(&processes);
    next.ask("insert 1");
    assert_eq!(wait_for_change(&mut reader, "get 1", &old), "inserted");
    assert_eq!(next.ask("invalidate 1"), "true");
    assert_eq!(reader.ask("get 1"), "nothing", "it follows the new one");
    [reader, next].into_iter().for_each(Peer::finish);
}

/// Removes the only files below the results whose names begin with `prefix`.
fn remove_files(processes: &Processes, prefix: &str) {
    let folders = version_folders(&processes.shared.path().join("results"));
    let files = folders.iter().flat_map(|folder| folder.read_dir().unwrap());
    let names = files.map(|file| file.unwrap().path());
    let begins = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().starts_with(prefix);
    let removed = names.filter(begins).map(|path| fs::remove_file(path).unwrap()).count();
    assert!(removed > 0);
}

/// A tidier of temporary files may remove any file alone.
#[test]
fn processes_meet_again_when_the_page_was_removed() {
    let processes = processes!(obey);
    let [mut a, mut b] = two_peers(&processes);
    a.ask("call 1");
    b.ask("call 2");
    remove_files(&processes, "STATE");
    for peer in [&mut a, &mut b] {
        wait_until_says(peer, "snapshot", "Ok(())");
    }
    let second = b.ask("call 2");
    assert_eq!(a.ask("call 2"), second);
    assert_eq!(a.ask("invalidate 2"), "true");
    b.assert_computes("call 2", true);
    let mut late = Peer::start(&processes);
    assert_eq!((late.ask("call 1"), late.ask("call 2")), (a.ask("call 1"), b.ask("call 2")));
    [a, b, late].into_iter().for_each(Peer::finish);
}

fn wait_until_says(peer: &mut Peer, command: &str, wanted: &str) {
    let peer = RefCell::new(peer);
    wait_until(wanted, || peer.borrow_mut().ask(command) == wanted);
}

#[test]
fn what_a_process_holds_in_memory_is_written_again_when_its_log_was_removed() {
    let processes = processes!(obey);
    let mut a = Peer::start(&processes);
    let values = (a.ask("call 1"), a.ask("call 2"));
    remove_files(&processes, "wal-");
    assert_eq!(a.ask("flush"), "Ok(())");
    let mut b = Peer::start(&processes);
    assert_eq!((b.ask("get 1"), b.ask("get 2")), values);
    remove_files(&processes, "wal-");
    assert_eq!(a.ask("invalidate 1"), "true");
    assert_eq!(b.ask("get 1"), "nothing");
    wait_until_says(&mut b, "get 2", &values.1);
    [a, b].into_iter().for_each(Peer::finish);
}

/// A `Drop` that runs because another process has removed the value uses memoized functions as any code does.
#[test]
fn the_drop_of_a_removed_value_removes_only_what_it_names() {
    let processes = processes!(obey);
    let [mut a, mut b] = two_peers(&processes);
    let second = (a.ask("call 1"), a.ask("call 2")).1;
    assert_eq!(a.ask("armed 1"), b.ask("armed 1"));
    assert_eq!(a.ask("invalidate_armed 1"), "true");
    b.ask("arm");
    b.assert_computes("armed 1", true);
    assert_eq!(b.ask("arm"), "false", "the value was dropped");
    assert_eq!(b.ask("get 2"), second);
    a.assert_computes("call 1", true);
    [a, b].into_iter().for_each(Peer::finish);
}

const KEYS: u32 = 144;

#[memoize(persist = folder(), durability = "os", wait_limit = "60s")]
fn counted(n: u32) -> String {
    sleep(Duration::from_millis(1));
    computed(n)
}

/// Calls all keys, in an order of its own, and stores what it got.
fn call_all() {
    let own = std::process::id();
    let step = [5, 7, 11, 13][own as usize % 4];
    let values: BTreeMap<u32, String> =
        (0..KEYS).map(|n| (own + n * step) % KEYS).map(|n| (n, counted(n))).collect();
    counted_memo().health().unwrap();
    let text: String = values.values().map(|value| format!("{value}\n")).collect();
    fs::write(shared().join(format!("got-{own}")), text).unwrap();
}

#[test]
fn four_processes_compute_each_key_once() {
    let processes = processes!(call_all, || {
        assert_eq!(counted_memo().stats().recovered, u64::from(KEYS));
        call_all();
        assert_eq!(RUNS.load(Relaxed), 0);
    });
    let start = || processes.command(0).stdout(Stdio::null()).spawn().unwrap();
    let running: Vec<_> = (0..4).map(|_| start()).collect();
    let ids: Vec<_> = running.iter().map(Child::id).collect();
    running.into_iter().for_each(|child| assert!(wait(child).success()));
    processes.run(1);
    let got = |name: String| fs::read_to_string(processes.shared.path().join(name)).unwrap();
    let values: Vec<_> = ids.iter().map(|id| got(format!("got-{id}"))).collect();
    assert!(values.windows(2).all(|pair| pair[0] == pair[1]), "{values:#?}");
    assert_eq!(values[0].lines().count(), KEYS as usize);
    // Each value has the number that its process gave it. Were one computed twice, a number would be missing.
    for id in ids {
        let by = values[0].lines().filter_map(|line| line.split_once(&format!(" by {id} ")));
        let mut numbers: Vec<usize> = by.map(|(_, number)| number.parse().unwrap()).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (0..numbers.len()).collect::<Vec<_>>());
    }
}

#[memoize(persist = folder(), durability = "os", max = 64)]
fn churned(n: u32) -> Vec<u32> {
    vec![n; 300 + n as usize % 700]
}

fn assert_right(n: u32) {
    assert_eq!(churned(n), vec![n; 300 + n as usize % 700]);
}

/// Calls, removes and merges until it is killed.
fn churn() {
    for round in 0.. {
        let n = std::process::id().wrapping_mul(2_654_435_761).wrapping_add(round * 7) % 500;
        assert_right(n);
        match round % 50 {
            10 => _ = churned_memo().invalidate(&churned_key(n)),
            20 => churned_memo().snapshot().unwrap(),
            _ => {}
        }
        if round == 100 {
            println!("\nsays ready");
        }
    }
}

#[test]
fn a_process_that_is_killed_leaves_the_others_right() {
    let processes = processes!(churn, || {
        for n in (0..500).chain(0..500) {
            assert_right(n);
        }
        churned_memo().health().unwrap();
        assert!(churned_memo().damage().is_empty(), "{:?}", churned_memo().damage());
        churned_memo().snapshot().unwrap();
    });
    let start = || {
        let mut child = processes.command(0).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        (child, lines)
    };
    let mut running: Vec<_> = (0..3).map(|_| start()).collect();
    for _ in 0..8 {
        let (mut child, mut lines) = running.remove(0);
        assert!(lines.any(|line| line == "says ready"));
        child.kill().unwrap();
        child.wait().unwrap();
        processes.run(1);
        running.push(start());
    }
    for (mut child, _) in running {
        assert_eq!(child.try_wait().unwrap(), None, "a process ended by itself");
        child.kill().unwrap();
        child.wait().unwrap();
    }
    processes.run(1);
}

/// Returns the files below `folder`, with what they hold.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let paths = version_folders(folder).into_iter().flat_map(|folder| folder.read_dir().unwrap());
    paths
        .map(|file| file.unwrap().path())
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect()
}

/// Lets the owner and others read what is below `path`, and nobody write.
fn make_read_only(path: &Path) {
    let is_dir = path.is_dir();
    if is_dir {
        path.read_dir().unwrap().for_each(|entry| make_read_only(&entry.unwrap().path()));
    }
    let mode = if is_dir { 0o555 } else { 0o444 };
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_folder_that_cannot_be_written_is_served_and_left_as_it_is() {
    fn read_only() {
        // SAFETY: changes the rights of this process, which runs nothing else.
        let has_rights = unsafe { libc::geteuid() == 0 && libc::setuid(65534) != 0 };
        if has_rights {
            println!("skipped, because the rights of root cannot be given up");
            return;
        }
        let before = files(&folder());
        let owner = fs::read_to_string(shared().join("owner")).unwrap();
        assert_eq!((value(1), value(2)), (format!("1 by {owner} 0"), format!("2 by {owner} 1")));
        let stats = value_memo().stats();
        assert_eq!((stats.recovered, stats.disk_hits, RUNS.load(Relaxed)), (3, 2, 0));
        value_memo().health().unwrap();
        let own = value(9);
        assert_eq!((value(9), value(3)), (own, format!("3 by {owner} 2")));
        assert!(value_memo().health().is_err() && value_memo().flush().is_err());
        // What cannot be removed on disk does not come back in this process.
        assert!(value_memo().invalidate(&value_key(1)));
        assert_eq!(value_memo().get(&value_key(1)), None);
        assert_ne!(value(1), format!("1 by {owner} 0"));
        assert!(value_memo().insert(&value_key(2), "inserted".to_owned()));
        assert_eq!(value(2), "inserted");
        assert_eq!(files(&folder()), before);
    }
    let processes = processes!(
        || {
            (1..4).for_each(|n| _ = value(n));
            fs::write(shared().join("owner"), std::process::id().to_string()).unwrap();
        },
        read_only
    );
    processes.run(0);
    let (shared, results) = (processes.shared.path(), processes.shared.path().join("results"));
    make_read_only(&results);
    fs::set_permissions(shared, fs::Permissions::from_mode(0o755)).unwrap();
    processes.run(1);
    for folder in version_folders(&results) {
        for dir in [folder.parent().unwrap(), &folder, &results] {
            fs::set_permissions(dir, fs::Permissions::from_mode(0o755)).unwrap();
        }
    }
}
