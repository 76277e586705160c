//! The units of sizes and durations: `64MiB`, `30s`.

use crate::parse::suggestion;

/// Other spellings of a unit, by its name.
pub(crate) type Spellings = [(&'static str, &'static [&'static str])];

/// The error about an unknown unit, with a suggestion if one is near. It ends with `accepted`.
pub(crate) fn unknown(
    number: &str,
    unit: &str,
    units: &[&str],
    others: &Spellings,
    accepted: &str,
) -> String {
    let lower = unit.to_lowercase();
    let other = || others.iter().find(|(_, others)| others.contains(&&*lower));
    let meant = units
        .iter()
        .copied()
        .find(|name| name.to_lowercase() == lower)
        .or_else(|| other().map(|&(name, _)| name))
        .or_else(|| suggestion::nearest(unit, units.iter().copied()));
    match meant {
        Some(meant) => format!("unknown unit `{unit}`, did you mean `{number}{meant}`? {accepted}"),
        None => format!("unknown unit `{unit}`; {accepted}"),
    }
}

/// The longest beginning of a text whose characters all `belong`, and the rest.
pub(crate) fn split(text: &str, belongs: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !belongs(c)).unwrap_or(text.len()))
}
