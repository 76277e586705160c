//! `memo stat`: all that is known of each version.

use std::time::Duration;

use clap::Args;
use memo_core::error::Error;
use memo_core::inspect::{FileKind, Version, shown};
use serde::Serialize;

use crate::choice::Choice;
use crate::failure::{Done, Exit};
use crate::output::{Output, Style};
use crate::processes::Processes;
use crate::units::{age, duration, now, size};

/// Show all that is known of each version
///
/// Reads every record once. Exit code 1 if something is damaged or nothing is found.
#[derive(Args, Debug)]
pub(crate) struct Stat {
    #[command(flatten)]
    choice: Choice,
}

#[derive(Serialize, Default)]
struct Line {
    function: String,
    version: String,
    path: String,
    /// Where the function stands in its source.
    place: Option<String>,
    type_name: Option<String>,
    codec: Option<String>,
    schema: Option<String>,
    code: Option<String>,
    key_format: Option<u32>,
    entries: u64,
    expired: u64,
    key_bytes: u64,
    value_bytes: u64,
    values_apart: u64,
    /// What it cost to compute all entries of which that is known.
    cost_ns: u64,
    /// Milliseconds since 1970.
    oldest: Option<u64>,
    newest: Option<u64>,
    last_use: Option<u64>,
    logs: Files,
    snapshots: Files,
    values: Files,
    quarantine: Files,
    foreign: Files,
    writers: Vec<usize>,
    processes: Vec<u32>,
    sequence: Option<u64>,
    removals: Option<u64>,
    damage: Vec<String>,
}

#[derive(Serialize, Default)]
struct Files {
    count: u64,
    bytes: u64,
}

impl Stat {
    pub(crate) fn run(&self, out: &mut Output) -> Done {
        let (processes, mut is_first) = (Processes::look(), true);
        self.choice.versions()?.for_each(|version| {
            let line = Line::of(version, &processes)?;
            if out.is_json {
                out.json(&line)?;
            } else {
                if !std::mem::take(&mut is_first) {
                    out.line("")?;
                }
                line.print(out)?;
            }
            Ok(Exit::found_if(!line.damage.is_empty()))
        })
    }
}

impl Line {
    fn of(version: &Version, processes: &Processes) -> Result<Self, Error> {
        let pulse = version.pulse();
        let mut line = Self {
            function: version.function(),
            version: version.name(),
            path: version.dir.display().to_string(),
            last_use: version.used,
            removals: pulse.sequence.map(|_| pulse.removals),
            sequence: pulse.sequence,
            writers: pulse.writers,
            processes: processes.with_open(&version.dir),
            ..Self::default()
        };
        line.describe(version);
        line.count_files(version)?;
        line.count_entries(version)?;
        Ok(line)
    }

    fn describe(&mut self, version: &Version) {
        if let Some(recorded) = &version.type_file {
            self.place = Some(shown(&recorded.place)).filter(|place| !place.is_empty());
            self.type_name = Some(shown(&recorded.type_name));
            self.codec = Some(shown(&recorded.codec));
        }
        if let Some(identity) = &version.identity {
            self.schema = Some(format!("{:032x}", identity.schema));
            self.code = Some(format!("{:032x}", identity.code));
            self.key_format = Some(identity.key_format);
        }
    }

    fn count_files(&mut self, version: &Version) -> Result<(), Error> {
        for file in version.files()? {
            let files = match file.kind {
                FileKind::Log => &mut self.logs,
                FileKind::Snapshot => &mut self.snapshots,
                FileKind::Value => &mut self.values,
                FileKind::Quarantine => &mut self.quarantine,
                FileKind::Foreign => &mut self.foreign,
                FileKind::Other => continue,
            };
            files.count += 1;
            files.bytes += file.bytes;
        }
        Ok(())
    }

    fn count_entries(&mut self, version: &Version) -> Result<(), Error> {
        let contents = version.contents(false)?;
        self.damage = contents.damage()?.iter().map(Error::to_string).collect();
        let now = now();
        contents.for_each(&mut |entry| {
            self.entries += 1;
            self.expired += u64::from(entry.expires.is_some_and(|at| at <= now));
            self.key_bytes += entry.key.len() as u64;
            self.value_bytes += entry.value_len();
            self.values_apart += u64::from(entry.value_file().is_some());
            let cost = entry.cost.unwrap_or_default().as_nanos();
            self.cost_ns = self.cost_ns.saturating_add(u64::try_from(cost).unwrap_or(u64::MAX));
            self.oldest = Some(self.oldest.map_or(entry.created, |at| at.min(entry.created)));
            self.newest = self.newest.max(Some(entry.created));
            Ok(())
        })
    }

    fn print(&self, out: &mut Output) -> Result<(), Error> {
        let unknown = || "not recorded".to_owned();
        let ago =
            |at: Option<u64>| at.map_or_else(|| "-".to_owned(), |at| format!("{} ago", age(at)));
        let files = |files: &Files| format!("{}, {}", files.count, size(files.bytes));
        let ids: Vec<_> = self.processes.iter().map(u32::to_string).collect();
        let style = if self.damage.is_empty() { Style::Good } else { Style::Bad };
        let health = if self.damage.is_empty() { "ok" } else { "damaged" };
        let rows = [
            ("version", self.version.clone()),
            ("path", self.path.clone()),
            ("place", self.place.clone().unwrap_or_else(unknown)),
            ("type", self.type_name.clone().unwrap_or_else(unknown)),
            ("codec", self.codec.clone().unwrap_or_else(unknown)),
            ("entries", format!("{}, {} of them expired", self.entries, self.expired)),
            ("keys", size(self.key_bytes)),
            ("values", format!("{}, {} apart", size(self.value_bytes), self.values_apart)),
            ("cost", duration(Duration::from_nanos(self.cost_ns))),
            ("oldest", ago(self.oldest)),
            ("newest", ago(self.newest)),
            ("last use", ago(self.last_use)),
            ("logs", files(&self.logs)),
            ("snapshots", files(&self.snapshots)),
            ("values apart", files(&self.values)),
            ("quarantine", files(&self.quarantine)),
            ("foreign", files(&self.foreign)),
            ("writers", self.writers.len().to_string()),
            ("open in", if ids.is_empty() { "-".to_owned() } else { ids.join(" ") }),
            ("health", out.styled(style, health)),
        ];
        let function = out.styled(Style::Bold, &self.function);
        out.line(&function)?;
        for (name, value) in rows {
            out.line(&format!("  {name:<13} {value}"))?;
        }
        self.damage.iter().try_for_each(|damage| out.line(&format!("  {damage}")))
    }
}
