//! The time of a hit with and without `advise`.

use std::hint::black_box;
use std::time::Instant;

use memokit::memoize;

use crate::access::{Access, mix};
use crate::command::Plan;
use crate::compute::compute;
use crate::kinds::advised::SAMPLED;
use crate::measure::median;
use crate::report::{Column, Table};

const COLUMNS: [Column; 4] =
    [Column("hit", 10, 0), Column("phase", 20, 0), Column("ns", 8, 1), Column("ratio", 8, 3)];

const KEYS: usize = 1000;

#[memoize(max = 2000)]
fn plain(n: u64) -> u64 {
    compute(n)
}

/// Defines a function for each round, because a function samples all calls only at first. (Not instances of a generic
/// one: finding the cache of an instance takes longer.)
macro_rules! functions {
    ($($name:ident)*) => {
        $(mod $name {
            use super::*;

            #[memoize(max = 2000, advise)]
            pub(super) fn call(n: u64) -> u64 {
                compute(n)
            }
        })*
        const ADVISED: [fn(u64) -> u64; 9] = [$($name::call),*];
    };
}

functions! { a b c d e f g h i }

pub(super) fn run(plan: &Plan) {
    let order = Access::Uniform.order(KEYS, KEYS, 1);
    let keys: Vec<u64> = order.iter().map(|at| mix(u64::from(*at))).collect();
    let calls = if plan.quick { 10_000 } else { SAMPLED };
    let (mut off, mut sampled, mut paused) = (Vec::new(), Vec::new(), Vec::new());
    for function in ADVISED.iter().take(plan.rounds(1, ADVISED.len())) {
        for function in [plain, *function] {
            keys.iter().for_each(|key| _ = function(*key));
        }
        off.push(nanos(&keys, calls, plain));
        sampled.push(nanos(&keys, calls, *function));
        off.push(nanos(&keys, calls, plain));
        paused.push(nanos(&keys, calls, *function));
    }
    let mut table = Table::begin(plan.json, &COLUMNS);
    let off = median(off);
    for (phase, times) in
        [("off", vec![off]), ("on, all are sampled", sampled), ("on, a pause", paused)]
    {
        let time = median(times);
        table.row(&["u64/1k".into(), phase.into(), time.into(), (time / off).into()]);
    }
}

/// Returns the nanoseconds of a call.
fn nanos(keys: &[u64], calls: usize, function: fn(u64) -> u64) -> f64 {
    let began = Instant::now();
    let mut sum = 0_u64;
    for at in 0..calls {
        sum = sum.wrapping_add(function(keys[at % keys.len()]));
    }
    black_box(sum);
    began.elapsed().as_nanos() as f64 / calls as f64
}
