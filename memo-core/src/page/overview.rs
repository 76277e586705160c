//! The table of all caches, and the figures of all together.

use std::fmt::Write as _;
use std::time::Duration;

use super::text::{Escaped, number, percent};
use crate::statistics::report::{duration, size};
use crate::statistics::stats::Stats;

/// So many characters of a name are in a row. The section has more.
const LONGEST_NAME: usize = 120;

/// A column: its heading, the number by which it is sorted, and its text.
struct Column {
    heading: &'static str,
    rank: fn(&Stats) -> f64,
    text: fn(&Stats) -> String,
}

const fn column(
    heading: &'static str,
    rank: fn(&Stats) -> f64,
    text: fn(&Stats) -> String,
) -> Column {
    Column { heading, rank, text }
}

#[expect(clippy::cast_precision_loss, reason = "an order")]
const COLUMNS: [Column; 8] = [
    column("Calls", |stats| calls(stats) as f64, |stats| number(calls(stats))),
    column("Hit ratio", Stats::hit_ratio, ratio),
    column("Entries", |stats| stats.entries as f64, |stats| number(stats.entries)),
    column("Bytes", |stats| stats.bytes as f64, |stats| size(stats.bytes)),
    column("Evicted", |stats| stats.evicted as f64, |stats| number(stats.evicted)),
    column(
        "Mean computation",
        |stats| stats.mean_compute().as_secs_f64(),
        |stats| duration(stats.mean_compute()),
    ),
    column("Saved", |stats| stats.time_saved.as_secs_f64(), |stats| duration(stats.time_saved)),
    column("On disk", |stats| stats.stored as f64, |stats| number(stats.stored)),
];

fn calls(stats: &Stats) -> u64 {
    stats.hits + stats.misses
}

fn ratio(stats: &Stats) -> String {
    if calls(stats) == 0 {
        return "no calls".to_owned();
    }
    let ratio = stats.hit_ratio();
    format!(
        "<span><meter value=\"{ratio:.3}\" aria-hidden=\"true\"></meter>{}</span>",
        percent(ratio)
    )
}

/// Writes the figures of all caches together.
pub(super) fn totals(page: &mut String, caches: &[Stats]) {
    let sum = |of: fn(&Stats) -> u64| caches.iter().map(of).fold(0, u64::saturating_add);
    let all = Stats {
        hits: sum(|stats| stats.hits),
        misses: sum(|stats| stats.misses),
        ..Stats::default()
    };
    let saved =
        caches.iter().map(|stats| stats.time_saved).fold(Duration::ZERO, Duration::saturating_add);
    let figures = [
        ("Caches", number(caches.len() as u64)),
        ("Calls", number(calls(&all))),
        (
            "Hit ratio",
            if calls(&all) == 0 { "no calls".to_owned() } else { percent(all.hit_ratio()) },
        ),
        ("Time saved", duration(saved)),
        ("Bytes", size(sum(|stats| stats.bytes))),
    ];
    page.push_str("<dl class=\"totals\">");
    for (name, figure) in figures {
        let _ = write!(page, "<div><dt>{name}</dt><dd>{figure}</dd></div>");
    }
    page.push_str("</dl>\n");
}

/// Writes the style of a narrow page, where each row is a card: cells have the heading of their column before them.
pub(super) fn labels(page: &mut String) {
    let headings = COLUMNS.iter().map(|column| column.heading).chain(["State"]);
    for (heading, column) in headings.zip(2..) {
        let _ = writeln!(
            page,
            "@media screen and (max-width: 60rem) {{ \
             main > table td:nth-child({column})::before {{ content: \"{heading}\"; }} }}"
        );
    }
}

/// Writes the table of these rows.
pub(super) fn table(page: &mut String, rows: impl Iterator<Item = String>) {
    page.push_str("<table role=\"table\"><caption>All caches. A heading sorts by its column.</caption><thead role=\"rowgroup\"><tr role=\"row\">");
    heading(page, "Cache", "ascending");
    COLUMNS.iter().for_each(|column| heading(page, column.heading, "none"));
    heading(page, "State", "none");
    page.push_str("</tr></thead><tbody role=\"rowgroup\">\n");
    page.extend(rows);
    page.push_str("</tbody></table>\n");
}

/// Returns the row of the `n`th cache, and what is wrong with that. Its name leads to its section.
pub(super) fn row(n: usize, stats: &Stats, trouble: Option<&'static str>) -> String {
    let mut row = "<tr role=\"row\"><th role=\"rowheader\" scope=\"row\">".to_owned();
    let name: String = stats.name.chars().take(LONGEST_NAME).collect();
    let dots = if name.len() < stats.name.len() { "..." } else { "" };
    let _ = write!(row, "<a href=\"#c{n}\">{}{dots}</a></th>", Escaped(name));
    for column in &COLUMNS {
        cell(&mut row, (column.rank)(stats), &(column.text)(stats));
    }
    match trouble {
        Some(trouble) => cell(&mut row, 1.0, &format!("<b class=\"bad\">{trouble}</b>")),
        None => cell(&mut row, 0.0, "good"),
    }
    row.push_str("</tr>\n");
    row
}

/// Returns a row whose cache has no section.
pub(super) fn without_link(row: &str) -> String {
    let link = row.find("<a ").and_then(|begin| Some((begin, begin + row[begin..].find('>')? + 1)));
    let Some((begin, end)) = link else { return row.to_owned() };
    format!("{}{}", &row[..begin], row[end..].replacen("</a>", "", 1))
}

fn heading(page: &mut String, text: &str, sorted: &str) {
    let _ = write!(
        page,
        "<th role=\"columnheader\" scope=\"col\" aria-sort=\"{sorted}\"><button type=\"button\">{text}</button></th>"
    );
}

fn cell(row: &mut String, rank: f64, text: &str) {
    let _ = write!(row, "<td role=\"cell\" data-rank=\"{rank}\">{text}</td>");
}
