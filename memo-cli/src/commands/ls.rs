//! `memo ls`: each version, in a line.

use clap::Args;
use memo_core::error::Error;
use memo_core::inspect::Version;
use serde::Serialize;

use crate::choice::Choice;
use crate::failure::{Done, Exit};
use crate::output::{Output, Style};
use crate::processes::Processes;
use crate::units::{age, size};

/// List every function and version below DIR
///
/// ENTRIES counts what the logs replace twice; `memo stat` counts exactly. HEALTH is what reading the logs shows;
/// `memo verify` checks all. Exit code 1 if something is damaged or nothing is found.
#[derive(Args, Debug)]
pub(crate) struct Ls {
    #[command(flatten)]
    choice: Choice,
}

#[derive(Serialize)]
struct Line {
    function: String,
    version: String,
    path: String,
    entries: u64,
    bytes: u64,
    /// When the newest snapshot or log was begun, in milliseconds since 1970.
    last_use: Option<u64>,
    /// The number of processes that write.
    writers: usize,
    processes: Vec<u32>,
    health: &'static str,
    damage: Vec<String>,
}

impl Ls {
    pub(crate) fn run(&self, out: &mut Output) -> Done {
        let processes = Processes::look();
        let mut rows = Vec::new();
        let heading = ["FUNCTION", "VERSION", "ENTRIES", "SIZE", "USED", "OPEN IN", "HEALTH"];
        rows.push(heading.map(str::to_owned).to_vec());
        let exit = self.choice.versions()?.for_each(|version| {
            let line = Line::of(version, &processes)?;
            if out.is_json {
                out.json(&line)?;
            } else {
                rows.push(line.row(out));
            }
            Ok(Exit::found_if(line.health == "damaged"))
        })?;
        if rows.len() > 1 {
            out.table(&rows, &[2, 3, 4])?;
        }
        Ok(exit)
    }
}

impl Line {
    fn of(version: &Version, processes: &Processes) -> Result<Self, Error> {
        let (entries, damage) = version.contents(false)?.summary()?;
        Ok(Self {
            function: version.function(),
            version: version.name(),
            path: version.dir.display().to_string(),
            entries,
            bytes: version.bytes()?,
            last_use: version.used,
            writers: version.pulse().writers.len(),
            processes: processes.with_open(&version.dir),
            health: if damage.is_empty() { "ok" } else { "damaged" },
            damage: damage.iter().map(Error::to_string).collect(),
        })
    }

    fn row(&self, out: &Output) -> Vec<String> {
        let style = if self.damage.is_empty() { Style::Good } else { Style::Bad };
        vec![
            self.function.clone(),
            self.version.clone(),
            self.entries.to_string(),
            size(self.bytes),
            self.last_use.map_or_else(|| "-".to_owned(), age),
            open_in(self.writers, &self.processes),
            out.styled(style, self.health),
        ]
    }
}

/// Returns the processes, or their number if the system does not name them.
fn open_in(writers: usize, processes: &[u32]) -> String {
    match (writers, processes) {
        (0, []) => "-".to_owned(),
        (1, []) => "1 writer".to_owned(),
        (writers, []) => format!("{writers} writers"),
        (_, ids) => ids.iter().map(u32::to_string).collect::<Vec<_>>().join(" "),
    }
}
