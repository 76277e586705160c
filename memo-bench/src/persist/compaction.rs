//! The longest call while a folder of 2 GB is compacted.

use std::thread;
use std::time::Duration;

use memokit::memoize;

use super::directory;
use super::opening::{millis, timed};
use super::results::made;
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
    let mut filling = Duration::ZERO;
    for n in 0..LARGE {
        filling = filling.max(timed(|| mixed(mix(n), true)));
    }
    println!("longest call while 2 GB are inserted, 64 KiB each: {:.1} ms", millis(filling));
    let (mut longest, mut control, mut calls) = (Duration::ZERO, Duration::ZERO, 0);
    let merged = thread::scope(|scope| {
        let merge = scope.spawn(|| {
            let mut merged = Ok(());
            let time = timed(|| merged = mixed_memo().snapshot());
            merged.map(|()| time)
        });
        while !merge.is_finished() {
            longest = longest.max(timed(|| mixed(mix(calls), false)));
            control = control.max(timed(|| in_memory(calls % 1000)));
            calls += 1;
        }
        merge.join().expect("no panic")
    });
    println!(
        "2 GB compacted in {:.1} s, during {calls} insertions: longest call {:.1} ms, in memory {:.1} ms",
        merged.map_err(|e| e.to_string())?.as_secs_f64(),
        millis(longest),
        millis(control),
    );
    Ok(())
}
