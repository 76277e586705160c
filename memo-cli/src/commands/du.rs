//! `memo du`: what takes how much room.

use clap::Args;
use memo_core::error::Error;
use memo_core::inspect::{FileKind, Version};
use serde::Serialize;

use crate::choice::Choice;
use crate::failure::{Done, Exit};
use crate::output::Output;
use crate::units::size;

/// Show how many bytes each version takes, the largest first
#[derive(Args, Debug)]
pub(crate) struct Du {
    #[command(flatten)]
    choice: Choice,
}

#[derive(Serialize, Default)]
struct Line {
    function: String,
    version: String,
    path: String,
    bytes: u64,
    logs: u64,
    snapshots: u64,
    values: u64,
    quarantine: u64,
    other: u64,
}

impl Du {
    pub(crate) fn run(&self, out: &mut Output) -> Done {
        let mut lines = Vec::new();
        let exit = self.choice.versions()?.for_each(|version| {
            lines.push(Line::of(version)?);
            Ok(Exit::Fine)
        })?;
        lines.sort_by_key(|line| std::cmp::Reverse(line.bytes));
        if out.is_json {
            lines.iter().try_for_each(|line| out.json(line))?;
            return Ok(exit);
        }
        let heading = ["TOTAL", "LOGS", "SNAPSHOTS", "VALUES", "QUARANTINE", "FUNCTION", "VERSION"];
        let mut rows = vec![heading.map(str::to_owned).to_vec()];
        rows.extend(lines.iter().map(Line::row));
        let total = lines.iter().map(|line| line.bytes).sum();
        let blank = String::new;
        rows.push(vec![size(total), blank(), blank(), blank(), blank(), "all".into(), blank()]);
        out.table(&rows, &[0, 1, 2, 3, 4])?;
        Ok(exit)
    }
}

impl Line {
    fn of(version: &Version) -> Result<Self, Error> {
        let mut line = Self {
            function: version.function(),
            version: version.name(),
            path: version.dir.display().to_string(),
            ..Self::default()
        };
        for file in version.files()? {
            line.bytes += file.bytes;
            *match file.kind {
                FileKind::Log => &mut line.logs,
                FileKind::Snapshot => &mut line.snapshots,
                FileKind::Value => &mut line.values,
                FileKind::Quarantine => &mut line.quarantine,
                FileKind::Other | FileKind::Foreign => &mut line.other,
            } += file.bytes;
        }
        Ok(line)
    }

    fn row(&self) -> Vec<String> {
        let sizes = [self.bytes, self.logs, self.snapshots, self.values, self.quarantine].map(size);
        [&sizes[..], &[self.function.clone(), self.version.clone()]].concat()
    }
}
