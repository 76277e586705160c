//! The units of what is written as numbers with units: `64MiB`, `30s`.

use crate::parse::suggestion as suggest;

/// Other spellings of a unit, by its name.
pub(crate) type Spellings = [(&'static str, &'static [&'static str])];

/// The error about a unit that there is none of, with the one that was meant if that can be told; `accepted` ends it.
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
        .or_else(|| suggest::nearest(unit, units.iter().copied()));
    match meant {
        Some(meant) => format!("unknown unit `{unit}`, did you mean `{number}{meant}`? {accepted}"),
        None => format!("unknown unit `{unit}`; {accepted}"),
    }
}

/// A text's beginning of characters that belong together, and the rest.
pub(crate) fn split(text: &str, belongs: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !belongs(c)).unwrap_or(text.len()))
}
