//! The error of the curve by trace, at capacities of 1 to 100 % of the ids.

use memokit::{Advice, memoize};

use super::TOLERANCE;
use crate::command::Plan;
use crate::compute::compute;
use crate::hits::lru;
use crate::hits::trace::{self, Trace};
use crate::report::{Column, Table};

const COLUMNS: [Column; 6] = [
    Column("trace", 14, 0),
    Column("", 1, 0),
    Column("sampled", 10, 0),
    Column("mean error", 10, 4),
    Column("largest", 8, 4),
    Column("at", 8, 0),
];

/// An instance for each trace. No bound is needed: the curve is that of all bounds.
#[memoize(advise)]
fn replayed<const TRACE: usize>(id: u64) -> u64 {
    compute(id)
}

fn replay<const TRACE: usize>(trace: &Trace) -> Option<Advice> {
    trace.requests.iter().for_each(|id| _ = replayed::<TRACE>(u64::from(*id)));
    let advice = replayed_memo::<TRACE>().stats().advice;
    replayed_memo::<TRACE>().clear();
    advice
}

const REPLAYS: [fn(&Trace) -> Option<Advice>; 8] = [
    replay::<0>,
    replay::<1>,
    replay::<2>,
    replay::<3>,
    replay::<4>,
    replay::<5>,
    replay::<6>,
    replay::<7>,
];

pub(super) fn run(plan: &Plan) -> Result<(), String> {
    let mut table = Table::begin(plan.json, &COLUMNS);
    let mut wrong = Vec::new();
    let traces = trace::all(plan)?;
    for (trace, replay) in traces.iter().zip(REPLAYS) {
        let advice = replay(trace).ok_or("a trace has too few requests for advice")?;
        let exact = lru::hit_ratios(trace);
        let error = |percent: usize| {
            let capacity = (trace.ids * percent / 100).max(1);
            ((advice.hit_ratio_at(capacity as u64) - exact[capacity]).abs(), capacity)
        };
        let errors: Vec<_> = (1..=100).map(error).collect();
        let mean = errors.iter().map(|(error, _)| error).sum::<f64>() / errors.len() as f64;
        let (largest, at) =
            errors.into_iter().max_by(|a, b| a.0.total_cmp(&b.0)).unwrap_or_default();
        let sampled = advice.sampled as f64;
        table.row(&[
            trace.name.as_str().into(),
            "".into(),
            sampled.into(),
            mean.into(),
            largest.into(),
            (at as f64).into(),
        ]);
        if largest > TOLERANCE {
            wrong.push(trace.name.as_str());
        }
    }
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(format!("the curve is off by more than {TOLERANCE}: {}", wrong.join(", "))),
    }
}
