//! Insertions by several processes into one folder, compared with one process alone. All begin at one moment.

use std::time::Instant;

use super::child::{self, Step};
use super::directory;
use super::engine::KINDS;
use super::results::{self, bytes, made};
use crate::access::mix;
use crate::command::Plan;
use crate::measure::median;
use crate::report::{Cell, Column, Table};

const PROCESSES: u64 = 4;
const INSERTIONS: u64 = 50_000;

const COLUMNS: [Column; 6] = [
    Column("contender", 12, 0),
    Column("processes", 10, 0),
    Column("us", 9, 2),
    Column("cpu us", 9, 2),
    Column("rate", 7, 2),
    Column("cpu rate", 9, 2),
];

/// The time of an insertion in microseconds, and the processor time: the means of processes that ran together.
struct Cost {
    time: f64,
    processor: f64,
}

/// Costs by round: of one process alone, and of several together.
type Rounds = [Vec<Cost>; 2];

pub(super) fn run(plan: &Plan) -> Result<(), String> {
    let count = if plan.quick { 500 } else { INSERTIONS };
    let shared = KINDS.iter().filter(|kind| kind.is_shared).map(|kind| kind.name);
    let mut contenders: Vec<(&str, Rounds)> =
        ["memokit"].into_iter().chain(shared).map(|name| (name, Rounds::default())).collect();
    for round in 0..plan.rounds(1, 9) {
        for (name, [alone, beside]) in &mut contenders {
            alone.push(together(name, 1, count, round)?);
            beside.push(together(name, PROCESSES, count, round)?);
        }
    }
    let mut table = Table::begin(plan.json, &COLUMNS);
    for (name, rounds) in &contenders {
        show(&mut table, name, rounds);
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    println!("{PROCESSES} processes share {cores} cores");
    for kind in KINDS.iter().filter(|kind| !kind.is_shared) {
        println!("{}: only one process can open a folder", kind.name);
    }
    Ok(())
}

/// Shows the rate of each process as a share of that of one alone. `cpu rate` is what the share would be if each
/// process had a core of its own and waited for none: the processor time of an insertion alone, divided by that beside
/// others.
fn show(table: &mut Table, name: &str, [alone, beside]: &Rounds) {
    let middle = |costs: &[Cost], of: fn(&Cost) -> f64| median(costs.iter().map(of).collect());
    let ratio = |of: fn(&Cost) -> f64| {
        median(alone.iter().zip(beside).map(|(alone, beside)| of(alone) / of(beside)).collect())
    };
    let mut row = |processes: u64, costs: &[Cost], rates: [Cell; 2]| {
        let [rate, processor] = rates;
        table.row(&[
            name.into(),
            processes.to_string().as_str().into(),
            middle(costs, |cost| cost.time).into(),
            middle(costs, |cost| cost.processor).into(),
            rate,
            processor,
        ]);
    };
    row(1, alone, [Cell::Nothing, Cell::Nothing]);
    let rates = [ratio(|cost| cost.time).into(), ratio(|cost| cost.processor).into()];
    row(PROCESSES, beside, rates);
}

/// Runs child processes on a folder of their own.
fn together(contender: &str, processes: u64, count: u64, round: usize) -> Result<Cost, String> {
    let folder = results::folder(&format!("together-{contender}-{processes}-{round}"));
    let start = |n: u64| {
        let (count, first) = (count.to_string(), (n * count).to_string());
        Step::start(&folder, &["child-insert", contender, &count, &first])
    };
    let mut steps = (0..processes).map(start).collect::<Result<Vec<_>, _>>()?;
    steps.iter_mut().try_for_each(|step| step.numbers().map(|[]| ()))?;
    steps.iter_mut().try_for_each(Step::go)?;
    let mut sum = Cost { time: 0.0, processor: 0.0 };
    for mut step in steps {
        let [time, processor] = step.numbers()?;
        step.end()?;
        sum.time += time;
        sum.processor += processor;
    }
    let each = 1e3 * (count * processes) as f64;
    let _ = std::fs::remove_dir_all(folder);
    Ok(Cost { time: sum.time / each, processor: sum.processor / each })
}

/// In a child: inserts `count` results from number `first` on, and prints the nanoseconds that passed and those of the
/// processor.
pub(super) fn insert(contender: &str, count: &str, first: &str) -> Result<(), String> {
    let number = |text: &str| text.parse::<u64>().map_err(|e| e.to_string());
    let (count, first) = (number(count)?, number(first)?);
    let mut call: Box<dyn Fn(u64)> = Box::new(|n| _ = bytes(n));
    if let Some(kind) = KINDS.iter().find(|kind| kind.name == contender) {
        let engine = (kind.open)(&directory(""));
        call = Box::new(move |n| engine.put(n, &made(n, 100)));
    }
    // Opens the folder of memokit.
    call(mix(!first));
    child::wait()?;
    let (began, before) = (Instant::now(), child::processor_time());
    (first..first + count).for_each(|n| call(mix(n)));
    let time = began.elapsed().as_nanos();
    println!("{time} {}", child::processor_time() - before);
    Ok(())
}
