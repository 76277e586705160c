//! Callers of a slow source: whether they are served if they give up before it answers, and how long they wait while
//! results expire, with `spawn` and without, and what `spawn` adds to a miss.

mod impatient;
mod load;
mod misses;
mod server;

use crate::command::Plan;

pub(crate) fn run(plan: &Plan) -> Result<(), String> {
    if plan.wants("slow/impatient") {
        impatient::run(plan)?;
    }
    if plan.wants("slow/load") {
        load::run(plan)?;
    }
    if plan.wants("slow/miss") {
        misses::run(plan)?;
    }
    Ok(())
}
