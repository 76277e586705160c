//! `memo verify`: every checksum.

use clap::Args;
use memo_core::error::Error;
use serde::Serialize;

use crate::choice::Choice;
use crate::failure::{Done, Exit};
use crate::output::{Output, Progress, Style};

/// Check every checksum of logs, snapshots, their indexes, and values
///
/// Each damaged place is a line with file and offset. Exit code 1 if there is one. What a crash explains, such as a torn
/// end of a log, is no damage. Nothing is changed.
#[derive(Args, Debug)]
pub(crate) struct Verify {
    #[command(flatten)]
    choice: Choice,
}

#[derive(Serialize)]
struct Damage<'a> {
    function: &'a str,
    version: &'a str,
    file: String,
    offset: u64,
    reason: String,
}

#[derive(Serialize)]
struct Line<'a> {
    function: &'a str,
    version: &'a str,
    entries: u64,
    damaged: u64,
}

impl Verify {
    pub(crate) fn run(&self, out: &mut Output) -> Done {
        self.choice.versions()?.for_each(|version| {
            let (function, name) = (version.function(), version.name());
            let mut progress = Progress::new(&function, out.is_json);
            let mut damage = Vec::new();
            let checked =
                version.verify(&mut |done, total| progress.at(done, total), &mut |error| {
                    damage.push(error);
                });
            drop(progress);
            let (entries, damaged) = (checked?, damage.len() as u64);
            for error in damage {
                print(out, &function, &name, error)?;
            }
            if out.is_json {
                out.json(&Line { function: &function, version: &name, entries, damaged })?;
                return Ok(Exit::found_if(damaged > 0));
            }
            let verdict = match damaged {
                0 => out.styled(Style::Good, "ok"),
                n => out.styled(Style::Bad, &format!("{n} damaged")),
            };
            out.line(&format!("{function} {name}: {entries} entries, {verdict}"))?;
            Ok(Exit::found_if(damaged > 0))
        })
    }
}

fn print(out: &mut Output, function: &str, version: &str, error: Error) -> Result<(), Error> {
    if !out.is_json {
        return out.line(&error.to_string());
    }
    match error {
        Error::Corrupt { path, offset, reason } => {
            let file = path.display().to_string();
            out.json(&Damage { function, version, file, offset, reason })
        }
        other => Err(other),
    }
}
