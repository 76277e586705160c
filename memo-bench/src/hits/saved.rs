//! The time of computations that hits save, where results cost unequal times to compute.

use super::costs::{self, Costs};
use super::trace::Trace;
use super::{PERCENT, greedy_dual, lru, trace};
use crate::command::Plan;
use crate::report::{Cell, Column, Table};

/// By costs that are not equal, GreedyDual saves so many times what LRU saves, on the mean of the traces that are read.
const GAIN: f64 = 1.3;
/// By equal costs it saves at least this part of what LRU saves, on each trace at each capacity.
const LOSS: f64 = 0.97;

const COLUMNS: [Column; 6] = [
    Column("costs", 10, 0),
    Column("trace", 14, 0),
    Column("percent", 7, 0),
    Column("LRU", 8, 4),
    Column("GreedyDual", 10, 4),
    Column("ratio", 8, 2),
];

/// Shows what part of the time both policies save. Fails if GreedyDual breaks its bounds.
pub(crate) fn run(plan: &Plan) -> Result<(), String> {
    let traces = trace::all(plan)?;
    let mut table = Table::begin(plan.json, &COLUMNS);
    let mut failed = Vec::new();
    for costs in &costs::ALL {
        let pairs: Vec<_> =
            traces.iter().flat_map(|trace| pairs(&mut table, costs, trace)).collect();
        let [by_recency, by_cost] = [0, 1].map(|at| pairs.iter().map(|pair| pair[at]).sum::<f64>());
        let mean = by_cost / by_recency;
        eprintln!("{}: GreedyDual saves {mean:.2} times what LRU saves", costs.name);
        let is_fine = match costs.is_equal() {
            true => pairs.iter().all(|pair| pair[1] >= LOSS * pair[0]),
            false => mean >= GAIN || traces.iter().any(|trace| trace.name == trace::DRAWN),
        };
        if !is_fine {
            failed.push(costs.name);
        }
    }
    match failed.is_empty() {
        true => Ok(()),
        false => Err(format!("GreedyDual saves too little: {}", failed.join(", "))),
    }
}

/// Returns what LRU and GreedyDual save, at each capacity.
fn pairs(table: &mut Table, costs: &Costs, trace: &Trace) -> Vec<[f64; 2]> {
    let times = costs.draw(trace.ids);
    let sum = |ids: &mut dyn Iterator<Item = u32>| ids.map(|id| times[id as usize]).sum::<f64>();
    let all = sum(&mut trace.requests.iter().copied());
    let pair = |percent: usize| {
        let capacity = (trace.ids * percent / 100).max(1);
        let by_recency = sum(&mut lru::hit_ids(trace, capacity)) / all;
        let by_cost = greedy_dual::saved(trace, capacity, &times);
        let ratio = (by_recency > 0.0).then_some(by_cost / by_recency);
        let numbers = [percent as f64, by_recency, by_cost];
        let [percent, lru, greedy_dual] = numbers.map(Cell::Number);
        let name = trace.name.as_str().into();
        table.row(&[costs.name.into(), name, percent, lru, greedy_dual, ratio.into()]);
        [by_recency, by_cost]
    };
    PERCENT.into_iter().map(pair).collect()
}
