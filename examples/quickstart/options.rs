//! The command line.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub(crate) const HELP: &str = "\
Usage: quickstart [FOLDER] [OPTIONS]

Analyses the text files below FOLDER (default: this repository).

  --cache DIR   where results are kept (default: target/quickstart-cache)
  --fresh       forget what earlier runs computed
  --top K       how many pairs of similar files to show (default: 10)
  --slow MS     make each analysis take so much longer, for demonstrations
  --help        this text
";

#[derive(Debug, Clone)]
pub(crate) struct Options {
    pub(crate) folder: PathBuf,
    pub(crate) cache: PathBuf,
    pub(crate) fresh: bool,
    pub(crate) top: usize,
    pub(crate) slow: Duration,
}

impl Default for Options {
    fn default() -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).to_owned();
        let target = folder.join("target");
        let cache = if target.is_dir() {
            target.join("quickstart-cache")
        } else {
            std::env::temp_dir().join("memokit-quickstart-cache")
        };
        Self { folder, cache, fresh: false, top: 10, slow: Duration::ZERO }
    }
}

impl Options {
    /// The options given, or `None` where help was asked for.
    pub(crate) fn parse(mut args: impl Iterator<Item = OsString>) -> Result<Option<Self>, String> {
        let mut options = Self::default();
        let mut folder = None;
        while let Some(arg) = args.next() {
            let name = arg.to_string_lossy().into_owned();
            let mut value = || args.next().ok_or(format!("{name} needs a value"));
            match &*name {
                "--help" | "-h" => return Ok(None),
                "--fresh" => options.fresh = true,
                "--cache" => options.cache = value()?.into(),
                "--top" => options.top = number(&name, &value()?)?,
                "--slow" => options.slow = Duration::from_millis(number(&name, &value()?)?),
                unknown if unknown.starts_with('-') => {
                    return Err(format!("unknown option `{unknown}`; --help lists the options"));
                }
                _ if folder.is_some() => return Err(format!("a second folder: `{name}`")),
                _ => folder = Some(arg.into()),
            }
        }
        options.folder = folder.unwrap_or(options.folder);
        Ok(Some(options))
    }
}

fn number<N: std::str::FromStr>(name: &str, value: &OsString) -> Result<N, String> {
    let text = value.to_string_lossy();
    text.parse().map_err(|_| format!("{name} needs a whole number, not `{text}`"))
}
