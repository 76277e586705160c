//! From the command line to an exit code.

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use crate::commands::Command;
use crate::failure::{Exit, Failure};
use crate::output::{Output, note};

/// Shows, checks and moves what memokit has stored on disk.
///
/// DIR is the path of the argument `persist`, or any folder above or below it. Nothing is changed except by compact,
/// clear, rm and import, which are safe beside running processes.
///
/// Exit codes: 0 fine; 1 damage, a difference or nothing found; 2 wrong usage or trouble.
#[derive(Parser, Debug)]
#[command(name = "memo", version, max_term_width = 100)]
struct Cli {
    /// Print JSON, one document a line
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

/// Runs the command of this process's arguments.
#[must_use]
pub fn run() -> ExitCode {
    let Cli { json, command } = Cli::parse();
    let mut output = Output::new(json);
    let done = command.run(&mut output, &mut Cli::command());
    let flushed = output.flush().map_err(Failure::from);
    match done.and_then(|exit| flushed.map(|()| exit)) {
        Ok(Exit::Fine) => ExitCode::SUCCESS,
        Ok(Exit::Found) => ExitCode::from(1),
        Ok(Exit::Trouble) => ExitCode::from(2),
        Err(failure) if failure.is_broken_pipe() => ExitCode::SUCCESS,
        Err(failure) => {
            note(&format!("memo: {failure}"));
            ExitCode::from(2)
        }
    }
}
