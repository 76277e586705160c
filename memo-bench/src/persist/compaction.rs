//! The longest call while a folder of 2 GB is compacted.

use std::thread;
use std::time::Duration;

use memokit::memoize;

use super::directory;
use super::file::Records;
use super::opening::{millis, timed};
use super::results::{folder, made};
use crate::access::mix;
use crate::command::Plan;
use crate::compute::compute;

/// The results that fill the folder.
const LARGE: u64 = 32 << 10;

/// The first results fill the folder with 64 KiB each. Those that are inserted during the compaction are small.
#[memoize(persist = directory("compaction"), durability = "os")]
fn mixed(n: u64, is_large: bool) -> Vec<u8> {
    made(n, if is_large { 64 << 10 } else { 100 })
}

#[memoize]
fn in_memory(n: u64) -> u64 {
    compute(n)
}

pub(super) fn run(plan: &Plan) -> Result<(), String> {
    if plan.quick {
        println!("skipped: the compaction of 2 GB, in a quick run");
        return Ok(());
    }
    (0..LARGE).for_each(|n| _ = mixed(mix(n), true));
    // What the machine and its disk do to others: calls in memory, and writes of as many bytes to another file.
    let records = Records::create(&folder("beside"), 100);
    let (mut in_memory_longest, mut write_longest) = (Duration::ZERO, Duration::ZERO);
    let (mut longest, mut calls) = (Duration::ZERO, 0);
    let merged = thread::scope(|scope| {
        let merge = scope.spawn(|| {
            let mut merged = Ok(());
            let time = timed(|| merged = mixed_memo().snapshot());
            merged.map(|()| time)
        });
        while !merge.is_finished() {
            longest = longest.max(timed(|| mixed(mix(calls), false)));
            write_longest = write_longest.max(timed(|| records.append(&[0; 100])));
            in_memory_longest = in_memory_longest.max(timed(|| in_memory(calls % 1000)));
            calls += 1;
        }
        merge.join().expect("no panic")
    });
    println!(
        "2 GB compacted in {:.1} s, during {calls} insertions: longest call {:.1} ms, write alone {:.1} ms, in memory {:.1} \
         ms",
        merged.map_err(|e| e.to_string())?.as_secs_f64(),
        millis(longest),
        millis(write_longest),
        millis(in_memory_longest),
    );
    Ok(())
}
