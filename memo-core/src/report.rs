//! All caches at a glance.

use std::fmt::{self, Display, Formatter};
use std::time::Duration;

use serde::Serialize;
use serde::ser::Serializer;

use crate::stats::Stats;

/// The statistics of every cache that was touched, by name. `Display` is an aligned table.
#[derive(Debug, Clone)]
pub struct Report(Vec<Stats>);

impl Report {
    pub(crate) fn of(mut caches: Vec<Stats>) -> Self {
        caches.sort_by(|a, b| a.name.cmp(&b.name));
        Self(caches)
    }

    /// The caches' statistics.
    #[must_use]
    pub fn caches(&self) -> &[Stats] {
        &self.0
    }
}

impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

const HEAD: [&str; 9] =
    ["cache", "hits", "misses", "ratio", "entries", "evicted", "recovered", "mean", "saved"];

fn row(stats: &Stats) -> [String; 9] {
    [
        stats.name.clone(),
        stats.hits.to_string(),
        stats.misses.to_string(),
        format!("{:.1} %", stats.hit_ratio() * 100.0),
        stats.entries.to_string(),
        stats.evicted.to_string(),
        stats.recovered.to_string(),
        short(stats.mean_compute()),
        short(stats.time_saved),
    ]
}

/// Three figures and a unit.
fn short(time: Duration) -> String {
    let nanos = time.as_nanos();
    let (unit, size) = match nanos {
        0 => return "0".to_owned(),
        1..1_000 => ("ns", 1),
        1_000..1_000_000 => ("µs", 1_000),
        1_000_000..1_000_000_000 => ("ms", 1_000_000),
        _ => ("s", 1_000_000_000),
    };
    #[expect(clippy::cast_precision_loss, reason = "three figures")]
    let value = nanos as f64 / f64::from(size);
    let decimals = if value < 10.0 { 2 } else { usize::from(value < 100.0) };
    format!("{value:.decimals$} {unit}")
}

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut rows = vec![HEAD.map(str::to_owned)];
        rows.extend(self.0.iter().map(row));
        let width = |column: usize| {
            rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default()
        };
        let widths: Vec<usize> = (0..HEAD.len()).map(width).collect();
        for (number, row) in rows.iter().enumerate() {
            if number > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{:<width$}", row[0], width = widths[0])?;
            for (cell, width) in row.iter().zip(&widths).skip(1) {
                write!(f, "  {cell:>width$}")?;
            }
        }
        Ok(())
    }
}
