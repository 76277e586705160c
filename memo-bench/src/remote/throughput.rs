//! Results that are in the tier and not in memory, sought by many tasks at once.

use std::sync::Arc;

use super::by_hand::OfTasks;
use super::found::{SMALL, seeking};
use super::tasks;
use super::value::number;
use crate::access::{Access, mix};
use crate::cases::{Case, Expected};
use crate::command::Plan;
use crate::contender::Contender;
use crate::measure::{self, Times};
use crate::report::{Column, Table};

const TASKS: usize = 64;
/// How many tasks make explicit pipelines: while the server answers one of them, the other reads.
const PIPELINES: usize = 2;

const COLUMNS: [Column; 6] = [
    Column("case", 32, 0),
    Column("contender", 20, 0),
    Column("calls/s", 9, 0),
    Column("min", 9, 0),
    Column("max", 9, 0),
    Column("ratio", 7, 2),
];

pub(super) fn run(plan: &Plan) -> Result<(), String> {
    let keys = if plan.quick { 4 * TASKS } else { 16 * TASKS };
    let case = Case {
        name: "tasks/100 bytes".to_owned(),
        keys,
        access: Access::Once,
        threads: 1,
        calls: if plan.quick { keys } else { 8 * keys },
        fill: keys,
        expected: Expected::Hits,
        contenders,
    };
    if !plan.wants(&case.name) {
        return Ok(());
    }
    show(&mut Table::begin(plan.json, &COLUMNS), &case.name, &measure::measure(&case, plan)?);
    Ok(())
}

fn contenders(count: usize) -> Vec<Contender> {
    let keys: Arc<[u64]> = (0..count as u64).map(mix).collect();
    let mut contenders = seeking(SMALL, TASKS, &keys);
    let redis = OfTasks::connect().fill(SMALL, &keys);
    let pipelines = move |keys| {
        let redis = redis.clone();
        async move {
            let found = redis.find_all(SMALL, keys).await;
            found.iter().fold(0_u64, |sum, value| sum.wrapping_add(number(value)))
        }
    };
    contenders.push(tasks::in_shares("redis, pipelines", PIPELINES, &keys, pipelines));
    let alone =
        seeking(SMALL, 1, &keys).into_iter().take(2).zip(["memokit, one task", "redis, one task"]);
    contenders.extend(alone.map(|(contender, name)| Contender { name, ..contender }));
    contenders
}

/// Shows calls per second. A ratio is memokit's rate divided by the contender's.
fn show(table: &mut Table, case: &str, times: &[Times]) {
    for (at, contender) in times.iter().enumerate() {
        let (least, most) = contender.spread();
        let ratio = (at > 0).then(|| contender.ratio(&times[0]));
        let rate = |nanos: f64| 1e9 / nanos;
        table.row(&[
            case.into(),
            contender.name.into(),
            rate(contender.median()).into(),
            rate(most).into(),
            rate(least).into(),
            ratio.into(),
        ]);
    }
}
