//! `memo clear`: removes all results.

use clap::Args;
use memo_core::inspect::{Editor, Version};
use serde::Serialize;

use crate::choice::Choice;
use crate::failure::{Done, Exit};
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
        self.choice.versions()?.change_each(|version| self.clear(out, version))
    }

    fn clear(&self, out: &mut Output, version: &Version) -> Done {
        let Some(identity) = &version.identity else { return Ok(Exit::Fine) };
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
        Ok(Exit::Fine)
    }
}
