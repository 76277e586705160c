//! The page as a whole.

use std::fmt::Write as _;

use super::overview;
use super::section::Told;
use super::text::{Escaped, timestamp};
use crate::platform::clock;
use crate::platform::process;
use crate::statistics::details::Details;
use crate::statistics::report::{Report, program};

/// The page is not much longer than this. If there are too many caches, those with the fewest calls have no section, or
/// not even a row.
const MOST_BYTES: usize = 190_000;
/// The rows are no longer than this together.
const MOST_BYTES_OF_ROWS: usize = 130_000;

const HEAD: &str = concat!(
    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">",
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">",
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; ",
    "script-src 'unsafe-inline'\"><meta name=\"referrer\" content=\"no-referrer\">",
    "<title>memokit report</title>\n<style>",
    include_str!("page.css"),
);
const BODY: &str = "</style></head>\n<body id=\"top\"><header><h1>Caches</h1>\n";
const END: &str =
    concat!("</main>\n<script>", include_str!("page.js"), "</script></body></html>\n");

impl Report {
    /// Returns the report as a page of HTML that needs nothing from elsewhere: a table of all caches, and a section of
    /// each with its settings, times, advice, trouble, and the entries that stand out. It is shorter than 200 KB; if
    /// there are too many caches for that, those with the fewest calls are left out, and the page says so.
    ///
    /// The page shows arguments of calls, unless the report is [`without_keys`](Report::without_keys). The time that
    /// this takes is proportional to the number of all entries.
    #[must_use]
    pub fn to_html(&self) -> String {
        let details: Vec<Details> = self.details();
        let told = |n: usize| Told {
            stats: &self.caches()[n],
            details: &details[n],
            samples: self.samples(n),
        };
        let mut order: Vec<usize> = (0..self.caches().len()).collect();
        order.sort_by_key(|&n| std::cmp::Reverse(self.caches()[n].hits + self.caches()[n].misses));
        let row = |n| overview::row(n, &self.caches()[n], told(n).trouble());
        let mut rows = fitting(MOST_BYTES_OF_ROWS, &order, row);
        let taken = rows.iter().map(|(_, row)| row.len()).sum::<usize>() + HEAD.len() + END.len();
        let sections = fitting(MOST_BYTES - taken, &order, |n| told(n).section(n));
        for (n, row) in &mut rows {
            if sections.binary_search_by_key(n, |(section, _)| *section).is_err() {
                *row = overview::without_link(row);
            }
        }
        let mut page = HEAD.to_owned();
        overview::labels(&mut page);
        page.push_str(BODY);
        begin(&mut page);
        overview::totals(&mut page, self.caches());
        page.push_str("</header><main>\n");
        let (missing_rows, missing) =
            (self.caches().len() - rows.len(), self.caches().len() - sections.len());
        overview::table(&mut page, rows.into_iter().map(|(_, row)| row));
        if missing > 0 {
            let _ = writeln!(
                page,
                "<p>Left out, because they have the fewest calls: {missing_rows} rows, {missing} sections.</p>"
            );
        }
        page.extend(sections.into_iter().map(|(_, section)| section));
        page.push_str(END);
        page
    }
}

/// Makes parts in this order, as long as they take no more bytes together. Returns them by rising numbers.
fn fitting(
    mut bytes: usize,
    order: &[usize],
    make: impl Fn(usize) -> String,
) -> Vec<(usize, String)> {
    let mut parts = Vec::new();
    for &n in order {
        let part = make(n);
        let Some(left) = bytes.checked_sub(part.len()) else { break };
        bytes = left;
        parts.push((n, part));
    }
    parts.sort_unstable_by_key(|(n, _)| *n);
    parts
}

/// Writes which program this is about, and when.
fn begin(page: &mut String) {
    let now = timestamp(clock::system_time());
    let _ = writeln!(
        page,
        "<p class=\"when\">{}, process {}, <time datetime=\"{now}\">{now}</time></p>",
        Escaped(program()),
        process::id(),
    );
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::statistics::details::{Inspect, Outstanding, Setting};
    use crate::statistics::report::Source;
    use crate::statistics::samples::Sample;
    use crate::statistics::stats::Stats;

    /// A cache in bad health, with long texts that would be markup if they were not escaped.
    struct Ailing;

    const MARKUP: &str = "</code><script>alert('x')</script>";

    impl Inspect for Ailing {
        fn details(&self, keys: bool) -> Details {
            let outstanding = |_| Outstanding {
                key: MARKUP.repeat(6),
                by: Duration::from_millis(3),
                is_held: false,
            };
            Details {
                settings: vec![Setting { name: "persist", value: format!("/x/{MARKUP}") }],
                failure: Some(MARKUP.to_owned()),
                damage: vec![MARKUP.to_owned(); 16],
                largest: Vec::new(),
                dearest: if keys { (0..8).map(outstanding).collect() } else { Vec::new() },
            }
        }
    }

    fn report(count: u64) -> Report {
        let sample = |n: u64| Sample {
            at: SystemTime::UNIX_EPOCH + Duration::from_secs(10 * n),
            hits: n * n,
            misses: n,
            entries: n,
        };
        let cache = |n: u64| {
            let name = format!("krate::module::function_{n}<{MARKUP}>");
            let stats = Stats { name, hits: n, misses: 1, ..Stats::default() };
            (stats, Source { cache: Arc::new(Ailing), samples: (0..360).map(sample).collect() })
        };
        Report::of((0..count).map(cache).collect())
    }

    #[test]
    fn a_page_is_short_however_many_caches_there_are() {
        for count in [0, 1, 20, 100, 5000] {
            let page = report(count).to_html();
            assert!(page.len() < 200_000, "{count}: {}", page.len());
            assert_eq!(page.contains("Left out"), count > 20, "{count}");
            let rows = page.matches("<tr role=\"row\"><th role=\"rowheader\"").count() as u64;
            assert!(rows == count || rows > 100, "{rows}");
            // The busiest have sections, and the links lead to those.
            let sections = page.matches("<article").count();
            assert_eq!(page.matches("<a href=\"#c").count(), sections);
            assert!(count == 0 || page.contains(&format!("function_{}", count - 1)));
            assert!(sections as u64 == count || sections > 5, "{sections}");
        }
    }

    #[test]
    fn a_page_is_short_however_long_its_texts_are() {
        for name in ["\"".repeat(300_000), "long ".repeat(50_000)] {
            let caches = (0..200).map(|n| {
                let stats = Stats { name: format!("{n}{name}"), hits: n, ..Stats::default() };
                (stats, Source { cache: Arc::new(Ailing), samples: Vec::new() })
            });
            let page = Report::of(caches.collect()).to_html();
            assert!(page.len() < 200_000, "{}", page.len());
            assert!(page.matches("<article").count() > 1);
            assert!(page.contains(">199"));
        }
    }

    #[test]
    fn nothing_becomes_markup_or_comes_from_elsewhere() {
        let page = report(5).to_html();
        assert_eq!(page.matches("<script").count(), 1);
        assert!(page.contains("&lt;script&gt;"));
        assert!(!page.contains("http://") && !page.contains("https://") && !page.contains("src="));
    }

    #[test]
    fn arguments_are_left_out_if_asked_for() {
        let (with, without) = (report(1), report(1).without_keys());
        assert!(with.to_html().contains("Dearest") && with.to_json().contains("is_held"));
        assert!(!without.to_html().contains("Dearest") && !without.to_json().contains("is_held"));
    }

    #[test]
    fn the_same_is_there_as_json() {
        let json: serde_json::Value = serde_json::from_str(&report(3).to_json()).unwrap();
        let cache = &json["caches"][2];
        assert_eq!((&cache["stats"]["hits"], &cache["failure"]), (&2.into(), &MARKUP.into()));
        assert_eq!(cache["samples"][359]["misses"], 359);
        assert_eq!(cache["dearest"][7]["time"]["nanos"], 3_000_000);
        assert_eq!(json["process"], process::id());
    }
}
