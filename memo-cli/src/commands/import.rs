//! `memo import`: results from JSON lines.

use std::fs::File;
use std::io::{BufRead, BufReader, stdin};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use memo_core::inspect::{Editor, New, canonical, describes, is_version_name};
use serde::Serialize;

use super::transfer::{Head, Line, TITLE};
use crate::failure::{Done, Exit, Failure};
use crate::output::Output;
use crate::units::{now, unbase64, unhex};

/// Store the results that `memo export` has written
///
/// They are found by programs that have the same version of the function. What has expired is passed over, and so are
/// keys that have a result, unless `--replace` is given.
#[derive(Args, Debug)]
pub(crate) struct Import {
    /// The path of `persist`; created if it is missing
    dir: PathBuf,
    /// The lines; standard input if it is missing or `-`
    file: Option<PathBuf>,
    /// Replace results of keys that have one
    #[arg(long)]
    replace: bool,
}

#[derive(Serialize, Default)]
struct Counts {
    stored: u64,
    skipped: u64,
    versions: u64,
}

impl Import {
    pub(crate) fn run(&self, out: &mut Output) -> Done {
        let lines: Box<dyn BufRead> = match self.file.as_deref().filter(|f| *f != Path::new("-")) {
            Some(file) => Box::new(BufReader::new(
                File::open(file).map_err(|e| Failure::Text(unreadable(file, &e)))?,
            )),
            None => Box::new(BufReader::new(stdin())),
        };
        let (mut counts, mut editor) = (Counts::default(), None);
        for (n, line) in lines.lines().enumerate() {
            let wrong = |reason: &str| {
                let name = self.file.as_deref().unwrap_or(Path::new("-")).display().to_string();
                let done = "what stands before it is stored";
                Failure::Text(format!("{name}, line {}: {reason}\n  {done}", n + 1))
            };
            let line = line.map_err(|e| wrong(&e.to_string()))?;
            if line.trim().is_empty() {
                continue;
            }
            if let Ok(head) = serde_json::from_str::<Head>(&line) {
                let former: Option<Editor> = editor.take();
                former.map_or(Ok(()), Editor::finish)?;
                editor = Some(self.begin(&head).map_err(|reason| wrong(&reason.to_string()))?);
                counts.versions += 1;
                continue;
            }
            let read: Line = serde_json::from_str(&line).map_err(|e| wrong(&e.to_string()))?;
            let editor =
                editor.as_ref().ok_or_else(|| wrong("no line says whose results follow"))?;
            match self.store(editor, &read)? {
                Some(true) => counts.stored += 1,
                Some(false) => counts.skipped += 1,
                None => return Err(wrong("its key or value is not what memo export writes")),
            }
        }
        editor.map_or(Ok(()), Editor::finish)?;
        print(out, &counts)
    }

    /// Opens the version that a line names.
    fn begin(&self, head: &Head) -> Result<Editor, Failure> {
        let wrong = |text: &str| Failure::Text(text.to_owned());
        if head.memo != TITLE {
            return Err(wrong("another version of memo has written it"));
        }
        let identity = head.identity().ok_or_else(|| wrong("its numbers cannot be read"))?;
        if !is_name(&head.folder) || !is_version_name(head.version.as_ref()) {
            return Err(wrong("it names no folder of memokit: was the folder renamed?"));
        }
        let recorded = head.type_file();
        if recorded.as_ref().is_some_and(|recorded| !describes(recorded, identity.schema)) {
            return Err(wrong("its type is not that of its results"));
        }
        let open = if self.replace { Editor::open } else { Editor::open_indexed };
        let editor = open(&self.dir.join(&head.folder).join(&head.version), &identity)?;
        recorded.map_or(Ok(()), |recorded| editor.describe(&recorded))?;
        Ok(editor)
    }

    /// Stores a result. Returns whether it did, or `None` if the line is wrong.
    fn store(&self, editor: &Editor, line: &Line) -> Result<Option<bool>, Failure> {
        let key = unhex(&line.key).filter(|key| canonical(key).as_ref() == Some(key));
        let (Some(key), Some(value)) = (key, unbase64(&line.value)) else { return Ok(None) };
        let has_expired = line.expires.is_some_and(|at| at <= now());
        if has_expired || (!self.replace && editor.has(&key)?) {
            return Ok(Some(false));
        }
        let (created, expires) = (line.created, line.expires);
        let cost = line.cost_ns.map(Duration::from_nanos);
        let new = New { key: &key, value: &value, created, expires, cost };
        editor.put(&new, self.replace)?;
        Ok(Some(true))
    }
}

fn unreadable(file: &Path, error: &std::io::Error) -> String {
    let advice = "give a file that `memo export` has written, or nothing for standard input";
    format!("cannot read {}: {error}\n  {advice}", file.display())
}

/// Returns whether a text is the name of one folder, as memokit makes them.
fn is_name(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    !name.is_empty() && !name.starts_with('.') && name.len() <= 90 && name.bytes().all(is_allowed)
}

fn print(out: &mut Output, counts: &Counts) -> Done {
    if out.is_json {
        out.json(counts)?;
    } else {
        let Counts { stored, skipped, versions } = counts;
        out.line(&format!("{stored} entries stored in {versions} versions, {skipped} skipped"))?;
    }
    Ok(Exit::Fine)
}
