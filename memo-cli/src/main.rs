//! The command `memo`. All of it stands in the library beside this file.

use std::process::ExitCode;

fn main() -> ExitCode {
    memo_cli::run()
}
