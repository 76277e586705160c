//! `memo man`: the page of the manual.

use clap::Args;
use clap_mangen::Man as Page;

use crate::failure::{Done, Exit, Failure};
use crate::output::Output;

/// Print the page of the manual, for `man -l -`
///
/// Without a command it is the page of memo itself.
#[derive(Args, Debug)]
pub(crate) struct Man {
    /// The page of this command
    command: Option<String>,
}

impl Man {
    pub(crate) fn run(&self, out: &mut Output, line: &mut clap::Command) -> Done {
        line.build();
        let described = match &self.command {
            None => line.clone(),
            Some(name) => line.find_subcommand(name).cloned().ok_or_else(|| {
                Failure::Text(format!("memo has no command {name}: `memo help` lists them"))
            })?,
        };
        let mut page = Vec::new();
        let rendered = Page::new(described).render(&mut page);
        rendered.map_err(|e| Failure::Text(e.to_string()))?;
        out.write(&page)?;
        Ok(Exit::Fine)
    }
}
