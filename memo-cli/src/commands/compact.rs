//! `memo compact`: a new snapshot, in place of logs.

use clap::Args;
use memo_core::inspect::{Editor, Version};
use serde::Serialize;

use crate::choice::Choice;
use crate::failure::{Done, Exit};
use crate::output::Output;
use crate::units::size;

/// Write a snapshot of what counts, and remove what it replaces
///
/// What has expired is left out, also what a program would still serve stale. Running processes go on meanwhile. The
/// disk needs room for the snapshot beside the former files.
#[derive(Args, Debug)]
pub(crate) struct Compact {
    #[command(flatten)]
    choice: Choice,
}

#[derive(Serialize)]
struct Line {
    function: String,
    version: String,
    bytes_before: u64,
    bytes: u64,
}

impl Compact {
    pub(crate) fn run(&self, out: &mut Output) -> Done {
        self.choice.versions()?.change_each(|version| compact(out, version))
    }
}

fn compact(out: &mut Output, version: &Version) -> Done {
    let Some(identity) = &version.identity else { return Ok(Exit::Fine) };
    let bytes_before = version.bytes()?;
    let editor = Editor::open(&version.dir, identity)?;
    editor.compact()?;
    editor.finish()?;
    let bytes = version.bytes()?;
    let (function, version) = (version.function(), version.name());
    if out.is_json {
        out.json(&Line { function, version, bytes_before, bytes })?;
    } else {
        let (before, after) = (size(bytes_before), size(bytes));
        out.line(&format!("{function} {version}: {before}, now {after}"))?;
    }
    Ok(Exit::Fine)
}
