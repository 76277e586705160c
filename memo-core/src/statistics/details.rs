//! What a report says of a cache beside its statistics.

use std::time::Duration;

/// How a cache is set up, how it is, and which of its entries stand out.
#[derive(Debug, Clone, Default)]
pub(crate) struct Details {
    pub(crate) settings: Vec<Setting>,
    /// Why results do not reach the disk or the tier.
    pub(crate) failure: Option<String>,
    /// The damage that was found on disk.
    pub(crate) damage: Vec<String>,
    /// The entries with the largest weights, with `max_bytes`.
    pub(crate) largest: Vec<Outstanding<u64>>,
    /// The computations that took longest.
    pub(crate) dearest: Vec<Outstanding<Duration>>,
}

/// An argument of the attribute, as it holds at present.
#[derive(Debug, Clone)]
pub(crate) struct Setting {
    pub(crate) name: &'static str,
    pub(crate) value: String,
}

/// An entry that stands out by something, and whether memory still has it.
#[derive(Debug, Clone)]
pub(crate) struct Outstanding<T> {
    /// The arguments, shortened.
    pub(crate) key: String,
    pub(crate) by: T,
    pub(crate) is_held: bool,
}

/// A cache that can tell its details. This takes time proportional to its entries.
pub(crate) trait Inspect: Send + Sync {
    /// `keys`: whether to tell entries by their keys.
    fn details(&self, keys: bool) -> Details;
}

/// How many entries of each kind are told.
pub(crate) const TOLD: usize = 8;
/// The most characters of a key that are told.
const KEY_LENGTH: usize = 200;

/// Returns the beginning of the text of a key.
pub(crate) fn shortened(key: &str) -> String {
    match key.char_indices().nth(KEY_LENGTH) {
        Some((end, _)) => format!("{}...", &key[..end]),
        None => key.to_owned(),
    }
}
