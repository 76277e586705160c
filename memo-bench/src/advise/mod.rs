//! What `advise` costs, and how far its curve is from the exact hit ratios.

mod cost;
mod error;
mod threads;

use crate::command::Plan;

/// Fails if a curve differs from the exact hit ratios by more than this.
const TOLERANCE: f64 = 0.02;

pub(crate) fn run(plan: &Plan) -> Result<(), String> {
    cost::run(plan);
    threads::run(plan);
    error::run(plan)
}
