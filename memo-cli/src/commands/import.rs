//! `memo import`: results from JSON lines.

use std::fs::File;
use std::io::{BufRead, BufReader, stdin};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use memo_core::inspect::{Editor, New, canonical, describes, find, is_version_name};
use memo_core::persist::{Identity, TypeFile};
use serde::Serialize;

use super::transfer::{Head, Line, TITLE};
use crate::failure::{Done, Exit, Failure};
use crate::output::{Output, note};
use crate::transcoder::Transcoder;
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
    /// Store in this version of the function, which may have another codec: the first digits of its name
    #[arg(long, value_name = "HEX")]
    into: Option<String>,
}

/// Where results go, and what is done to their values.
struct Target {
    editor: Editor,
    transcoder: Transcoder,
}

/// What became of a line.
enum Outcome {
    Stored,
    Skipped,
    /// It is no line of `memo export`.
    Wrong,
    /// The value has no form in the codec of the version.
    Untold(String),
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
        let (mut counts, mut target, mut exit) = (Counts::default(), None, Exit::Fine);
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
                let former: Option<Target> = target.take();
                former.map_or(Ok(()), |former| former.editor.finish())?;
                target = Some(self.begin(&head).map_err(|reason| wrong(&reason.to_string()))?);
                counts.versions += 1;
                continue;
            }
            let read: Line = serde_json::from_str(&line).map_err(|e| wrong(&e.to_string()))?;
            let target =
                target.as_mut().ok_or_else(|| wrong("no line says whose results follow"))?;
            match self.store(target, &read)? {
                Outcome::Stored => counts.stored += 1,
                Outcome::Skipped => counts.skipped += 1,
                Outcome::Wrong => {
                    return Err(wrong("its key, value or tags are not what memo export writes"));
                }
                Outcome::Untold(reason) => {
                    note(&format!("memo: line {}: its value is left out: {reason}", n + 1));
                    counts.skipped += 1;
                    exit = Exit::Found;
                }
            }
        }
        target.map_or(Ok(()), |target| target.editor.finish())?;
        print(out, &counts)?;
        Ok(exit)
    }

    /// Opens the version that a line names.
    fn begin(&self, head: &Head) -> Result<Target, Failure> {
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
        if let Some(name) = &self.into {
            return self.begin_other(name, &identity, recorded.as_ref());
        }
        let editor = self.open(&self.dir.join(&head.folder).join(&head.version), &identity)?;
        recorded.map_or(Ok(()), |recorded| editor.describe(&recorded))?;
        Ok(Target { editor, transcoder: Transcoder::NONE })
    }

    /// Opens the version of that name for results of the same function, with the same keys and values.
    fn begin_other(
        &self,
        name: &str,
        identity: &Identity,
        recorded: Option<&TypeFile>,
    ) -> Result<Target, Failure> {
        let wrong = |text: &str| Failure::Text(text.to_owned());
        let mut versions = find(&self.dir)?.versions;
        versions.retain(|version| version.name().starts_with(name));
        let [version] = &versions[..] else {
            return Err(wrong("--into names no version, or several: `memo ls` shows them"));
        };
        let Some(other) = &version.identity else {
            return Err(wrong("the version of --into has no results yet: run its program once"));
        };
        let own = (&identity.function, identity.code, identity.key_format);
        if own != (&other.function, other.code, other.key_format) {
            return Err(wrong("the version of --into is of another function, or of other code"));
        }
        let Some((from, to)) = recorded.zip(version.type_file.as_ref()) else {
            return Err(wrong("it is not known what the values are: a file TYPE is missing"));
        };
        if (&from.type_name, &from.shape) != (&to.type_name, &to.shape) {
            return Err(wrong("the version of --into has values of another type"));
        }
        let transcoder = Transcoder::between(&from.codec, &to.codec, &from.shape);
        let transcoder = transcoder.map_err(Failure::Text)?;
        Ok(Target { editor: self.open(&version.dir, other)?, transcoder })
    }

    fn open(&self, dir: &Path, identity: &Identity) -> Result<Editor, Failure> {
        let open = if self.replace { Editor::open } else { Editor::open_to_ask };
        Ok(open(dir, identity)?)
    }

    /// Stores a result.
    fn store(&self, target: &mut Target, line: &Line) -> Result<Outcome, Failure> {
        let Target { editor, transcoder } = target;
        let key = unhex(&line.key).filter(|key| canonical(key).as_ref() == Some(key));
        let (Some(key), Some(value), Some(tags)) = (key, unbase64(&line.value), line.tag_bytes())
        else {
            return Ok(Outcome::Wrong);
        };
        let has_expired = line.expires.is_some_and(|at| at <= now());
        if has_expired || (!self.replace && editor.has(&key)?) {
            return Ok(Outcome::Skipped);
        }
        let value = match transcoder.turn(&value) {
            Ok(value) => value,
            Err(reason) => return Ok(Outcome::Untold(reason)),
        };
        let (created, expires) = (line.created, line.expires);
        let cost = line.cost_ns.map(Duration::from_nanos);
        let new = New { key: &key, value: &value, created, expires, cost, tags: &tags };
        editor.put(&new, self.replace)?;
        Ok(Outcome::Stored)
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
