//! What `persist` costs: insertions by durability beside memory alone and a rival's store, recovery, and a hit of what
//! was recovered.

mod rival;

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::Instant;

use memokit::memoize;

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

/// A way to compute and keep, how many calls of it are enough, and on how many threads.
struct Way {
    name: &'static str,
    call: fn(u64) -> u64,
    clear: fn(),
    calls: u64,
    threads: &'static [u64],
}

const fn way(name: &'static str, call: fn(u64) -> u64, clear: fn(), calls: u64) -> Way {
    Way { name, call, clear, calls, threads: &[1, 2, 16] }
}

const WAYS: [Way; 7] = [
    way("memory", in_memory, || in_memory_memo().clear(), 100_000),
    way("none", at_none, || at_none_memo().clear(), 100_000),
    way("os", at_os, || at_os_memo().clear(), 100_000),
    way("interval", at_interval, || at_interval_memo().clear(), 100_000),
    way("always", at_always, || at_always_memo().clear(), 4_000),
    Way { threads: &[1], ..way("cached, redb", rival::at_synced, || (), 300) },
    Way { threads: &[1], ..way("cached, redb unsynced", rival::at_unsynced, || (), 1_000) },
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
        let mut begun = 0;
        for &threads in way.threads {
            let calls = if quick { 32 } else { way.calls };
            let rounds = (0..if quick { 1 } else { 5 }).map(|_| {
                begun += calls;
                round(way, threads, calls, begun)
            });
            let mut rounds: Vec<f64> = rounds.collect();
            rounds.sort_unstable_by(f64::total_cmp);
            row += &format!(" {:>8.2}", rounds[rounds.len() / 2]);
        }
        println!("{row}");
    }
    hits(quick);
}

/// Wall time by call, in microseconds; of keys from `first` on, which nobody asked for before.
fn round(way: &Way, threads: u64, calls: u64, first: u64) -> f64 {
    (way.clear)();
    let began = Instant::now();
    thread::scope(|scope| {
        for thread in 0..threads {
            scope.spawn(move || {
                let keys = (0..calls / threads).map(|n| mix(first + n * threads + thread));
                keys.for_each(|key| _ = (way.call)(key));
            });
        }
    });
    nanos(began) as f64 / 1e3 / calls as f64
}

fn hits(quick: bool) {
    for way in [&WAYS[0], &WAYS[2], &WAYS[6]] {
        let count = if quick { 32 } else { 1000 };
        (0..count).for_each(|n| _ = (way.call)(mix(n)));
        let times = if way.threads.len() > 1 { 100 } else { 1 };
        let mut rounds: Vec<u64> = (0..21)
            .map(|_| {
                let began = Instant::now();
                for _ in 0..times {
                    (0..count).for_each(|n| _ = std::hint::black_box((way.call)(mix(n))));
                }
                nanos(began)
            })
            .collect();
        rounds.sort_unstable();
        println!("hit, {}: {:.1} ns", way.name, rounds[10] as f64 / (count * times) as f64);
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
