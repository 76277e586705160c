//! `memo completions`: a script for a shell.

use clap::Args;
use clap_complete::Shell;

use crate::failure::{Done, Exit};
use crate::output::Output;

/// Print the completions of a shell
///
/// For bash: memo completions bash > ~/.local/share/bash-completion/completions/memo
#[derive(Args, Debug)]
pub(crate) struct Completions {
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(&self, out: &mut Output, line: &mut clap::Command) -> Done {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, line, "memo", &mut script);
        out.write(&script)?;
        Ok(Exit::Fine)
    }
}
