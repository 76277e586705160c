//! The samples that threads lose to each other, and what that does to the curve.

use memokit::{Advice, memoize};

use crate::access::{Access, mix};
use crate::command::Plan;
use crate::compute::compute;
use crate::hits::lru;
use crate::hits::trace::Trace;
use crate::report::{Column, Table};

const COLUMNS: [Column; 4] = [
    Column("requests", 14, 0),
    Column("threads", 7, 0),
    Column("lost", 8, 4),
    Column("largest error", 13, 4),
];

const KEYS: usize = 5000;

#[memoize(max = 10_000, advise)]
fn called<const CASE: usize>(n: u64) -> u64 {
    compute(n)
}

fn drawn(thread: usize, _: usize, calls: usize) -> Vec<u32> {
    Access::Zipf.order(KEYS, calls, 1 + thread as u64)
}

/// Each thread asks for keys of its own in turn.
fn cycled(thread: usize, threads: usize, calls: usize) -> Vec<u32> {
    let each = KEYS / threads;
    (0..calls).map(|at| u32::try_from(thread * each + at % each).unwrap_or(0)).collect()
}

fn advice<const CASE: usize>(
    threads: usize,
    order: fn(usize, usize, usize) -> Vec<u32>,
    calls: usize,
) -> Option<Advice> {
    std::thread::scope(|scope| {
        for thread in 0..threads {
            scope.spawn(move || {
                let order = order(thread, threads, calls / threads);
                order.iter().for_each(|at| _ = called::<CASE>(mix(u64::from(*at))));
            });
        }
    });
    called_memo::<CASE>().stats().advice
}

pub(super) fn run(plan: &Plan) {
    let calls = if plan.quick { 20_000 } else { 800_000 };
    let exact = |requests| lru::hit_ratios(&Trace { name: String::new(), requests, ids: KEYS });
    // All threads draw from the same keys, so one draws what all together do.
    let exact_drawn = exact(drawn(9, 1, calls));
    let exact_cycled = exact(cycled(0, 1, calls));
    let mut table = Table::begin(plan.json, &COLUMNS);
    let cases = [
        ("zipf", "1", advice::<0>(1, drawn, calls), &exact_drawn),
        ("zipf", "2", advice::<1>(2, drawn, calls), &exact_drawn),
        ("in turn", "1", advice::<2>(1, cycled, calls), &exact_cycled),
        ("in turn", "2", advice::<3>(2, cycled, calls), &exact_cycled),
    ];
    for (requests, threads, advice, exact) in cases {
        let Some(advice) = advice else { continue };
        let lost = advice.lost as f64 / (advice.lost + advice.sampled) as f64;
        // At the number of keys itself the order of the threads decides.
        let errors = (1..=45).map(|percent| KEYS * percent / 100);
        let errors = errors.map(|at| (advice.hit_ratio_at(at as u64) - exact[at]).abs());
        table.row(&[
            requests.into(),
            threads.into(),
            lost.into(),
            errors.fold(0.0, f64::max).into(),
        ]);
    }
}
