//! A table of all caches. Its functions are `#[inline]`, so that only a crate that prints a report compiles them.

use std::fmt::{self, Display, Formatter};
use std::time::Duration;

use serde::Serialize;
use serde::ser::Serializer;

use super::stats::Stats;

/// The statistics of every cache that was used, sorted by name. `Display` writes an aligned table.
#[derive(Debug, Clone)]
pub struct Report(Vec<Stats>);

impl Report {
    #[inline]
    pub(crate) fn of(mut caches: Vec<Stats>) -> Self {
        caches.sort_by(|a, b| a.name.cmp(&b.name));
        Self(caches)
    }

    /// Returns the statistics of the caches.
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

const HEADINGS: [&str; 10] = [
    "cache",
    "hits",
    "misses",
    "ratio",
    "entries",
    "bytes",
    "evicted",
    "recovered",
    "mean",
    "saved",
];

#[inline]
fn row(stats: &Stats) -> [String; 10] {
    [
        stats.name.clone(),
        stats.hits.to_string(),
        stats.misses.to_string(),
        format!("{:.1} %", stats.hit_ratio() * 100.0),
        stats.entries.to_string(),
        size(stats.bytes),
        stats.evicted.to_string(),
        stats.recovered.to_string(),
        duration(stats.mean_compute()),
        duration(stats.time_saved),
    ]
}

/// Formats a size as whole bytes, or as three figures and a unit.
#[inline]
fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let unit = (bytes.ilog2() / 10) as usize;
    #[expect(clippy::cast_precision_loss, reason = "three figures")]
    let value = bytes as f64 / (1_u64 << (10 * unit)) as f64;
    three_figures(value, UNITS[unit - 1])
}

/// Formats a time as three figures and a unit.
#[inline]
fn duration(time: Duration) -> String {
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
    three_figures(value, unit)
}

#[inline]
fn three_figures(value: f64, unit: &str) -> String {
    let decimals = if value < 10.0 { 2 } else { usize::from(value < 100.0) };
    format!("{value:.decimals$} {unit}")
}

impl Display for Report {
    #[inline]
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut rows = vec![HEADINGS.map(str::to_owned)];
        rows.extend(self.0.iter().map(row));
        let width = |column: usize| {
            rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default()
        };
        let widths: Vec<usize> = (0..HEADINGS.len()).map(width).collect();
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

impl Display for Stats {
    #[inline]
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        Report::of(vec![self.clone()]).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_three_figures() {
        for (bytes, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.00 KiB"),
            (64 << 20, "64.0 MiB"),
            (500 << 30, "500 GiB"),
            (u64::MAX, "16.0 EiB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }
}
