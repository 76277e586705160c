//! Power loss on a real file system, ext4 in a file: a shutdown without the journal while a process writes. And a full
//! disk.
//!
//! `MEMOKIT_POWER_LOSS=20 cargo test --release --test it power_loss`, as root on Linux, sets the number of cycles. The
//! tests mount and unmount a file of their own, and nothing else.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use memokit::{Key, Memo, memoize};

use crate::support::{FOLDER, Processes, folder, processes, shared, wait_until};

const CYCLES: &str = "MEMOKIT_POWER_LOSS";
/// With `interval`, results older than this are safe: one second, a sync, and time for a busy machine.
const WINDOW: Duration = Duration::from_secs(3);

/// More results than one process computes.
const STRIDE: u32 = 1_000_000;

fn value(n: u32) -> String {
    format!("{n} {}", "x".repeat(n as usize % 900))
}

#[memoize(persist = folder(), durability = "always")]
fn by_always(n: u32) -> String {
    value(n)
}

#[memoize(persist = folder())]
fn by_interval(n: u32) -> String {
    value(n)
}

struct Subject {
    call: fn(u32) -> String,
    key: fn(u32) -> Key,
    memo: fn() -> Memo<String>,
    pause: Duration,
}

const ALWAYS: Subject =
    Subject { call: by_always, key: by_always_key, memo: by_always_memo, pause: Duration::ZERO };
const INTERVAL: Subject = Subject {
    call: by_interval,
    key: by_interval_key,
    memo: by_interval_memo,
    pause: Duration::from_millis(1),
};

/// Reports whether this result is removed a little later.
fn is_removed_later(n: u32) -> bool {
    n % 7 == 5
}

/// Reads which calls and removals returned before the power failed: for each result, whether it is present.
fn acknowledged() -> BTreeMap<u32, bool> {
    let text = fs::read_to_string(shared().join("acknowledged")).unwrap_or_default();
    text.lines().map(|line| (line[1..].parse().unwrap(), line.starts_with('+'))).collect()
}

impl Subject {
    /// Computes and removes until the disk is gone. Acknowledges what returned while results were stored.
    fn work(&self) {
        let first = acknowledged().keys().map(|n| n / STRIDE + 1).max().unwrap_or(0) * STRIDE;
        let acknowledge = |sign, n| {
            if (self.memo)().health().is_ok() {
                println!("\nack {sign}{n}");
            }
        };
        for n in first.. {
            (self.call)(n);
            acknowledge('+', n);
            if let Some(old) =
                n.checked_sub(5).filter(|old| is_removed_later(*old) && *old >= first)
            {
                (self.memo)().invalidate(&(self.key)(old));
                acknowledge('-', old);
            }
            thread::sleep(self.pause);
        }
    }

    fn check(&self) {
        let acknowledged = acknowledged();
        for (&n, &present) in &acknowledged {
            let found = (self.memo)().get(&(self.key)(n));
            // Only an acknowledgement tells whether a removal came before the power failed.
            let may_be_gone = !present || is_removed_later(n);
            let right = found.map_or(may_be_gone, |found| present && found == value(n));
            assert!(right, "{n} of {}", acknowledged.len());
        }
        assert!((self.memo)().damage().is_empty(), "{:?}", (self.memo)().damage());
    }
}

/// An ext4 file system in a file.
struct Disk {
    image: PathBuf,
    place: PathBuf,
}

impl Disk {
    fn new(within: &Path) -> Result<Self, String> {
        let disk = Self { image: within.join("image"), place: within.join("disk") };
        fs::create_dir(&disk.place).map_err(|e| e.to_string())?;
        let image = File::create(&disk.image).and_then(|file| file.set_len(256 << 20));
        image.map_err(|e| e.to_string())?;
        run(Command::new("mkfs.ext4").args(["-q", "-m", "0"]).arg(&disk.image))?;
        disk.mount()?;
        Ok(disk)
    }

    fn mount(&self) -> Result<(), String> {
        run(Command::new("mount").args(["-o", "loop"]).arg(&self.image).arg(&self.place))
    }

    /// Shuts the file system down. Data that is not on the disk yet never reaches it.
    fn fail(&self) {
        // Linux's EXT4_IOC_SHUTDOWN.
        const SHUTDOWN: libc::Ioctl = 0x8004_587d_u32 as libc::Ioctl;
        let place = File::open(&self.place).unwrap();
        let without_journal = 2_u32;
        // SAFETY: the call reads only the number at this address, and the number outlives the call.
        let done = unsafe { libc::ioctl(place.as_raw_fd(), SHUTDOWN, &raw const without_journal) };
        assert_eq!(done, 0, "{}", std::io::Error::last_os_error());
    }

    fn unmount(&self) -> Result<(), String> {
        run(Command::new("umount").arg(&self.place))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = self.unmount();
    }
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|e| format!("{command:?}: {e}"))?;
    let printed = String::from_utf8_lossy(&output.stderr);
    if output.status.success() { Ok(()) } else { Err(format!("{command:?}: {printed}")) }
}

/// Returns the number of cycles, or the reason to skip the test.
fn cycles() -> Result<u32, String> {
    let cycles = std::env::var(CYCLES).map_err(|_| format!("{CYCLES} is not set"))?;
    // SAFETY: `geteuid` takes no arguments and cannot fail.
    if unsafe { libc::geteuid() } != 0 {
        return Err("the test needs root".to_owned());
    }
    cycles.parse().map_err(|_| format!("{CYCLES} is not a number"))
}

fn assert_loses_nothing(processes: &Processes, window: Duration) {
    let ready = cycles().and_then(|cycles| Ok((cycles, Disk::new(processes.shared.path())?)));
    let (cycles, disk) = match ready {
        Ok(ready) => ready,
        Err(reason) => return println!("skipped: {reason}"),
    };
    let mut acknowledged = Vec::new();
    for cycle in 0..cycles {
        let duration = window + Duration::from_millis(200 + u64::from(cycle * 37 % 400));
        acknowledged.extend(until_the_power_fails(processes, &disk, duration, window));
        disk.unmount().and_then(|()| disk.mount()).unwrap();
        fs::write(disk.place.join("acknowledged"), acknowledged.concat()).unwrap();
        let checked = processes.command(1).env(FOLDER, &disk.place).output().unwrap();
        let printed = String::from_utf8_lossy(&checked.stderr);
        assert!(checked.status.success(), "cycle {cycle}: {printed}");
    }
    println!("the power failed {cycles} times, {} changes were safe", acknowledged.len());
}

/// Runs a process until the power fails, and returns what it acknowledged at least `window` before.
fn until_the_power_fails(
    processes: &Processes,
    disk: &Disk,
    duration: Duration,
    window: Duration,
) -> Vec<String> {
    let mut command = processes.command(0);
    let mut child = command.env(FOLDER, &disk.place).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let reader = thread::spawn(move || {
        let lines = lines.map_while(Result::ok);
        let lines = lines.filter_map(|line| Some(line.strip_prefix("ack ")?.to_owned()));
        lines.map(|line| (Instant::now(), line)).collect::<Vec<_>>()
    });
    thread::sleep(duration);
    let failed = Instant::now();
    disk.fail();
    child.kill().unwrap();
    child.wait().unwrap();
    let mut lines = reader.join().unwrap();
    // A sync in progress while ext4 shuts down may succeed and leave nothing. Programs without memokit see that too.
    lines.pop();
    let safe = lines.into_iter().filter(|(at, _)| window.is_zero() || *at + window < failed);
    safe.map(|(_, line)| line + "\n").collect()
}

#[test]
fn durability_always_loses_nothing_on_power_loss() {
    let processes = processes!(|| ALWAYS.work(), || ALWAYS.check());
    assert_loses_nothing(&processes, Duration::ZERO);
}

#[test]
fn durability_interval_loses_at_most_the_window_on_power_loss() {
    let processes = processes!(|| INTERVAL.work(), || INTERVAL.check());
    assert_loses_nothing(&processes, WINDOW);
}

/// Fills the disk.
fn fill() {
    let mut file = File::create(shared().join("filler")).unwrap();
    for len in [1 << 20, 1 << 12, 1] {
        while file.write_all(&vec![1; len]).is_ok() {}
    }
    file.sync_all().unwrap();
}

#[test]
fn keys_removed_on_a_full_disk_stay_removed() {
    fn remove(n: u32) -> bool {
        by_interval_memo().invalidate(&by_interval_key(n))
    }
    let processes = processes!(
        || {
            (0..50).for_each(|n| _ = by_interval(n));
            fill();
            let full = (50..).find(|n| {
                by_interval(*n);
                by_interval_memo().health().is_err()
            });
            assert!(full.is_some() && remove(3) && by_interval_memo().flush().is_err());
            std::process::abort();
        },
        || {
            assert_eq!(by_interval_memo().get(&by_interval_key(3)), None);
            (0..50).for_each(|n| _ = by_interval(n));
            assert!(remove(4));
            fs::remove_file(shared().join("filler")).unwrap();
            wait_until("storing resumes", || by_interval_memo().flush().is_ok());
            std::process::abort();
        },
        || {
            let present = |n| by_interval_memo().get(&by_interval_key(n)).is_some();
            assert!((0..50).all(|n| present(n) == (n != 4)));
        }
    );
    let ready = cycles().and_then(|_| Disk::new(processes.shared.path()));
    let disk = match ready {
        Ok(disk) => disk,
        Err(reason) => return println!("skipped: {reason}"),
    };
    for step in 0..3 {
        let ended = processes.command(step).env(FOLDER, &disk.place).output().unwrap();
        let printed = String::from_utf8_lossy(&ended.stderr);
        assert!(!printed.contains("panicked"), "step {step}: {printed}");
        assert_eq!(ended.status.success(), step == 2, "step {step}: {printed}");
    }
}
