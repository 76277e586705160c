//! Opens a folder of millions of small results: the time until the first hit, the memory, and hits on disk. Also the
//! longest call while they are inserted.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use memokit::memoize;

use super::child::{self, Step};
use super::{directory, results};
use crate::access::mix;
use crate::command::Plan;
use crate::compute::compute;
use crate::measure::median;

/// How many results the process that opens the folder holds.
const HELD: usize = 1000;

#[memoize(persist = directory("small"), durability = "os")]
fn small(n: u64) -> u64 {
    compute(n)
}

#[memoize]
fn in_memory(n: u64) -> u64 {
    compute(n)
}

pub(super) fn run(plan: &Plan) -> Result<(), String> {
    let sizes: &[u64] = if plan.quick { &[100_000] } else { &[3_000_000, 10_000_000] };
    for (at, entries) in sizes.iter().enumerate() {
        let folder = results::folder(&format!("opening-{at}"));
        let text = entries.to_string();
        let mut fill = Step::start(&folder, &["child-fill", &text])?;
        let [seconds, longest, control] = fill.numbers()?;
        fill.end()?;
        println!(
            "{entries} small results: inserted in {seconds:.1} s, longest call {longest:.2} ms, in memory {control:.2} ms"
        );
        opened("as left by the process", &folder, &text, plan)?;
        Step::start(&folder, &["child-snapshot"])?.end()?;
        opened("as a snapshot", &folder, &text, plan)?;
        fs::remove_dir_all(&folder).map_err(|e| e.to_string())?;
    }
    Ok(())
}

/// Shows medians of several processes that open the folder.
fn opened(what: &str, folder: &Path, entries: &str, plan: &Plan) -> Result<(), String> {
    let mut rounds = Vec::new();
    for _ in 0..plan.rounds(1, 7) {
        let mut open = Step::start(folder, &["child-open", entries])?;
        rounds.push(open.numbers::<6>()?);
        open.end()?;
    }
    let middle = |of: fn(&[f64; 6]) -> f64| median(rounds.iter().map(of).collect());
    println!(
        "  {what}: first hit after {:.2} ms, peak of memory {:.1} MB; further hits {:.2} us each, peak {:.1} MB",
        middle(|round| round[0]),
        middle(|round| round[1]),
        middle(|round| round[2]),
        middle(|round| round[3]),
    );
    let index = middle(|round| round[5]);
    if index > 0.0 {
        println!(
            "  the first hit took {:.3} of one read of the index ({:.2} ms, {index:.0} MB)",
            middle(|round| round[0] / round[4]),
            middle(|round| round[4]),
        );
    }
    Ok(())
}

/// In a child: inserts results. Prints the seconds, the longest call in milliseconds, and the longest of as many calls
/// in memory, which shows what other work on the machine does.
pub(super) fn fill(entries: &str) -> Result<(), String> {
    let entries: u64 = entries.parse().map_err(|_| "not a number")?;
    let (mut longest, mut control) = (Duration::ZERO, Duration::ZERO);
    let began = Instant::now();
    for n in 0..entries {
        longest = longest.max(timed(|| small(mix(n))));
        // Few keys: this is not to use memory.
        control = control.max(timed(|| in_memory(n % 1000)));
    }
    let seconds = began.elapsed().as_secs_f64();
    println!("{seconds} {} {}", millis(longest), millis(control));
    Ok(())
}

pub(super) fn timed<R>(call: impl FnOnce() -> R) -> Duration {
    let began = Instant::now();
    std::hint::black_box(call());
    began.elapsed()
}

pub(super) fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// In a child: writes a snapshot.
pub(super) fn snapshot() -> Result<(), String> {
    small_memo().snapshot().map_err(|e| e.to_string())
}

/// In a child: calls for results that are on disk. Prints the milliseconds of the first call and the peak of the memory
/// in megabytes, the microseconds of each further call and the peak with them, and the milliseconds of one read of the
/// index and its megabytes.
pub(super) fn open(entries: &str) -> Result<(), String> {
    let entries: u64 = entries.parse().map_err(|_| "not a number")?;
    let first = millis(timed(|| {
        small_memo().set_max(HELD);
        small(mix(0))
    }));
    let opened = child::peak_memory()?;
    let calls = entries / 10;
    let further = timed(|| (1..calls).for_each(|n| _ = small(mix(n * 10))));
    let peak = child::peak_memory()?;
    let stats = small_memo().stats();
    if (stats.disk_hits, stats.misses) != (calls, 0) {
        return Err(format!("{} results were on disk, {} not", stats.disk_hits, stats.misses));
    }
    let (read, bytes) = read_index(&directory("small")).map_err(|e| e.to_string())?;
    let further = further.as_secs_f64() * 1e6 / calls as f64;
    println!("{first} {opened} {further} {peak} {} {}", millis(read), bytes as f64 / 1e6);
    Ok(())
}

/// Reads the index of the snapshot from its beginning to its end, 64 KiB at a time. Returns the time and its length,
/// which are 0 if there is no snapshot.
fn read_index(folder: &Path) -> std::io::Result<(Duration, u64)> {
    let Some(snapshot) = snapshot_in(folder)? else { return Ok((Duration::ZERO, 0)) };
    let mut file = File::open(snapshot)?;
    // The footer, as docs/format.md describes it.
    let mut footer = [0; 88];
    file.seek(SeekFrom::End(-88))?;
    file.read_exact(&mut footer)?;
    let word = |at: usize| u64::from_le_bytes(footer[at..at + 8].try_into().expect("8 bytes"));
    let (offset, bytes) = (word(0), word(8) * 4096);
    let mut buffer = vec![0; 64 << 10];
    let began = Instant::now();
    file.seek(SeekFrom::Start(offset))?;
    let mut index = file.take(bytes);
    while index.read(&mut buffer)? > 0 {}
    Ok((began.elapsed(), bytes))
}

/// Returns the newest snapshot below `folder`.
fn snapshot_in(folder: &Path) -> std::io::Result<Option<PathBuf>> {
    let mut found = None;
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with("snap-") && !name.ends_with(".tmp") {
                found = found.max(Some(entry.path()));
            }
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    Ok(found)
}
