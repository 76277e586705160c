//! The package of the programs, written below the target directory. It has the dependencies and the lock file of this
//! one.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::case::Case;
use crate::family::Family;

/// Writes the package, and returns its directory.
pub(crate) fn write(families: &[Family]) -> Result<PathBuf, Box<dyn Error>> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let package = target().join("cases");
    for folder in ["src/bin", "examples"] {
        fs::create_dir_all(package.join(folder))?;
        remove_old(&package.join(folder), families)?;
    }
    let repository = fs::canonicalize(here.join("../.."))?.display().to_string();
    let manifest = fs::read_to_string(here.join("Cargo.toml"))?;
    let manifest = manifest.replace("path = \"../..\"", &format!("path = {repository:?}"));
    replace(&package.join("Cargo.toml"), &manifest)?;
    for (from, to) in [("Cargo.lock", "Cargo.lock"), ("cases/lib.rs", "src/lib.rs")] {
        replace(&package.join(to), &fs::read_to_string(here.join(from))?)?;
    }
    for case in Case::all(families) {
        replace(&package.join(case.path()), &case.source())?;
    }
    Ok(package)
}

/// Removes the programs of cases that are no more.
fn remove_old(folder: &Path, families: &[Family]) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if !Case::all(families).any(|case| path.ends_with(case.path())) {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// Writes a file unless it has that text, so that cargo builds only what has changed.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    if fs::read_to_string(path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    fs::write(path, text)
}

/// The target directory, in which this program lies as debug/beside.
pub(crate) fn target() -> PathBuf {
    let program = std::env::current_exe().expect("a running program has a path");
    program.ancestors().nth(2).expect("cargo puts programs into target/debug").to_owned()
}
