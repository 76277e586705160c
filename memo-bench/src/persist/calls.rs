//! Nanoseconds per call of one process: insertions at `os`, and hits of results that are on disk and not in memory.

use crate::access::Access;
use crate::cases::{Case, Contenders, Expected};
use crate::command::Plan;
use crate::compare::{COLUMNS, show};
use crate::measure;
use crate::report::Table;

use super::results;

pub(super) fn insertions(plan: &Plan) -> Result<(), String> {
    let cases = [
        case("insert/100 bytes", Expected::Misses, 20_000, results::insertions_of_bytes),
        case("insert/4 KiB", Expected::Misses, 4000, results::insertions_of_pages),
    ];
    measure(plan, &cases)
}

pub(super) fn hits(plan: &Plan) -> Result<(), String> {
    let cases = [
        case("hit/log/100 bytes", Expected::Hits, 100_000, results::hits_in_log),
        case("hit/snapshot/100 bytes", Expected::Hits, 100_000, results::hits_in_snapshot),
    ];
    let expected: u64 = cases.iter().filter(|case| plan.wants(&case.name)).map(|_| 1000).sum();
    measure(plan, &cases)?;
    // A few of the requests are for results that memory still has.
    match results::disk_hits() {
        found if found >= expected => Ok(()),
        found => Err(format!("only {found} hits found their result on disk")),
    }
}

fn case(name: &str, expected: Expected, calls: usize, contenders: Contenders) -> Case {
    let access = if expected == Expected::Hits { Access::Uniform } else { Access::Once };
    let name = name.to_owned();
    Case { name, keys: calls, access, threads: 1, calls, fill: calls, expected, contenders }
}

fn measure(plan: &Plan, cases: &[Case; 2]) -> Result<(), String> {
    let mut table = Table::begin(plan.json, &COLUMNS);
    for case in cases.iter().filter(|case| plan.wants(&case.name)) {
        show(&mut table, &case.name, &measure::measure(case, plan)?);
    }
    Ok(())
}
