//! What a report says of a cache beside its statistics.

use std::fmt::{self, Debug, Write};
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
    /// The entries that took longest to compute, also those that are not held any more.
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

/// Returns the beginning of the text of a key. The rest is not made.
pub(crate) fn shortened(key: &dyn Debug) -> String {
    let mut beginning = Beginning { text: String::new(), left: KEY_LENGTH };
    if write!(beginning, "{key:?}").is_err() {
        beginning.text.push_str("...");
    }
    beginning.text
}

struct Beginning {
    text: String,
    /// How many more characters there may be.
    left: usize,
}

impl Write for Beginning {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        match text.char_indices().nth(self.left) {
            Some((end, _)) => {
                self.text.push_str(&text[..end]);
                self.left = 0;
                Err(fmt::Error)
            }
            None => {
                self.text.push_str(text);
                self.left -= text.chars().count();
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_of_a_key_is_made_than_is_shown() {
        struct Endless;
        impl Debug for Endless {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                loop {
                    f.write_str("äb")?;
                }
            }
        }
        assert_eq!(shortened(&Endless), format!("{}...", "äb".repeat(KEY_LENGTH / 2)));
        let whole = "x".repeat(KEY_LENGTH - 2);
        assert_eq!(shortened(&whole), format!("{whole:?}"));
    }
}
