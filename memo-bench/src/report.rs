//! The table, or the same as JSON lines.

use crate::measure::Times;
use crate::memory::Taken;

pub(crate) struct Table {
    json: bool,
}

impl Table {
    pub(crate) fn begin(json: bool) -> Self {
        if !json {
            println!(
                "{:<34} {:<20} {:>9}  {:<19} {:>13}",
                "case", "contender", "ns/op", "min..max", "memokit/rival"
            );
        }
        Self { json }
    }

    /// Prints a case at once: a run that is cut short has shown what it measured. The first contender is memokit.
    pub(crate) fn add(&mut self, case: &str, times: &[Times]) {
        let Some(memokit) = times.first() else { return };
        for (at, contender) in times.iter().enumerate() {
            let (least, most) = contender.spread();
            let ratio = memokit.ratio(contender);
            let (name, median) = (contender.name, contender.median());
            if self.json {
                println!(
                    r#"{{"case":"{case}","contender":"{name}","ns":{median:.2},"min":{least:.2},"max":{most:.2},"rounds":{},"ratio":{ratio:.3}}}"#,
                    contender.rounds.len()
                );
            } else {
                let case = if at == 0 { case } else { "" };
                let spread = format!("{least:.1}..{most:.1}");
                let ratio = if at == 0 { String::new() } else { format!("{ratio:.2}") };
                println!("{case:<34} {name:<20} {median:>9.1}  {spread:<19} {ratio:>13}");
            }
        }
    }
}

/// Memory by contender, the first memokit.
pub(crate) fn memory(all: &[Taken], json: bool) {
    if !json {
        println!(
            "{:<14} {:>9} {:>12} {:>9} {:>14} {:>7} {:>7}",
            "contender", "entries", "bytes/entry", "churned", "peak/entry", "ratio", "churned"
        );
    }
    let Some(memokit) = all.first() else { return };
    for taken in all {
        let Taken { name, entries, filled, churned, peak } = taken;
        let (fresh, later) = (memokit.filled / filled, memokit.churned / churned);
        if json {
            println!(
                r#"{{"contender":"{name}","entries":{entries},"filled":{filled:.1},"churned":{churned:.1},"peak":{peak:.1},"ratio_filled":{fresh:.3},"ratio_churned":{later:.3}}}"#
            );
        } else {
            println!(
                "{name:<14} {entries:>9} {filled:>12.1} {churned:>9.1} {peak:>14.1} {fresh:>7.2} {later:>7.2}"
            );
        }
    }
}
