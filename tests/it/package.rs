//! A package in a temporary folder, which is built and run as a user's is. Its results stay in that folder, so a test
//! can edit the program between two runs.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::support;

pub(crate) struct Package(TempDir);

impl Package {
    /// Makes a package with a name that no other test uses, because they share what they build. Its feature is `fast`.
    pub(crate) fn new(name: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be created");
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let manifest = format!(
            "[package]\nname = {name:?}\nedition = \"2021\"\n[features]\nfast = []\n[workspace]\n[dependencies]\n\
             memokit = {{ path = {root:?}, features = [\"cbor\", \"json\"] }}\n\
             serde = {{ version = \"1\", features = [\"derive\"] }}\n\
             chrono = {{ version = \"0.4\", default-features = false, features = [\"serde\"] }}\n"
        );
        fs::create_dir(folder.path().join("src")).unwrap();
        fs::write(folder.path().join("Cargo.toml"), manifest).unwrap();
        fs::copy(root.join("Cargo.lock"), folder.path().join("Cargo.lock")).unwrap();
        Self(folder)
    }

    /// Writes a file of the sources.
    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.0.path().join("src").join(name), text).unwrap();
    }

    /// Returns the command that builds and runs the program.
    pub(crate) fn command(&self) -> Command {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("packages");
        let mut command = Command::new(env!("CARGO"));
        command.args(["run", "--quiet", "--offline"]);
        command.current_dir(self.0.path()).env("CARGO_TARGET_DIR", target);
        command
    }

    /// Builds and runs the program `main`, and returns what it prints.
    #[track_caller]
    pub(crate) fn run(&self, main: &str) -> String {
        self.write("main.rs", main);
        run(&mut self.command())
    }
}

/// Runs a command of [`Package::command`], and returns what it prints.
#[track_caller]
pub(crate) fn run(command: &mut Command) -> String {
    support::run_within(Duration::from_secs(1800), command).trim().to_owned()
}
