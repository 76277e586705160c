//! Compares memokit with its rivals, on the same keys and values, in one process, in interleaved rounds.

mod access;
mod advise;
mod allocator;
mod build;
mod cases;
mod command;
mod compare;
mod compute;
mod contender;
mod hits;
mod instructions;
mod kinds;
mod measure;
mod memory;
mod persist;
mod plot;
mod profile;
mod remote;
mod report;
mod scratch;
mod slow;
mod stampede;

use std::process::ExitCode;

use command::{Command, HELP};

fn main() -> ExitCode {
    let outcome = Command::parse(std::env::args().skip(1)).and_then(run);
    scratch::remove();
    match outcome {
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
        Command::Compare(plan) => return compare::run(&plan),
        Command::Advise(plan) => return advise::run(&plan),
        Command::Hits(plan) => return hits::run(&plan),
        Command::Saved(plan) => return hits::saved::run(&plan),
        Command::Slow(plan) => return slow::run(&plan),
        Command::Stampede(plan) => return stampede::compare(&plan),
        Command::Persist(plan, part) => return persist::run(&plan, &part),
        Command::Remote(plan) => return remote::run(&plan),
        Command::Memory(plan) => return memory::run(&plan),
        Command::Build(plan) => return build::run(&plan),
        Command::Instructions(plan, counted) => return instructions::run(&plan, counted),
        Command::Profile { kind, contender, calls } => {
            return profile::run(&kind, &contender, calls);
        }
    }
    Ok(())
}
