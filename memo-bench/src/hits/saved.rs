//! The time of computations that hits save, where results cost unequal times to compute.

use super::by_cost::Functions;
use super::costs::{self, Costs};
use super::trace::Trace;
use super::{PERCENT, greedy_dual, lru, trace};
use crate::command::Plan;
use crate::report::{Cell, Column, Table};

/// By costs that are not equal, `policy = "cost"` saves so many times what LRU saves, on the mean of the traces that are
/// read.
const GAIN: f64 = 1.3;
/// By equal costs it saves at least this part of what LRU saves, on each trace at each capacity.
const LOSS: f64 = 0.97;

const COLUMNS: [Column; 7] = [
    Column("costs", 10, 0),
    Column("trace", 14, 0),
    Column("percent", 7, 0),
    Column("LRU", 8, 4),
    Column("GreedyDual", 10, 4),
    Column("memokit", 8, 4),
    Column("ratio", 8, 2),
];

/// What LRU and `policy = "cost"` save, as parts of the time that all requests would take.
struct Saved {
    by_recency: f64,
    by_cost: f64,
}

/// Shows what part of the time each policy saves. Fails if `policy = "cost"` breaks its bounds.
pub(crate) fn run(plan: &Plan) -> Result<(), String> {
    let traces = trace::all(plan)?;
    let functions = traces.iter().map(|_| Functions::next(PERCENT.len()));
    let functions = functions.collect::<Result<Vec<_>, _>>()?;
    let mut table = Table::begin(plan.json, &COLUMNS);
    let mut failed = Vec::new();
    for costs in &costs::ALL {
        let mut all = Vec::new();
        for (trace, functions) in traces.iter().zip(&functions) {
            all.extend(saved(&mut table, costs, trace, functions));
        }
        let sum = |of: fn(&Saved) -> f64| all.iter().map(of).sum::<f64>();
        let mean = sum(|saved| saved.by_cost) / sum(|saved| saved.by_recency);
        eprintln!("{}: memokit saves {mean:.2} times what LRU saves", costs.name);
        let is_fine = match costs.is_equal() {
            true => all.iter().all(|saved| saved.by_cost >= LOSS * saved.by_recency),
            false => mean >= GAIN || traces.iter().any(|trace| trace.name == trace::DRAWN),
        };
        if !is_fine {
            failed.push(costs.name);
        }
    }
    match failed.is_empty() {
        true => Ok(()),
        false => Err(format!("memokit saves too little: {}", failed.join(", "))),
    }
}

/// Returns what is saved at each capacity.
fn saved(table: &mut Table, costs: &Costs, trace: &Trace, functions: &Functions) -> Vec<Saved> {
    let times = costs.draw(trace.ids);
    let sum = |ids: &mut dyn Iterator<Item = u32>| ids.map(|id| times[id as usize]).sum::<f64>();
    let all = sum(&mut trace.requests.iter().copied());
    let row = |(at, percent): (usize, usize)| {
        let capacity = (trace.ids * percent / 100).max(1);
        let by_recency = sum(&mut lru::hit_ids(trace, capacity)) / all;
        let simulated = greedy_dual::saved(trace, capacity, &times);
        let by_cost = functions.saved(at, trace, capacity, &times);
        let ratio = (by_recency > 0.0).then_some(by_cost / by_recency);
        let numbers = [percent as f64, by_recency, simulated, by_cost];
        let [percent, lru, greedy_dual, memokit] = numbers.map(Cell::Number);
        let name = trace.name.as_str().into();
        table.row(&[costs.name.into(), name, percent, lru, greedy_dual, memokit, ratio.into()]);
        Saved { by_recency, by_cost }
    };
    PERCENT.into_iter().enumerate().map(row).collect()
}
