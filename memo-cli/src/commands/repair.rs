//! `memo repair`: what can be read, written to another folder.

use std::path::{Path, PathBuf};

use clap::Args;
use memo_core::inspect::{Editor, New, Version};
use serde::Serialize;

use crate::choice::Choice;
use crate::failure::{Done, Exit, Failure};
use crate::output::Output;

/// Write what can be read to another folder
///
/// DIR is only read. OUT gets the same folders, with all results that processes would use. Where a removal is lost,
/// these leave out everything that it may have concerned. `--stale` also takes files that they would not use because
/// another file is damaged: then results may come back that were removed.
#[derive(Args, Debug)]
pub(crate) struct Repair {
    #[command(flatten)]
    choice: Choice,
    /// Where to write; must not exist or be empty
    out: PathBuf,
    /// Take also results that may have been removed since
    #[arg(long)]
    stale: bool,
}

#[derive(Serialize)]
struct Line {
    function: String,
    version: String,
    written: u64,
    unreadable: u64,
    path: String,
}

impl Repair {
    pub(crate) fn run(&self, out: &mut Output) -> Done {
        let chosen = self.choice.versions()?;
        self.check_out()?;
        chosen.change_each(|version| {
            let line = self.repair(version)?;
            if out.is_json {
                out.json(&line)?;
            } else {
                let Line { function, version, written, unreadable, path } = line;
                let lost = match unreadable {
                    0 => String::new(),
                    n => format!(", {n} values cannot be read"),
                };
                out.line(&format!("{function} {version}: {written} entries in {path}{lost}"))?;
            }
            Ok(Exit::Fine)
        })
    }

    /// Fails if something is at the path of the new folder.
    fn check_out(&self) -> Result<(), Failure> {
        let is_free = match self.out.read_dir() {
            Ok(mut entries) => entries.next().is_none(),
            Err(e) => e.kind() == std::io::ErrorKind::NotFound,
        };
        let path = self.out.display();
        let taken = || {
            Failure::Text(format!(
                "{path} is not empty: give an empty folder, or a path of nothing"
            ))
        };
        if is_free { Ok(()) } else { Err(taken()) }
    }

    fn repair(&self, version: &Version) -> Result<Line, Failure> {
        // Two folders of `persist` below DIR may hold the same version.
        let below = version.dir.strip_prefix(&self.choice.dir).unwrap_or(Path::new(""));
        let above = below.ancestors().nth(2).unwrap_or(Path::new(""));
        let dir = self.out.join(above).join(version.folder()).join(version.name());
        let (mut written, mut unreadable) = (0, 0);
        if let Some(identity) = &version.identity {
            let mut editor = Editor::open(&dir, identity)?;
            version.type_file.as_ref().map_or(Ok(()), |recorded| editor.describe(recorded))?;
            version.contents(self.stale)?.for_each(&mut |entry| {
                let Ok(Some(value)) = entry.value() else {
                    unreadable += 1;
                    return Ok(());
                };
                let (created, expires, cost) = (entry.created, entry.expires, entry.cost);
                let (key, tags) = (entry.key, entry.tags);
                let new = New { key, value: &value, created, expires, cost, tags };
                written += 1;
                editor.put(&new, false)
            })?;
            editor.finish()?;
        }
        let (function, version) = (version.function(), version.name());
        Ok(Line { function, version, written, unreadable, path: dir.display().to_string() })
    }
}
