//! What a miss of an `async fn` costs: in its caller, with the body in a box, and with `spawn`.

use std::future::Future;
use std::hint::black_box;
use std::time::Instant;

use memokit::memoize;
use tokio::runtime::{Builder, Runtime};

use crate::access::mix;
use crate::command::Plan;
use crate::compute::compute;
use crate::measure::median;
use crate::report::{Column, Table};

const COLUMNS: [Column; 4] =
    [Column("case", 20, 0), Column("contender", 20, 0), Column("ns", 9, 1), Column("ratio", 7, 2)];

/// A body that is pending once, with some state.
async fn body<const SIZE: usize>(n: u64) -> u64 {
    let state = [n; SIZE];
    tokio::task::yield_now().await;
    compute(black_box(&state)[SIZE - 1])
}

/// Defines the contenders of a case, whose bodies have a state of `$size` words.
macro_rules! contenders {
    ($name:ident, $size:literal) => {
        mod $name {
            use super::*;

            #[memoize(max = 1000)]
            async fn in_caller(n: u64) -> u64 {
                body::<$size>(n).await
            }

            #[memoize(max = 1000)]
            async fn boxed(n: u64) -> u64 {
                Box::pin(body::<$size>(n)).await
            }

            #[memoize(max = 1000, spawn = tokio::spawn)]
            async fn spawned(n: u64) -> u64 {
                body::<$size>(n).await
            }

            pub(super) const ALL: [(&str, fn(&Runtime, u64, u64) -> f64); 3] = [
                ("in the caller", |runtime, first, count| nanos(runtime, first, count, in_caller)),
                ("body in a box", |runtime, first, count| nanos(runtime, first, count, boxed)),
                ("with spawn", |runtime, first, count| nanos(runtime, first, count, spawned)),
            ];
        }
    };
}

contenders!(small, 4);
contenders!(large, 256);

pub(super) fn run(plan: &Plan) -> Result<(), String> {
    let runtime = Builder::new_current_thread().build().map_err(|error| error.to_string())?;
    let mut table = Table::begin(plan.json, &COLUMNS);
    let count = if plan.quick { 1000 } else { 20_000 };
    for (case, contenders) in [("slow/miss/32", small::ALL), ("slow/miss/2048", large::ALL)] {
        let mut times = [const { Vec::new() }; 3];
        for round in 0..plan.rounds(3, 21) as u64 {
            for (at, (_, time)) in contenders.iter().enumerate() {
                times[at].push(time(&runtime, round * count, count));
            }
        }
        let times = times.map(median);
        for ((name, _), time) in contenders.iter().zip(times) {
            table.row(&[case.into(), (*name).into(), time.into(), (time / times[0]).into()]);
        }
    }
    Ok(())
}

/// Returns the nanoseconds of a call with a key that is new.
fn nanos<F>(runtime: &Runtime, first: u64, count: u64, call: impl Fn(u64) -> F) -> f64
where
    F: Future<Output = u64>,
{
    runtime.block_on(async {
        let began = Instant::now();
        for n in first..first + count {
            black_box(call(mix(n)).await);
        }
        began.elapsed().as_nanos() as f64 / count as f64
    })
}
