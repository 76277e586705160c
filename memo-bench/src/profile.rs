//! Runs a loop of hits and nothing else, for tools that count instructions.

use std::hint::black_box;

use crate::access::Access;
use crate::cases;
use crate::contender::Contender;

const KEYS: usize = 1000;

pub(crate) fn run(kind: &str, contender: &str, calls: u64) -> Result<(), String> {
    let contenders =
        cases::kind(kind).ok_or(format!("unknown kind of key `{kind}`: see --help"))?(KEYS);
    let found = contenders.into_iter().find(|known| known.name == contender);
    let found = found.ok_or(format!("unknown contender `{contender}`: see --help"))?;
    let order = Access::Uniform.order(KEYS, KEYS, 1);
    black_box((found.run)(&Access::Once.order(KEYS, KEYS, 0)));
    (found.prepare)();
    let rounds = calls.div_ceil(KEYS as u64);
    let sum = measured_hits(&found, &order, rounds);
    println!("{} hits, sum {sum}", rounds * KEYS as u64);
    Ok(())
}

/// Profilers find this function by its name: `--toggle-collect='*measured_hits*'`.
#[inline(never)]
fn measured_hits(contender: &Contender, order: &[u32], rounds: u64) -> u64 {
    (0..rounds).fold(0, |sum: u64, _| sum.wrapping_add((contender.run)(order)))
}
