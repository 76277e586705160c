//! The command `memo`, which shows, checks and moves what memokit has stored on disk. docs/cli.md describes it.

mod choice;
mod commands;
mod failure;
mod output;
mod processes;
mod run;
mod shaped;
mod transcoder;
mod units;
mod value;

pub use run::run;
