//! A row of the page: what was observed of a type, in words.

use crate::storage::{DEFAULT, Storage};

/// What was observed of a type.
pub struct Row {
    pub name: &'static str,
    /// Whether two equal values had one key.
    pub hits: bool,
    /// Pairs of equal values that had two keys.
    pub misses: Vec<String>,
    /// Pairs of different values that had one key.
    pub shared: Vec<String>,
    /// Samples without a key.
    pub unkeyable: Vec<String>,
    /// `None` if the type cannot be a stored result.
    pub storage: Option<Storage>,
    /// The way out.
    pub way: &'static str,
}

impl Row {
    /// The name of the crate in Cargo.toml, or `std`.
    pub fn package(&self) -> String {
        let path = self.name.split("::").next().unwrap_or_default();
        if self.name.contains("::") { path.to_owned() } else { "std".to_owned() }
    }

    /// The cells of the row in the table of its family.
    pub fn cells(&self) -> [String; 6] {
        let name = format!("`{}`", self.name);
        [
            name,
            self.equal_values(),
            self.different_values(),
            self.stored(),
            self.returned(),
            self.way.to_owned(),
        ]
    }

    pub fn different_values(&self) -> String {
        if self.shared.is_empty() { String::new() } else { format!("**{}**", few(&self.shared)) }
    }

    fn equal_values(&self) -> String {
        let mut words = Vec::new();
        match (self.hits, self.misses.is_empty()) {
            (true, true) => words.push("hit".to_owned()),
            (true, false) => words.push(format!("hit, but not {}", few(&self.misses))),
            (false, false) => words.push(format!("no hit: {}", few(&self.misses))),
            (false, true) => {}
        }
        if !self.unkeyable.is_empty() {
            words.push(format!("no key: {}", few(&self.unkeyable)));
        }
        words.join("; ")
    }

    fn stored(&self) -> String {
        let Some(storage) = &self.storage else { return "not as a result".to_owned() };
        let by = match storage.by.as_slice() {
            [] => "no".to_owned(),
            [by] if *by == DEFAULT => by.to_string(),
            by => by.join(" or "),
        };
        match (storage.refused.as_slice(), storage.for_all.as_slice()) {
            ([], _) => by,
            (refused, []) => format!("{by}, but not {}", few(refused)),
            (refused, codecs) => {
                format!("{by}, but not {}; all with {}", few(refused), codecs.join(" or "))
            }
        }
    }

    fn returned(&self) -> String {
        self.storage.as_ref().map_or(String::new(), |storage| few(&storage.changed))
    }
}

/// Lists up to three items.
fn few(items: &[impl AsRef<str>]) -> String {
    let shown: Vec<_> = items.iter().take(3).map(|item| item.as_ref()).collect();
    let more = if items.len() > 3 { ", and more" } else { "" };
    shown.join(", ") + more
}
