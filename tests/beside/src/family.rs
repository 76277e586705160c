//! The rows, as the files in families/ have them.

use std::error::Error;
use std::path::Path;

use serde::Deserialize;

/// One file of rows, and one table of the page.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Family {
    /// The file's name.
    #[serde(skip)]
    pub(crate) name: String,
    /// Where the table stands in the page.
    pub(crate) place: usize,
    pub(crate) title: String,
    /// What holds for the whole table.
    pub(crate) about: String,
    #[serde(rename = "row")]
    pub(crate) rows: Vec<Row>,
}

/// One attribute on one kind of function.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Row {
    /// The name of its programs, which follows the name of the family.
    pub(crate) name: String,
    /// What the page calls it.
    pub(crate) title: String,
    /// The crate of the attribute. None for the language's own.
    #[serde(rename = "crate")]
    pub(crate) package: Option<String>,
    /// The attribute whose order with `#[memoize]` matters.
    pub(crate) attribute: Option<String>,
    /// What stands at `@memoize`.
    #[serde(default = "plain_memoize")]
    pub(crate) memoize: String,
    /// The items of the program. `@both` stands for both attributes, `@memoize` for `#[memoize]` alone.
    pub(crate) code: String,
    /// Statements before the calls.
    #[serde(default)]
    pub(crate) before: String,
    /// Statements after the calls.
    #[serde(default)]
    pub(crate) after: String,
    /// The call of the function, whose value is 2. Without it the program is only checked.
    pub(crate) call: Option<String>,
    /// Whether the program counts effects of the attribute.
    #[serde(default)]
    pub(crate) effect: bool,
    /// What to do, and why.
    pub(crate) advice: String,
}

fn plain_memoize() -> String {
    "memoize".to_owned()
}

impl Family {
    /// All families, in the order of the page.
    pub(crate) fn all() -> Result<Vec<Self>, Box<dyn Error>> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("families");
        let mut families = Vec::new();
        for entry in std::fs::read_dir(folder)? {
            families.push(Self::read(&entry?.path())?);
        }
        families.sort_by_key(|family| family.place);
        Ok(families)
    }

    fn read(path: &Path) -> Result<Self, Box<dyn Error>> {
        let text = std::fs::read_to_string(path)?;
        let mut family: Self =
            toml::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
        family.name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Ok(family)
    }
}
