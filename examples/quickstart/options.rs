//! The command line.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub(crate) const HELP: &str = "\
Usage: quickstart [DIRECTORY] [OPTIONS]

Analyses the text files below DIRECTORY (default: this repository).

  --cache DIR   the directory where results are stored (default: target/quickstart-cache)
  --fresh       discard the results of earlier runs
  --top K       how many pairs of similar files to show (default: 10)
  --slow MS     make each analysis take MS milliseconds longer, for demonstrations
  --help        show this text
";

#[derive(Debug, Clone)]
pub(crate) struct Options {
    pub(crate) directory: PathBuf,
    pub(crate) cache: PathBuf,
    pub(crate) fresh: bool,
    pub(crate) top: usize,
    pub(crate) slow: Duration,
}

impl Default for Options {
    fn default() -> Self {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).to_owned();
        let target = directory.join("target");
        let cache = if target.is_dir() {
            target.join("quickstart-cache")
        } else {
            std::env::temp_dir().join("memokit-quickstart-cache")
        };
        Self { directory, cache, fresh: false, top: 10, slow: Duration::ZERO }
    }
}

impl Options {
    /// Returns the given options, or `None` if help is requested.
    pub(crate) fn parse(mut args: impl Iterator<Item = OsString>) -> Result<Option<Self>, String> {
        let mut options = Self::default();
        let mut directory = None;
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
                _ if directory.is_some() => return Err(format!("a second directory: `{name}`")),
                _ => directory = Some(arg.into()),
            }
        }
        options.directory = directory.unwrap_or(options.directory);
        Ok(Some(options))
    }
}

fn number<N: std::str::FromStr>(name: &str, value: &OsString) -> Result<N, String> {
    let text = value.to_string_lossy();
    text.parse().map_err(|_| format!("{name} needs a whole number, not `{text}`"))
}
