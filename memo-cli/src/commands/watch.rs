//! `memo watch`: what running processes do.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use memo_core::inspect::{Pulse, Version};
use serde::Serialize;

use crate::choice::{Choice, Chosen};
use crate::failure::{Done, Failure};
use crate::output::Output;
use crate::processes::Processes;
use crate::units::{parse_duration, size};

/// Show again and again what running processes do with the folder
///
/// Reads locks, the shared page and the sizes of files, no records. Ends with Ctrl-C, or after `--count` tables.
#[derive(Args, Debug)]
pub(crate) struct Watch {
    #[command(flatten)]
    choice: Choice,
    /// The time between two tables
    #[arg(long, short = 'n', default_value = "1s", value_parser = parse_duration)]
    interval: Duration,
    /// End after so many tables
    #[arg(long, short)]
    count: Option<u64>,
}

#[derive(Serialize)]
struct Line {
    function: String,
    version: String,
    writers: usize,
    processes: Vec<u32>,
    bytes: u64,
    /// What was numbered since the last table: results and removals, a second. `None` in the first table, and if nobody
    /// writes.
    records_per_second: Option<f64>,
    removals: u64,
    removed_since: u64,
    snapshots_since: u64,
}

type Before = HashMap<PathBuf, (Instant, Pulse)>;

impl Watch {
    pub(crate) fn run(&self, out: &mut Output) -> Done {
        let mut before = Before::new();
        let Chosen { mut versions, exit } = self.choice.versions()?;
        if versions.is_empty() {
            return Ok(exit);
        }
        for number in 1.. {
            self.show(out, &versions, &mut before)?;
            out.flush()?;
            if self.count.is_some_and(|count| number >= count) {
                break;
            }
            std::thread::sleep(self.interval);
            versions = self.choice.versions_now();
        }
        Ok(exit)
    }

    fn show(
        &self,
        out: &mut Output,
        versions: &[Version],
        before: &mut Before,
    ) -> Result<(), Failure> {
        let processes = Processes::look();
        let heading = [
            "FUNCTION",
            "VERSION",
            "WRITERS",
            "SIZE",
            "RECORDS/S",
            "REMOVED",
            "SNAPSHOTS",
            "OPEN IN",
        ];
        let mut rows = vec![heading.map(str::to_owned).to_vec()];
        out.clear_screen()?;
        for version in versions {
            let line = Line::of(version, &processes, before)?;
            if out.is_json {
                out.json(&line)?;
            } else {
                rows.push(line.row());
            }
        }
        if !out.is_json {
            out.table(&rows, &[2, 3, 4, 5, 6])?;
        }
        Ok(())
    }
}

impl Line {
    fn of(
        version: &Version,
        processes: &Processes,
        before: &mut Before,
    ) -> Result<Self, memo_core::error::Error> {
        let (pulse, now) = (version.pulse(), Instant::now());
        let former = before.insert(version.dir.clone(), (now, pulse.clone()));
        let since = |of: fn(&Pulse) -> u64| {
            former.as_ref().map_or(0, |(_, former)| of(&pulse).saturating_sub(of(former)))
        };
        let rate = former.as_ref().and_then(|(at, former)| {
            let records = pulse.sequence?.checked_sub(former.sequence?)?;
            #[expect(clippy::cast_precision_loss, reason = "it is shown with one digit")]
            let rate = records as f64 / (now - *at).as_secs_f64().max(f64::EPSILON);
            Some(rate)
        });
        Ok(Self {
            function: version.function(),
            version: version.name(),
            writers: pulse.writers.len(),
            processes: processes.with_open(&version.dir),
            bytes: version.bytes()?,
            records_per_second: rate,
            removals: pulse.removals,
            removed_since: since(|pulse| pulse.removals),
            snapshots_since: since(|pulse| pulse.merges),
        })
    }

    fn row(&self) -> Vec<String> {
        let ids: Vec<_> = self.processes.iter().map(u32::to_string).collect();
        vec![
            self.function.clone(),
            self.version.clone(),
            self.writers.to_string(),
            size(self.bytes),
            self.records_per_second.map_or_else(|| "-".to_owned(), |rate| format!("{rate:.1}")),
            self.removed_since.to_string(),
            self.snapshots_since.to_string(),
            if ids.is_empty() { "-".to_owned() } else { ids.join(" ") },
        ]
    }
}
