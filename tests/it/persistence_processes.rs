//! Several processes share one folder, and a process flushes when it ends.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Instant;

use memokit::{Session, memoize};

use crate::support::{
    Processes, folder, processes, restarts, shared, version_folder, version_folders, wait,
};

static RUNS: AtomicU32 = AtomicU32::new(0);

#[memoize(persist = folder())]
fn answer(n: u32) -> String {
    RUNS.fetch_add(1, Relaxed);
    n.to_string()
}

/// Computes what all processes compute and one result of its own. Waits for the parent before and after.
fn contend() {
    let _ = std::io::stdin().read(&mut [0]);
    let own = std::process::id();
    assert_eq!((answer(7), answer(own)), ("7".into(), own.to_string()));
    let stored = answer_memo().try_init().and_then(|()| answer_memo().flush());
    println!("\nsays {}", stored.map_or_else(|e| e.to_string(), |()| own.to_string()));
    let _ = std::io::stdin().read(&mut [0]);
    assert_eq!(answer(8), "8");
}

struct Contender {
    child: Child,
    go: Option<ChildStdin>,
    lines: Box<dyn Iterator<Item = String>>,
}

impl Contender {
    fn start(processes: &Processes, step: usize) -> Self {
        let mut command = processes.command(step);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        Self { go: child.stdin.take(), child, lines: Box::new(lines) }
    }

    fn go(&mut self) {
        use std::io::Write;
        self.go.as_mut().unwrap().write_all(b"x").unwrap();
    }

    fn outcome(&mut self) -> String {
        let mut said =
            self.lines.by_ref().filter_map(|l| l.strip_prefix("says ").map(str::to_owned));
        said.next().expect("the contender reports an outcome")
    }

    fn finish(mut self) {
        drop(self.go.take());
        let rest: Vec<_> = self.lines.collect();
        assert!(wait(self.child).success(), "{rest:?}");
    }
}

#[test]
fn eight_processes_write_and_one_that_comes_when_another_is_killed() {
    fn come_later() {
        let began = Instant::now();
        answer_memo().try_init().unwrap();
        let took = began.elapsed();
        let owns = fs::read_to_string(shared().join("owns")).unwrap();
        let owns: Vec<u32> = owns.lines().map(|line| line.parse().unwrap()).collect();
        assert!(owns.iter().all(|own| answer(*own) == own.to_string()));
        assert_eq!((owns.len(), answer(7), RUNS.load(Relaxed)), (8, "7".into(), 0));
        // 100 ms suffice on an idle machine. Here other tests run at the same time.
        assert!(took.as_millis() < 1000, "{took:?}");
        println!("\nsays {}", took.as_micros());
    }
    let processes = processes!(contend, come_later);
    let mut contenders: Vec<_> = (0..8).map(|_| Contender::start(&processes, 0)).collect();
    contenders.iter_mut().for_each(Contender::go);
    let said: Vec<String> = contenders.iter_mut().map(Contender::outcome).collect();
    for (contender, said) in contenders.iter().zip(&said) {
        assert_eq!(*said, contender.child.id().to_string());
    }
    let mut killed = contenders.remove(3);
    killed.child.kill().unwrap();
    killed.child.wait().unwrap();
    fs::write(processes.shared.path().join("owns"), said.join("\n")).unwrap();
    let mut next = Contender::start(&processes, 1);
    println!("opened within {} us", next.outcome());
    next.finish();
    contenders.into_iter().for_each(Contender::finish);
}

#[cfg(target_os = "linux")]
#[test]
fn a_forked_child_opens_the_folder_itself() {
    restarts!(
        || {
            answer(1);
            // SAFETY: the child has only this thread, calls nothing that needs another thread, and does not return.
            let child = unsafe { libc::fork() };
            if child == 0 {
                let right = answer(1) == "1" && answer(2) == "2" && RUNS.load(Relaxed) == 2;
                let stored = answer_memo().health().is_ok() && answer_memo().flush().is_ok();
                // `_exit` and not `exit`: other exit handlers of this program do not expect a forked child.
                // SAFETY: `_exit` ends the process, whatever its state.
                unsafe { libc::_exit(i32::from(!(right && stored))) };
            }
            let mut status = -1;
            // SAFETY: `status` outlives the call.
            let waited = unsafe { libc::waitpid(child, &raw mut status, 0) };
            assert_eq!((waited, status), (child, 0));
            assert_eq!((answer(2), answer(3)), ("2".into(), "3".into()));
            assert_eq!(RUNS.load(Relaxed), 2, "the child's result is found");
            answer_memo().health().unwrap();
        },
        || {
            assert_eq!(answer_memo().stats().recovered, 3);
            (1..4).for_each(|n| assert_eq!(answer(n), n.to_string()));
            assert_eq!(RUNS.load(Relaxed), 0);
        },
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_forked_child_returns_nothing_that_was_removed_since() {
    use std::io::Write;
    use std::os::unix::net::UnixStream;
    restarts!(|| {
        answer(1);
        let (mut removed, mut go) = UnixStream::pair().unwrap();
        // SAFETY: as above.
        let child = unsafe { libc::fork() };
        if child == 0 {
            let told = go.read_exact(&mut [0]).is_ok();
            answer(1);
            // SAFETY: as above.
            unsafe { libc::_exit(i32::from(!(told && RUNS.load(Relaxed) == 2))) };
        }
        assert!(answer_memo().invalidate(&answer_key(1)));
        removed.write_all(&[0]).unwrap();
        let mut status = -1;
        // SAFETY: `status` outlives the call.
        let waited = unsafe { libc::waitpid(child, &raw mut status, 0) };
        assert_eq!((waited, status), (child, 0));
    });
}

/// Forks, and returns the id of the child, in which `f` runs.
#[cfg(target_os = "linux")]
fn fork(f: impl FnOnce()) -> i32 {
    // SAFETY: the child has only this thread, and does not return.
    let child = unsafe { libc::fork() };
    if child == 0 {
        f();
        // SAFETY: `_exit` ends the process, whatever its state.
        unsafe { libc::_exit(1) };
    }
    child
}

/// Returns whether a process holds a lock in the only folder of results.
#[cfg(target_os = "linux")]
fn is_locked(results: &std::path::Path) -> bool {
    use std::os::fd::AsRawFd;
    let file = fs::File::open(version_folders(results).remove(0).join("LOCK")).unwrap();
    // SAFETY: zeros are valid for integers.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    // All bytes of the file.
    lock.l_type = libc::F_WRLCK.try_into().unwrap();
    lock.l_whence = libc::SEEK_SET.try_into().unwrap();
    // SAFETY: the file is open, and the command reads and writes one `flock`.
    assert_eq!(unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_GETLK, &raw mut lock) }, 0);
    i32::from(lock.l_type) != libc::F_UNLCK
}

#[cfg(target_os = "linux")]
#[test]
fn a_child_does_not_hold_the_locks_of_a_parent_that_was_killed() {
    fn parent() {
        assert_eq!(answer(1), "1");
        let child = fork(|| {
            // It has let go of the locks by now.
            println!("\nsays forked");
            let _ = std::io::stdin().read(&mut [0]);
        });
        assert!(child > 0);
        let _ = std::io::stdin().read(&mut [0; 2]);
    }
    let processes = processes!(parent);
    let results = processes.shared.path().join("results");
    let mut parent = Contender::start(&processes, 0);
    assert_eq!(parent.outcome(), "forked");
    assert!(is_locked(&results));
    parent.child.kill().unwrap();
    parent.child.wait().unwrap();
    // The child lives until `parent` closes the pipe.
    assert!(!is_locked(&results));
    drop(parent);
}

#[cfg(target_os = "linux")]
#[test]
fn a_forked_child_that_calls_exit_flushes() {
    fn forks() {
        deferred(1);
        let child = fork(|| {
            deferred(2);
            std::process::exit(0);
        });
        let mut status = -1;
        // SAFETY: `status` outlives the call.
        let waited = unsafe { libc::waitpid(child, &raw mut status, 0) };
        assert_eq!((waited, status), (child, 0));
    }
    restarts!(forks, || {
        assert_eq!((deferred(1), deferred(2), RUNS.load(Relaxed)), (1, 2, 0));
    });
}

#[memoize(persist = shared().join("deferred"), durability = "none")]
fn deferred(n: u32) -> u32 {
    RUNS.fetch_add(1, Relaxed);
    n
}

fn check_deferred() {
    assert_eq!((deferred(1), RUNS.load(Relaxed)), (1, 0));
}

#[test]
fn a_process_that_ends_flushes() {
    restarts!(|| _ = deferred(1), check_deferred);
}

#[test]
fn a_process_that_calls_exit_flushes() {
    fn exits() {
        deferred(1);
        std::process::exit(0);
    }
    let processes = processes!(exits, check_deferred);
    assert!(wait(processes.command(0).stdout(Stdio::null()).spawn().unwrap()).success());
    processes.run(1);
}

#[test]
fn a_session_flushes_when_it_ends() {
    fn aborts() {
        {
            let _session = Session::new();
            deferred(1);
        }
        let session = Session::new();
        deferred(2);
        session.end().unwrap();
        deferred(3);
        std::process::abort();
    }
    let processes = processes!(aborts, || {
        assert_eq!((deferred(1), deferred(2), RUNS.load(Relaxed)), (1, 2, 0));
        assert_eq!(deferred_memo().get(&deferred_key(3)), None);
    });
    let mut command = processes.command(0);
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    assert!(!wait(child).success());
    processes.run(1);
}

const LONG: usize = 20_000;
const HELD: u32 = 100;

#[memoize(persist = folder(), durability = "os", max = HELD as usize)]
fn churned(n: u32) -> String {
    format!("{n} {}", "x".repeat(LONG))
}

/// The size of the files is bounded by what the cache holds, however much passes through it.
#[test]
fn disk_usage_is_bounded_by_the_cached_entries() {
    fn churn() {
        let allowed = 2 * u64::from(HELD) * (LONG as u64 + 100) + (8 << 20);
        let mut most = 0;
        for n in 0..10_000 {
            churned(n);
            if n % 50 == 0 {
                let files = fs::read_dir(version_folder()).unwrap().map(Result::unwrap);
                // The file that a compaction is writing does not count, and neither do files that it has just removed.
                let counts = files.filter(|f| !f.file_name().as_encoded_bytes().ends_with(b".tmp"));
                most = most.max(counts.filter_map(|f| f.metadata().ok()).map(|m| m.len()).sum());
            }
        }
        assert!(most <= allowed, "{most} of {allowed} bytes");
        println!("at most {most} of {allowed} bytes, while 200 MB passed through the cache");
        churned_memo().clear();
    }
    restarts!(churn, || {
        assert_eq!(churned_memo().stats().recovered, 0);
        churned(1);
    });
}
