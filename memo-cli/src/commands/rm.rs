//! `memo rm`: removes results by key or age, or whole versions.

use std::time::Duration;

use clap::Args;
use memo_core::inspect::{Editor, Version, remove_version};
use serde::Serialize;

use crate::choice::{Choice, KeyName, Named};
use crate::failure::{Done, Exit, Failure};
use crate::output::{Output, note};
use crate::units::{now, parse_duration};

/// So many keys are held in memory before they are removed.
const BATCH: usize = 10_000;

/// Remove results by key or age, or whole functions
///
/// With a key, or with `--older-than` or `--expired`, these results are removed from the chosen versions. When it has
/// ended, no running process returns one of them in a call that begins later. With `--all`, the folders of the chosen
/// versions are removed; one that a process writes to is cleared and stays. Exit code 1 if there was nothing to remove.
#[derive(Args, Debug)]
#[command(group = clap::ArgGroup::new("what").required(true).multiple(false))]
pub(crate) struct Rm {
    #[command(flatten)]
    choice: Choice,
    /// The key as `memo keys` prints it, or at least 4 digits of its id
    #[arg(group = "what")]
    key: Option<String>,
    /// Results that were computed longer ago: 30s, 5m, 2h, 7d
    #[arg(long, group = "what", value_name = "TIME", value_parser = parse_duration)]
    older_than: Option<Duration>,
    /// Results that have expired
    #[arg(long, group = "what")]
    expired: bool,
    /// The versions as a whole
    #[arg(long, group = "what")]
    all: bool,
    /// Only say what would be removed
    #[arg(long)]
    dry_run: bool,
}

#[derive(Serialize)]
struct Line {
    function: String,
    version: String,
    removed: u64,
    /// Whether the folder is gone.
    folder_removed: bool,
}

impl Rm {
    pub(crate) fn run(&self, out: &mut Output) -> Done {
        let chosen = self.choice.versions()?;
        self.check_key(&chosen.versions)?;
        let mut total = 0;
        let exit = chosen.change_each(|version| {
            let (removed, folder_removed) = if self.all {
                self.remove_version(version)?
            } else {
                (self.remove_from(version)?, false)
            };
            total += removed + u64::from(folder_removed);
            let (function, version) = (version.function(), version.name());
            if out.is_json {
                out.json(&Line { function, version, removed, folder_removed })?;
            } else if removed > 0 || folder_removed {
                let what = if self.dry_run { "would be removed" } else { "removed" };
                out.line(&format!("{function} {version}: {removed} entries {what}"))?;
            }
            Ok(Exit::Fine)
        })?;
        if total == 0 && exit == Exit::Fine {
            note("memo: there is nothing to remove");
        }
        Ok(exit.or(Exit::found_if(total == 0)))
    }

    /// Fails if the digits of an id name several keys.
    fn check_key(&self, versions: &[Version]) -> Result<(), Failure> {
        let Some(key) = &self.key else { return Ok(()) };
        let (name, mut named, mut is_clear) = (KeyName::new(key), Named::default(), true);
        for version in versions {
            let read = version.contents(false);
            // What cannot be read is told of when it is to be removed.
            let _ = read.and_then(|contents| {
                contents.for_each(&mut |entry| {
                    is_clear &= !name.is(entry.key) || named.add(entry.key);
                    Ok(())
                })
            });
        }
        let unclear = || Failure::Text(format!("{key} names several keys: give more digits"));
        if is_clear { Ok(()) } else { Err(unclear()) }
    }

    /// Removes the results of one version that are meant. Returns their number.
    fn remove_from(&self, version: &Version) -> Result<u64, Failure> {
        let Some(identity) = &version.identity else { return Ok(0) };
        let name = self.key.as_deref().map(KeyName::new);
        let now = now();
        let before = self
            .older_than
            .map(|age| now.saturating_sub(u64::try_from(age.as_millis()).unwrap_or(u64::MAX)));
        let (mut removed, mut batch, mut editor) = (0, Vec::new(), None);
        let mut remove = |batch: &mut Vec<Vec<u8>>| {
            if batch.is_empty() || self.dry_run {
                batch.clear();
                return Ok(());
            }
            if editor.is_none() {
                editor = Some(Editor::open(&version.dir, identity)?);
            }
            let editor = editor.as_ref().expect("it was just opened");
            batch.drain(..).try_for_each(|key| editor.remove(&key))
        };
        version.contents(false)?.for_each(&mut |entry| {
            let is_meant = name.as_ref().is_some_and(|name| name.is(entry.key))
                || before.is_some_and(|before| entry.created < before)
                || (self.expired && entry.expires.is_some_and(|at| at <= now));
            if is_meant {
                removed += 1;
                batch.push(entry.key.to_vec());
            }
            if batch.len() >= BATCH { remove(&mut batch) } else { Ok(()) }
        })?;
        remove(&mut batch)?;
        editor.map_or(Ok(()), Editor::finish)?;
        Ok(removed)
    }

    /// Removes the folder of a version, or what it holds if a process writes to it. Returns how many results it had,
    /// and whether the folder is gone.
    fn remove_version(&self, version: &Version) -> Result<(u64, bool), Failure> {
        let (entries, _) = version.contents(false)?.summary()?;
        if self.dry_run {
            return Ok((entries, version.pulse().writers.is_empty()));
        }
        if remove_version(version)? {
            return Ok((entries, true));
        }
        let Some(identity) = &version.identity else { return Ok((0, false)) };
        note(&format!("memo: a process writes to {}: it is cleared", version.dir.display()));
        let editor = Editor::open(&version.dir, identity)?;
        editor.clear()?;
        editor.finish()?;
        Ok((entries, false))
    }
}
