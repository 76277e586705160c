//! Measures `remote` with a server on this machine, beside clients of Redis that are used by hand.

mod by_hand;
#[cfg(feature = "engines")]
mod cached;
mod found;
#[cfg(feature = "engines")]
mod fred;
mod hits;
mod memoized;
mod misses;
mod server;
mod tasks;
mod throughput;
mod value;

use crate::cases::Case;
use crate::command::Plan;
use crate::compare::{COLUMNS, show};
use crate::measure;
use crate::report::Table;

use server::Server;

/// Runs all cases, if `redis-server` is installed.
pub(crate) fn run(plan: &Plan) -> Result<(), String> {
    let Some(server) = Server::start()? else {
        println!("skipped: redis-server is not installed");
        return Ok(());
    };
    server.announce();
    times(plan)?;
    throughput::run(plan)?;
    memoized::check()
}

/// Shows the cases in which each call waits for the one before.
fn times(plan: &Plan) -> Result<(), String> {
    let mut table = Table::begin(plan.json, &COLUMNS);
    for case in found::cases(plan.quick).into_iter().chain(misses::cases(plan.quick)) {
        one(&mut table, &case, plan)?;
    }
    // What is looked for is less than what one round differs from the next.
    one(&mut table, &hits::case(), &plan.with_usual_rounds(101))
}

fn one(table: &mut Table, case: &Case, plan: &Plan) -> Result<(), String> {
    if plan.wants(&case.name) {
        show(table, &case.name, &measure::measure(case, plan)?);
    }
    Ok(())
}
