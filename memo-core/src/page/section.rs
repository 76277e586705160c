//! All that is known of one cache.

use std::fmt::{Display, Write as _};
use std::time::Duration;

use super::chart;
use super::text::{Escaped, number, timestamp};
use crate::statistics::details::{Details, Outstanding};
use crate::statistics::histogram::Histogram;
use crate::statistics::report::{duration, size};
use crate::statistics::samples::Sample;
use crate::statistics::stats::Stats;

/// A cache, with what is told of it.
pub(super) struct Told<'a> {
    pub(super) stats: &'a Stats,
    pub(super) details: &'a Details,
    pub(super) samples: &'a [Sample],
}

impl Told<'_> {
    /// Returns what is wrong with the cache, in a word.
    pub(super) fn trouble(&self) -> Option<&'static str> {
        let Self { stats, details, .. } = self;
        if details.failure.is_some() {
            Some("fails")
        } else if !details.damage.is_empty() {
            Some("damaged")
        } else if stats.panics > 0 {
            Some("panicked")
        } else if stats.mismatches > 0 {
            Some("differs")
        } else {
            None
        }
    }

    /// Returns the section, which is `n`th.
    pub(super) fn section(&self, n: usize) -> String {
        let name = Escaped(&self.stats.name);
        let mut section =
            format!("<article id=\"c{n}\" aria-labelledby=\"h{n}\"><h2 id=\"h{n}\">{name}</h2>\n");
        let page = &mut section;
        self.troubles(page);
        self.advice(page);
        self.over_time(page);
        self.settings(page);
        self.counters(page);
        self.times(page);
        outstanding(page, "Largest entries", "Bytes", &self.details.largest, |bytes| size(*bytes));
        outstanding(page, "Dearest entries", "Time", &self.details.dearest, |time| duration(*time));
        page.push_str("<p><a href=\"#top\">All caches</a></p></article>\n");
        section
    }

    fn troubles(&self, page: &mut String) {
        let Self { stats, details, .. } = self;
        let mut troubles = Vec::new();
        troubles.extend(
            details
                .failure
                .as_ref()
                .map(|failure| format!("Results are not kept elsewhere: {failure}")),
        );
        troubles.extend(details.damage.iter().map(|damage| format!("Damage: {damage}")));
        troubles.extend(
            stats
                .discarded
                .iter()
                .map(|(count, reason)| format!("{} not used: {reason}", number(*count))),
        );
        if !troubles.is_empty() {
            page.push_str("<ul class=\"trouble\">");
            for trouble in troubles {
                let _ = write!(page, "<li>{}</li>", Escaped(trouble));
            }
            page.push_str("</ul>\n");
        }
    }

    fn advice(&self, page: &mut String) {
        let Some(advice) = &self.stats.advice else { return };
        page.push_str("<h3>Advice</h3>\n");
        let _ = writeln!(page, "<p>{}</p>", Escaped(advice));
        page.extend(chart::by_capacity(advice));
    }

    fn over_time(&self, page: &mut String) {
        if let Some(drawing) = chart::over_time(self.samples) {
            page.push_str("<h3>Hit ratio over time</h3>\n");
            page.push_str(&drawing);
        }
    }

    fn settings(&self, page: &mut String) {
        let settings = &self.details.settings;
        let list = settings
            .iter()
            .map(|setting| (setting.name, format!("<code>{}</code>", Escaped(&setting.value))));
        pairs(page, "Settings", list);
    }

    fn counters(&self, page: &mut String) {
        let s = self.stats;
        let counters = [
            ("hits", s.hits),
            ("misses", s.misses),
            ("disk hits", s.disk_hits),
            ("remote hits", s.remote_hits),
            ("coalesced", s.coalesced),
            ("stale", s.stale),
            ("stale if error", s.stale_if_error),
            ("refreshed", s.refreshed),
            ("evicted", s.evicted),
            ("expired", s.expired),
            ("over", s.over),
            ("invalidated", s.invalidated),
            ("uncached", s.uncached),
            ("unkeyable", s.unkeyable),
            ("unfinished", s.unfinished),
            ("panics", s.panics),
            ("listener panics", s.listener_panics),
            ("mismatches", s.mismatches),
            ("recovered", s.recovered),
            ("disk errors", s.persist_errors),
            ("remote misses", s.remote_misses),
            ("remote writes", s.remote_writes),
            ("remote drops", s.remote_drops),
            ("remote errors", s.remote_errors),
            ("invalidated by others", s.remote_invalidated),
            ("bytes of the log", s.log_bytes),
        ];
        let counted = counters
            .into_iter()
            .filter(|(name, count)| *count > 0 || ["hits", "misses"].contains(name));
        let mut list: Vec<_> = counted.map(|(name, count)| (name, number(count))).collect();
        list.extend(s.last_snapshot.map(|time| ("last snapshot", timestamp(time))));
        pairs(page, "Counters", list.into_iter());
    }

    fn times(&self, page: &mut String) {
        let s = self.stats;
        let kinds = [
            ("Computation", &s.compute_latency),
            ("Found on disk", &s.disk_latency),
            ("Found in the tier", &s.remote_latency),
            ("Wait for another caller", &s.wait_latency),
        ];
        let timed: Vec<_> = kinds.into_iter().filter(|(_, times)| !times.is_empty()).collect();
        if timed.is_empty() {
            return;
        }
        page.push_str(
            "<h3>Times</h3>\n<div class=\"scrolls\" tabindex=\"0\" role=\"group\" aria-label=\"Times\">\
             <table class=\"plain\"><thead><tr>\
             <th scope=\"col\">What</th><th scope=\"col\">Count</th><th scope=\"col\">p50</th>\
             <th scope=\"col\">p99</th><th scope=\"col\">Longest</th></tr></thead><tbody>",
        );
        for (what, times) in timed {
            row(page, what, times);
        }
        page.push_str("</tbody></table></div>\n");
    }
}

fn row(page: &mut String, what: &str, times: &Histogram) {
    let text = |time: Option<Duration>| time.map_or_else(String::new, duration);
    let _ = write!(
        page,
        "<tr><th scope=\"row\">{what}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
        number(times.count()),
        text(times.p50()),
        text(times.p99()),
        text(times.max()),
    );
}

/// A longer value, with its markup, has a line for itself.
const WIDE: usize = 36;

/// Writes names with values, which are HTML.
fn pairs(page: &mut String, title: &str, list: impl Iterator<Item = (&'static str, impl Display)>) {
    let _ = write!(page, "<h3>{title}</h3>\n<dl class=\"pairs\">");
    for (name, value) in list {
        let value = value.to_string();
        let class = if value.len() > WIDE { " class=\"wide\"" } else { "" };
        let _ = write!(page, "<div{class}><dt>{name}</dt><dd>{value}</dd></div>");
    }
    page.push_str("</dl>\n");
}

fn outstanding<T>(
    page: &mut String,
    title: &str,
    by: &str,
    entries: &[Outstanding<T>],
    text: fn(&T) -> String,
) {
    if entries.is_empty() {
        return;
    }
    let _ = write!(
        page,
        "<h3>{title}</h3>\n<div class=\"scrolls\" tabindex=\"0\" role=\"group\" aria-label=\"{title}\">\
         <table class=\"plain\"><thead><tr>\
         <th scope=\"col\">Arguments</th><th scope=\"col\">{by}</th><th scope=\"col\">In memory</th></tr></thead><tbody>",
    );
    for Outstanding { key, by, is_held } in entries {
        let held = if *is_held { "yes" } else { "no" };
        let _ = write!(
            page,
            "<tr><td><code>{}</code></td><td>{}</td><td>{held}</td></tr>",
            Escaped(key),
            text(by)
        );
    }
    page.push_str("</tbody></table></div>\n");
}
