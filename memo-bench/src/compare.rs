//! Measures every case, and shows the times as a table and as charts.

use std::path::Path;

use crate::cases;
use crate::command::Plan;
use crate::measure::{self, Times};
use crate::plot::bars::{Chart, Group, Scale};
use crate::report::{Column, Table};

pub(crate) const COLUMNS: [Column; 6] = [
    Column("case", 32, 0),
    Column("contender", 20, 0),
    Column("ns", 9, 1),
    Column("min", 9, 1),
    Column("max", 9, 1),
    Column("ratio", 7, 2),
];

/// The titles of the charts, by the first part of the names of their cases.
const CHARTS: [(&str, &str); 4] = [
    ("hit", "Hits"),
    ("insert", "Misses in a cache with room"),
    ("evict", "Misses in a full cache"),
    ("mixed", "Hits and misses where a tenth of the keys fits"),
];

pub(crate) fn run(plan: &Plan) -> Result<(), String> {
    let chosen: Vec<_> = cases::all().into_iter().filter(|case| plan.wants(&case.name)).collect();
    if chosen.is_empty() {
        return Err(
            "no case has all of these words in its name; `memo-bench list` shows the names".into(),
        );
    }
    let mut table = Table::begin(plan.json, &COLUMNS);
    let mut groups = Vec::new();
    for case in chosen {
        let times = measure::measure(&case, plan)?;
        show(&mut table, &case.name, &times);
        groups.push(beside_memokit(case.name, &times));
    }
    plan.plot.as_deref().map_or(Ok(()), |directory| plot(groups, directory))
}

/// Shows a row for each contender. The first one is memokit. A ratio is memokit's time divided by the contender's.
pub(crate) fn show(table: &mut Table, case: &str, times: &[Times]) {
    for (at, contender) in times.iter().enumerate() {
        let (least, most) = contender.spread();
        let ratio = (at > 0).then(|| times[0].ratio(contender));
        let median = contender.median();
        let name = contender.name;
        table.row(&[
            case.into(),
            name.into(),
            median.into(),
            least.into(),
            most.into(),
            ratio.into(),
        ]);
    }
}

/// Returns a bar for each rival. A contender with a comma in its name is a variant of another one. Of these variants
/// only memokit's has a bar.
fn beside_memokit(case: String, times: &[Times]) -> Group {
    let bar = |rival: &Times| {
        let name = match rival.name.split_once([',', '+']) {
            Some(("memokit", _)) => "memokit without",
            Some((_, without)) if without.starts_with(' ') => return None,
            Some((stem, _)) => stem,
            None => rival.name,
        };
        Some((name.to_owned(), times[0].ratio(rival)))
    };
    Group { title: case, bars: times.iter().skip(1).filter_map(bar).collect() }
}

/// Writes one chart for each combination of the kind of call, the number of entries and the number of threads.
fn plot(groups: Vec<Group>, directory: &Path) -> Result<(), String> {
    let mut charts: Vec<(String, Chart)> = Vec::new();
    for group in groups {
        let parts: Vec<&str> = group.title.split('/').collect();
        let [kind, key, entries, access @ .., threads] = parts.as_slice() else { continue };
        let what = CHARTS.iter().find(|(begin, _)| begin == kind).map_or(*kind, |(_, what)| what);
        let name = [*kind, entries, threads].join("-");
        let title = format!(
            "{what}, {entries}, {threads}: memokit's time divided by each rival's, memokit is faster left of 1"
        );
        let group = Group { title: [&[*key], access].concat().join(", "), bars: group.bars };
        match charts.iter_mut().find(|chart| chart.0 == name) {
            Some((_, chart)) => chart.groups.push(group),
            None => charts.push((name, Chart { title, scale: Scale::Ratio, groups: vec![group] })),
        }
    }
    charts.iter().try_for_each(|(name, chart)| chart.write(directory, name))
}
