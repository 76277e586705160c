//! memokit beside its rivals: the same keys, the same values, one process, rounds interleaved.

mod access;
mod allocator;
mod cases;
mod command;
mod compute;
mod contender;
mod kinds;
mod measure;
mod memory;
mod persist;
mod profile;
mod report;

use std::process::ExitCode;

use command::{Command, HELP, Plan};

fn main() -> ExitCode {
    match Command::parse(std::env::args().skip(1)).and_then(run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("memo-bench: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<(), String> {
    match command {
        Command::Help => println!("{HELP}"),
        Command::List => cases::all().iter().for_each(|case| println!("{}", case.name)),
        Command::Compare(plan) => return compare(&plan),
        Command::Memory(plan) => report::memory(&memory::measure(&plan)?, plan.json),
        Command::Persist { step, quick } => persist::run(step.as_deref(), quick)?,
        Command::Profile { kind, contender, calls } => profile::run(&kind, &contender, calls)?,
    }
    Ok(())
}

fn compare(plan: &Plan) -> Result<(), String> {
    let chosen: Vec<_> = cases::all().into_iter().filter(|case| plan.wants(&case.name)).collect();
    if chosen.is_empty() {
        return Err(
            "no case has all of these words in its name; `memo-bench list` shows them".into()
        );
    }
    let mut table = report::Table::begin(plan.json);
    for case in chosen {
        table.add(&case.name, &measure::measure(&case, plan)?);
    }
    Ok(())
}
