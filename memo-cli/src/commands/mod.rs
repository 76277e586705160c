//! The subcommands, one a file.

mod clear;
mod compact;
mod completions;
mod diff;
mod du;
mod export;
mod get;
mod import;
mod keys;
mod ls;
mod man;
mod repair;
mod rm;
mod stat;
mod transfer;
mod verify;
mod watch;

use clap::Subcommand;

use crate::failure::Done;
use crate::output::Output;

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    Ls(ls::Ls),
    Stat(stat::Stat),
    Keys(keys::Keys),
    Get(get::Get),
    Du(du::Du),
    Verify(verify::Verify),
    Watch(watch::Watch),
    Diff(diff::Diff),
    Export(export::Export),
    Import(import::Import),
    Rm(rm::Rm),
    Clear(clear::Clear),
    Compact(compact::Compact),
    Repair(repair::Repair),
    Completions(completions::Completions),
    Man(man::Man),
}

impl Command {
    /// Runs the command. `line` describes the whole command line.
    pub(crate) fn run(&self, out: &mut Output, line: &mut clap::Command) -> Done {
        match self {
            Self::Ls(command) => command.run(out),
            Self::Stat(command) => command.run(out),
            Self::Keys(command) => command.run(out),
            Self::Get(command) => command.run(out),
            Self::Du(command) => command.run(out),
            Self::Verify(command) => command.run(out),
            Self::Watch(command) => command.run(out),
            Self::Diff(command) => command.run(out),
            Self::Export(command) => command.run(out),
            Self::Import(command) => command.run(out),
            Self::Rm(command) => command.run(out),
            Self::Clear(command) => command.run(out),
            Self::Compact(command) => command.run(out),
            Self::Repair(command) => command.run(out),
            Self::Completions(command) => command.run(out, line),
            Self::Man(command) => command.run(out, line),
        }
    }
}
