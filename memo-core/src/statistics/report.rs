//! A table of all caches. Its functions are `#[inline]`, so that only a crate that prints a report compiles them.

use std::fmt::{self, Display, Formatter};
#[cfg(feature = "report")]
use std::sync::Arc;
use std::time::Duration;

use serde_core::Serialize;
use serde_core::ser::Serializer;

#[cfg(feature = "report")]
use super::details::{Details, Inspect};
#[cfg(feature = "report")]
use super::samples::Sample;
use super::stats::Stats;

/// The statistics of every cache that was used, sorted by name.
///
/// `Display` writes an aligned table. It has columns for rare events, such as errors, if there were any. A cache
/// without a bound that holds more than 100,000 entries is marked. Advice stands in a line below its cache.
#[derive(Debug, Clone)]
pub struct Report {
    caches: Vec<Stats>,
    /// Of each cache in the same order.
    #[cfg_attr(not(feature = "report"), allow(dead_code, reason = "there is nothing else"))]
    sources: Vec<Source>,
    #[cfg(feature = "report")]
    shows_keys: bool,
}

#[cfg(not(feature = "report"))]
pub(crate) type Source = ();

/// What else is known of a cache.
#[cfg(feature = "report")]
#[derive(Clone)]
pub(crate) struct Source {
    pub(crate) cache: Arc<dyn Inspect>,
    pub(crate) samples: Vec<Sample>,
}

#[cfg(feature = "report")]
impl fmt::Debug for Source {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("samples", &self.samples.len()).finish_non_exhaustive()
    }
}

impl Report {
    #[inline]
    pub(crate) fn of(mut caches: Vec<(Stats, Source)>) -> Self {
        caches.sort_by(|(a, _), (b, _)| a.name.cmp(&b.name));
        let (caches, sources) = caches.into_iter().unzip();
        Self {
            caches,
            sources,
            #[cfg(feature = "report")]
            shows_keys: true,
        }
    }

    /// Returns the statistics of the caches.
    #[must_use]
    pub fn caches(&self) -> &[Stats] {
        &self.caches
    }
}

#[cfg(feature = "report")]
impl Report {
    /// Leaves the arguments of calls out of [`Report::to_html`] and [`Report::to_json`], for a page that others see.
    #[must_use]
    pub fn without_keys(mut self) -> Self {
        self.shows_keys = false;
        self
    }

    /// Returns what else is known of each cache.
    pub(crate) fn details(&self) -> Vec<Details> {
        self.sources.iter().map(|source| source.cache.details(self.shows_keys)).collect()
    }

    /// Returns the samples of the `n`th cache.
    pub(crate) fn samples(&self, n: usize) -> &[Sample] {
        &self.sources[n].samples
    }
}

impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.caches.serialize(serializer)
    }
}

/// Returns the name of this program: in a page, its path.
#[cfg(all(feature = "report", target_family = "wasm", target_os = "unknown"))]
pub(crate) fn program() -> String {
    use crate::platform::script::property;
    let location = property(&js_sys::global(), "location");
    property(&location, "pathname").as_string().unwrap_or_else(|| "a page".to_owned())
}

/// Returns the name of this program.
#[cfg(all(feature = "report", not(all(target_family = "wasm", target_os = "unknown"))))]
pub(crate) fn program() -> String {
    let path = std::env::args_os().next().unwrap_or_default();
    let name = std::path::Path::new(&path).file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// A column for rare events, which is shown if a cache has any.
type RareColumn = (&'static str, fn(&Stats) -> u64);

const RARE: [RareColumn; 14] = [
    ("disk hits", |stats| stats.disk_hits),
    ("remote hits", |stats| stats.remote_hits),
    ("over", |stats| stats.over),
    ("coalesced", |stats| stats.coalesced),
    ("stale", |stats| stats.stale),
    ("stale if error", |stats| stats.stale_if_error),
    ("refreshed", |stats| stats.refreshed),
    ("uncached", |stats| stats.uncached),
    ("unkeyable", |stats| stats.unkeyable),
    ("unfinished", |stats| stats.unfinished),
    ("panics", |stats| stats.panics),
    ("listener panics", |stats| stats.listener_panics),
    ("mismatches", |stats| stats.mismatches),
    ("disk errors", |stats| stats.persist_errors),
];

/// A cache without a bound is marked when it holds more entries than this.
const MANY: u64 = 100_000;

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
fn row(stats: &Stats, rare: &[RareColumn]) -> Vec<String> {
    let mut row = vec![
        stats.name.clone(),
        stats.hits.to_string(),
        stats.misses.to_string(),
        format!("{:.1} %", stats.hit_ratio() * 100.0),
        match stats.entries {
            MANY.. if !stats.is_bounded => format!("{} (no bound)", stats.entries),
            entries => entries.to_string(),
        },
        size(stats.bytes),
        stats.evicted.to_string(),
        stats.recovered.to_string(),
        duration(stats.mean_compute()),
        duration(stats.time_saved),
    ];
    row.extend(rare.iter().map(|(_, count)| count(stats).to_string()));
    row
}

/// Formats a size as whole bytes, or as three figures and a unit.
#[inline]
pub(crate) fn size(bytes: u64) -> String {
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
pub(crate) fn duration(time: Duration) -> String {
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
        table(&self.caches, f)
    }
}

impl Display for Stats {
    #[inline]
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        table(std::slice::from_ref(self), f)
    }
}

#[inline]
fn table(caches: &[Stats], f: &mut Formatter<'_>) -> fmt::Result {
    let occurs = |column: &RareColumn| caches.iter().any(|stats| column.1(stats) > 0);
    let rare: Vec<_> = RARE.into_iter().filter(occurs).collect();
    let headings = HEADINGS.into_iter().chain(rare.iter().map(|(heading, _)| *heading));
    let mut rows = vec![headings.map(str::to_owned).collect::<Vec<_>>()];
    rows.extend(caches.iter().map(|stats| row(stats, &rare)));
    let width = |column: usize| {
        rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..rows[0].len()).map(width).collect();
    for (number, row) in rows.iter().enumerate() {
        if number > 0 {
            f.write_str("\n")?;
        }
        write!(f, "{:<width$}", row[0], width = widths[0])?;
        for (cell, width) in row.iter().zip(&widths).skip(1) {
            write!(f, "  {cell:>width$}")?;
        }
        let stats = number.checked_sub(1).map(|number| &caches[number]);
        if let Some(advice) = stats.and_then(|stats| stats.advice.as_ref()) {
            write!(f, "\n  {advice}")?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rare_events_have_a_column_if_there_are_any() {
        let stats = |name: &str, entries, is_bounded| {
            let name = name.to_owned();
            Stats { name, entries, is_bounded, hits: 3, misses: 1, ..Stats::default() }
        };
        let text = |caches| {
            Report {
                caches,
                sources: Vec::new(),
                #[cfg(feature = "report")]
                shows_keys: true,
            }
            .to_string()
        };
        let plain = text(vec![stats("a", 5, false), stats("b", MANY, true)]);
        assert!(!plain.contains("uncached") && !plain.contains("no bound"), "{plain}");
        let failing = Stats { uncached: 7, ..stats("a", 5, false) };
        let marked = text(vec![failing, stats("b", MANY, false)]);
        let widths: Vec<_> = marked.lines().map(|line| line.chars().count()).collect();
        assert!(widths.iter().all(|width| *width == widths[0]), "{marked}");
        let lines: Vec<_> = marked.lines().collect();
        assert!(lines[0].ends_with("uncached") && lines[1].ends_with(" 7"), "{marked}");
        assert!(lines[2].contains("100000 (no bound)") && lines[2].ends_with(" 0"), "{marked}");
    }

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
