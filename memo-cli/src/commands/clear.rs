//! `memo clear`: removes all results.

use clap::Args;
use memo_core::inspect::Editor;
use serde::Serialize;

use crate::choice::{Choice, Chosen};
use crate::failure::Done;
use crate::output::Output;

/// Remove all results of every version below DIR
///
/// When it has ended, no running process returns one of them in a call that begins later. The folders stay; `memo rm`
/// removes them too.
#[derive(Args, Debug)]
pub(crate) struct Clear {
    #[command(flatten)]
    choice: Choice,
    /// Only say what would be cleared
    #[arg(long)]
    dry_run: bool,
}

#[derive(Serialize)]
struct Line {
    function: String,
    version: String,
    entries: u64,
    cleared: bool,
}

impl Clear {
    pub(crate) fn run(&self, out: &mut Output) -> Done {
        let Chosen { versions, exit } = self.choice.versions()?;
        for version in &versions {
            let Some(identity) = &version.identity else { continue };
            let (entries, _) = version.contents(false)?.summary()?;
            let cleared = !self.dry_run;
            if cleared {
                let editor = Editor::open(&version.dir, identity)?;
                editor.clear()?;
                editor.compact()?;
                editor.finish()?;
            }
            let (function, version) = (version.function(), version.name());
            if out.is_json {
                out.json(&Line { function, version, entries, cleared })?;
            } else {
                let what = if cleared { "cleared" } else { "would be cleared" };
                out.line(&format!("{function} {version}: {entries} entries {what}"))?;
            }
        }
        Ok(exit)
    }
}
