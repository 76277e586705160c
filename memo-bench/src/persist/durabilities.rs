//! Insertions by durability and by number of threads, compared with a cache in memory and with the store on disk of
//! cached.

use std::fs::File;
use std::io::Write;
use std::sync::{LazyLock, Mutex};
use std::thread;
use std::time::Instant;

use memokit::memoize;

use super::{cached, directory};
use crate::access::mix;
use crate::compute::compute;
use crate::measure::median;

#[memoize]
fn in_memory(n: u64) -> u64 {
    compute(n)
}

#[memoize(persist = directory("none"), durability = "none")]
fn at_none(n: u64) -> u64 {
    compute(n)
}

#[memoize(persist = directory("os"), durability = "os")]
fn at_os(n: u64) -> u64 {
    compute(n)
}

#[memoize(persist = directory("interval"), durability = "interval")]
fn at_interval(n: u64) -> u64 {
    compute(n)
}

#[memoize(persist = directory("always"), durability = "always")]
fn at_always(n: u64) -> u64 {
    compute(n)
}

/// A way to compute and store results, with the number of calls in a round and the numbers of threads.
struct Variant {
    name: &'static str,
    call: fn(u64) -> u64,
    clear: fn(),
    calls: u64,
    threads: &'static [u64],
}

const fn variant(name: &'static str, call: fn(u64) -> u64, clear: fn(), calls: u64) -> Variant {
    Variant { name, call, clear, calls, threads: &[1, 2, 16] }
}

/// Appends a record and syncs the file, one record at a time, as a simple program does.
fn write_and_fdatasync(n: u64) -> u64 {
    static FILE: LazyLock<Mutex<File>> = LazyLock::new(|| {
        Mutex::new(File::create(directory("plain")).expect("the temporary directory exists"))
    });
    let mut file = FILE.lock().expect("no thread panics while it holds the lock");
    file.write_all(&[1; 65]).and_then(|()| file.sync_data()).expect("the file can be written");
    compute(n)
}

const VARIANTS: [Variant; 8] = [
    variant("memory", in_memory, || in_memory_memo().clear(), 100_000),
    variant("none", at_none, || at_none_memo().clear(), 100_000),
    variant("os", at_os, || at_os_memo().clear(), 100_000),
    variant("interval", at_interval, || at_interval_memo().clear(), 100_000),
    Variant { threads: &[1], ..variant("write and fdatasync", write_and_fdatasync, || (), 1_000) },
    variant("always", at_always, || at_always_memo().clear(), 4_000),
    Variant { threads: &[1], ..variant("cached, redb", cached::at_synced, || (), 300) },
    Variant {
        threads: &[1],
        ..variant("cached, redb unsynced", cached::at_unsynced, || (), 1_000)
    },
];

/// Measures misses on 1, 2 and 16 threads, in interleaved rounds. Shows the medians of the rounds, and the median ratio
/// of the throughput of `always` to that of one write and fdatasync for each record.
pub(super) fn run(quick: bool) {
    let columns: Vec<(&Variant, u64)> = VARIANTS
        .iter()
        .flat_map(|variant| variant.threads.iter().map(move |threads| (variant, *threads)))
        .collect();
    let mut rounds = vec![Vec::new(); columns.len()];
    for n in 0..if quick { 1 } else { 7 } {
        for ((variant, threads), times) in columns.iter().zip(&mut rounds) {
            let calls = if quick { 32 } else { variant.calls };
            times.push(round(variant, *threads, calls, (n * 16 + threads) * calls));
        }
    }
    println!("insertion, us per call by threads{:>8} {:>8} {:>8}", 1, 2, 16);
    let of = |name: &str, threads| {
        let at = columns.iter().position(|(variant, of)| (variant.name, *of) == (name, threads));
        &rounds[at.expect("it is one of the variants")]
    };
    for variant in &VARIANTS {
        let cells =
            variant.threads.iter().map(|threads| median(of(variant.name, *threads).clone()));
        let row: String = cells.map(|time| format!(" {time:>8.2}")).collect();
        println!("{:<32}{row}", variant.name);
    }
    for threads in [1, 16] {
        let pairs = of("write and fdatasync", 1).iter().zip(of("always", threads));
        let ratio = median(pairs.map(|(plain, always)| plain / always).collect());
        println!(
            "throughput of always on {threads} thread(s), divided by that of write and fdatasync: {ratio:.2}"
        );
    }
    hits(quick);
}

/// Returns the wall time per call, in microseconds. The keys start at number `first` and were never requested before.
fn round(variant: &Variant, threads: u64, calls: u64, first: u64) -> f64 {
    (variant.clear)();
    let began = Instant::now();
    thread::scope(|scope| {
        for thread in 0..threads {
            scope.spawn(move || {
                let keys = (0..calls / threads).map(|n| mix(first + n * threads + thread));
                keys.for_each(|key| _ = (variant.call)(key));
            });
        }
    });
    began.elapsed().as_nanos() as f64 / 1e3 / calls as f64
}

fn hits(quick: bool) {
    for variant in [&VARIANTS[0], &VARIANTS[2], &VARIANTS[7]] {
        let count = if quick { 32 } else { 1000 };
        (0..count).for_each(|n| _ = (variant.call)(mix(n)));
        let times = if variant.threads.len() > 1 { 100 } else { 1 };
        let rounds: Vec<f64> = (0..21)
            .map(|_| {
                let began = Instant::now();
                for _ in 0..times {
                    (0..count).for_each(|n| _ = std::hint::black_box((variant.call)(mix(n))));
                }
                began.elapsed().as_nanos() as f64
            })
            .collect();
        println!("hit, {}: {:.1} ns", variant.name, median(rounds) / (count * times) as f64);
    }
}
