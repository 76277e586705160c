//! What `persist` costs: insertions by durability beside memory alone, recovery, and a hit of what was recovered.

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::Instant;

use memokit::{Memo, memoize};

use crate::access::mix;
use crate::allocator;
use crate::compute::compute;

const ENTRIES: u64 = 1_000_000;
const FOLDER: &str = "MEMO_BENCH_FOLDER";

fn folder(name: &str) -> PathBuf {
    PathBuf::from(std::env::var_os(FOLDER).expect("set by the run")).join(name)
}

#[memoize]
fn in_memory(n: u64) -> u64 {
    compute(n)
}

#[memoize(persist = folder("none"), durability = "none")]
fn at_none(n: u64) -> u64 {
    compute(n)
}

#[memoize(persist = folder("os"), durability = "os")]
fn at_os(n: u64) -> u64 {
    compute(n)
}

#[memoize(persist = folder("interval"), durability = "interval")]
fn at_interval(n: u64) -> u64 {
    compute(n)
}

#[memoize(persist = folder("always"), durability = "always")]
fn at_always(n: u64) -> u64 {
    compute(n)
}

#[memoize(persist = folder("large"), durability = "os")]
fn large(n: u64) -> u64 {
    compute(n)
}

/// A way to compute and keep, and how many calls of it are enough.
struct Way {
    name: &'static str,
    call: fn(u64) -> u64,
    memo: fn() -> Memo<u64>,
    calls: u64,
}

const WAYS: [Way; 5] = [
    Way { name: "memory", call: in_memory, memo: in_memory_memo, calls: 100_000 },
    Way { name: "none", call: at_none, memo: at_none_memo, calls: 100_000 },
    Way { name: "os", call: at_os, memo: at_os_memo, calls: 100_000 },
    Way { name: "interval", call: at_interval, memo: at_interval_memo, calls: 100_000 },
    Way { name: "always", call: at_always, memo: at_always_memo, calls: 2_000 },
];

/// Runs everything in a folder for scratch that goes afterwards; `step` is what a child process is to do.
pub(crate) fn run(step: Option<&str>, quick: bool) -> Result<(), String> {
    match step {
        None => all(quick).map_err(|e| e.to_string()),
        Some("insert") => {
            insertions(quick);
            Ok(())
        }
        Some("fill") => {
            (0..if quick { 1000 } else { ENTRIES }).for_each(|n| _ = large(mix(n)));
            large_memo().snapshot().map_err(|e| e.to_string())
        }
        Some("fill-log") => {
            (0..if quick { 1000 } else { ENTRIES }).for_each(|n| _ = large(mix(n)));
            Ok(())
        }
        Some("recover") => {
            recover();
            Ok(())
        }
        Some(other) => Err(format!("`{other}` is no step of persist")),
    }
}

fn all(quick: bool) -> std::io::Result<()> {
    let scratch = std::env::temp_dir().join(format!("memo-bench-{}", std::process::id()));
    fs::create_dir_all(&scratch)?;
    let step = |step: &str| {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["persist", step]).env(FOLDER, &scratch);
        if quick {
            command.arg("--quick");
        }
        command.status()
    };
    let mut result = sync_of_a_record(&scratch, quick).and_then(|()| step("insert"));
    for fill in ["fill", "fill-log"] {
        result = result.and_then(|_| step(fill)).and_then(|_| {
            print!("recovery after {fill}: ");
            std::io::stdout().flush()?;
            step("recover")
        });
        let _ = fs::remove_dir_all(scratch.join("large"));
    }
    fs::remove_dir_all(&scratch)?;
    result.map(drop)
}

/// What the disk itself takes to append a record and make it durable.
fn sync_of_a_record(scratch: &std::path::Path, quick: bool) -> std::io::Result<()> {
    let mut file = File::create(scratch.join("plain"))?;
    let count = if quick { 5 } else { 500 };
    let mut times: Vec<u64> = Vec::new();
    for _ in 0..count {
        let began = Instant::now();
        file.write_all(&[1; 65])?;
        file.sync_data()?;
        times.push(nanos(began));
    }
    times.sort_unstable();
    println!("write and fdatasync of 65 bytes: {:.1} us", times[times.len() / 2] as f64 / 1e3);
    Ok(())
}

fn nanos(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// Misses of one thread, of two and of sixteen, in turns; the median of the rounds.
fn insertions(quick: bool) {
    println!("insertion, us a call by threads  {:>8} {:>8} {:>8}", 1, 2, 16);
    for way in &WAYS {
        let mut row = format!("{:<32}", way.name);
        for threads in [1, 2, 16] {
            let calls = if quick { 32 } else { way.calls };
            let mut rounds: Vec<f64> =
                (0..if quick { 1 } else { 5 }).map(|_| round(way, threads, calls)).collect();
            rounds.sort_unstable_by(f64::total_cmp);
            row += &format!(" {:>8.2}", rounds[rounds.len() / 2]);
        }
        println!("{row}");
    }
    hits();
}

/// Wall time by call, in microseconds.
fn round(way: &Way, threads: u64, calls: u64) -> f64 {
    (way.memo)().clear();
    let began = Instant::now();
    thread::scope(|scope| {
        for thread in 0..threads {
            scope.spawn(move || {
                (0..calls / threads).for_each(|n| _ = (way.call)(mix(n * threads + thread)));
            });
        }
    });
    nanos(began) as f64 / 1e3 / calls as f64
}

fn hits() {
    for way in [&WAYS[0], &WAYS[2]] {
        (0..1000).for_each(|n| _ = (way.call)(mix(n)));
        let mut rounds: Vec<u64> = (0..21)
            .map(|_| {
                let began = Instant::now();
                for _ in 0..100 {
                    (0..1000).for_each(|n| _ = std::hint::black_box((way.call)(mix(n))));
                }
                nanos(began)
            })
            .collect();
        rounds.sort_unstable();
        println!("hit, {}: {:.1} ns", way.name, rounds[10] as f64 / 1e5);
    }
}

fn recover() {
    allocator::start();
    let began = Instant::now();
    let entries = large_memo().stats().recovered;
    let took = nanos(began);
    let (peak, live) = (allocator::take_peak(), allocator::live());
    println!(
        "{entries} entries in {:.0} ms, {live} bytes held, {peak} at most ({:.2})",
        took as f64 / 1e6,
        peak as f64 / live as f64
    );
}
