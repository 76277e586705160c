//! Runs cargo in a directory of its own, with a time limit, and measures the cost.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use super::subject::NAME;
use crate::scratch;

/// The time limit of one build.
const LIMIT: Duration = Duration::from_secs(600);

/// A shell script that runs its arguments and then prints their times on standard output. Output of cargo goes to
/// standard error.
const TIMED: &str = r#""$0" "$@" >&2; code=$?; times; exit $code"#;

/// The cost of a build. All fields but `crates` are in seconds. `cargo check` tells no times of passes.
pub(super) struct Cost {
    pub(super) user: f64,
    pub(super) wall: f64,
    /// The number of packages that were compiled, including this one.
    pub(super) crates: f64,
    pub(super) macros: f64,
    pub(super) checks: f64,
    pub(super) codegen: f64,
}

/// What cargo does with a package.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Release,
    Dev,
    /// `cargo check`
    Check,
}

impl Mode {
    fn args(self) -> &'static [&'static str] {
        match self {
            Self::Release => &["rustc", "--lib", "--offline", "--release", "--", "-Ztime-passes"],
            Self::Dev => &["rustc", "--lib", "--offline", "--", "-Ztime-passes"],
            Self::Check => &["check", "--lib", "--offline"],
        }
    }
}

/// Emits the package's own code before any optimization, in one file.
const EMIT: [&str; 8] = [
    "rustc",
    "--lib",
    "--offline",
    "--release",
    "--",
    "--emit=llvm-ir",
    "-Cno-prepopulate-passes",
    "-Ccodegen-units=1",
];

/// A package to build.
pub(super) struct Cargo {
    pub(super) directory: PathBuf,
}

impl Cargo {
    pub(super) fn new(name: &str) -> Self {
        Self { directory: scratch::directory(&name.replace('/', "-")) }
    }

    pub(super) fn target(&self) -> PathBuf {
        self.directory.join("target")
    }

    pub(super) fn remove(self) {
        // If this fails, the rest is removed with the temporary directory of this process.
        _ = fs::remove_dir_all(self.directory);
    }

    /// Makes the next build compile the crate again.
    pub(super) fn touch(&self) -> Result<(), String> {
        let file = File::options().append(true).open(self.directory.join("src/lib.rs"));
        file.and_then(|file| file.set_modified(std::time::SystemTime::now()))
            .map_err(|error| error.to_string())
    }

    /// Fails if a dependency of the package is not available offline.
    pub(super) fn resolve(&self) -> Result<(), String> {
        self.run(&["tree", "--offline"]).map(drop)
    }

    pub(super) fn build(&self, mode: Mode) -> Result<Cost, String> {
        let began = Instant::now();
        let (times, log) = self.run(mode.args())?;
        let wall = began.elapsed().as_secs_f64();
        let passes = |names: &[&str]| names.iter().map(|name| pass(&log, name)).sum();
        Ok(Cost {
            user: user(&times).ok_or(format!("unexpected output of `times`: {times}"))?,
            wall,
            crates: log.lines().filter(|line| is_about_crate(line)).count() as f64,
            macros: passes(&["macro_expand_crate"]),
            checks: passes(&["type_check_crate", "MIR_borrow_checking"]),
            codegen: passes(&["codegen_crate", "finish_ongoing_codegen"]),
        })
    }

    /// Returns the number of lines of LLVM IR that the package itself has, in the profile `release`.
    pub(super) fn lines(&self) -> Result<f64, String> {
        self.run(&EMIT)?;
        let failed = |error: std::io::Error| error.to_string();
        let files = fs::read_dir(self.target().join("release/deps")).map_err(failed)?;
        let code = files.filter_map(|file| Some(file.ok()?.path()));
        let mut code = code.filter(|path| path.extension().is_some_and(|ending| ending == "ll"));
        match (code.next(), code.next()) {
            (Some(file), None) => {
                Ok(fs::read_to_string(file).map_err(failed)?.lines().count() as f64)
            }
            _ => Err("there is not one file of LLVM IR".to_owned()),
        }
    }

    /// Runs cargo. Returns the output of `times` and the output of cargo.
    fn run(&self, args: &[&str]) -> Result<(String, String), String> {
        let [times, log] = ["times", "log"].map(|name| self.directory.join(name));
        let program = std::env::var_os("CARGO").unwrap_or("cargo".into());
        let mut command = Command::new("sh");
        command.args(["-c", TIMED]).arg(program).args(args).current_dir(&self.directory);
        command.env("CARGO_TARGET_DIR", self.target()).env("CARGO_INCREMENTAL", "0");
        // `-Ztime-passes` works only with nightly compilers, and with stable ones for the crate that is named here.
        command.env("RUSTC_BOOTSTRAP", NAME);
        command.env_remove("RUSTC_WRAPPER").env_remove("RUSTC_WORKSPACE_WRAPPER");
        let open = |path: &Path| File::create(path).map_err(|error| error.to_string());
        command.stdout(open(&times)?).stderr(open(&log)?);
        let succeeded = wait(&mut command);
        let read = |path: &Path| fs::read_to_string(path).map_err(|error| error.to_string());
        let (times, log) = (read(&times)?, read(&log)?);
        match succeeded {
            Ok(true) => Ok((times, log)),
            Ok(false) => Err(format!("cargo {}: {log}", args.join(" "))),
            Err(error) => Err(format!("cargo {}: {error}", args.join(" "))),
        }
    }
}

/// Waits for the command. Returns whether it succeeded. After the time limit, kills it and all processes that it
/// started.
fn wait(command: &mut Command) -> Result<bool, String> {
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    let mut child = command.spawn().map_err(|error| error.to_string())?;
    let began = Instant::now();
    while began.elapsed() < LIMIT {
        if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
            return Ok(status.success());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    kill(&mut child);
    Err(format!("took longer than {} s", LIMIT.as_secs()))
}

fn kill(child: &mut Child) {
    let group = format!("-{}", child.id());
    _ = Command::new("kill").args(["-KILL", "--", &group]).status();
    _ = child.kill();
    _ = child.wait();
}

/// Returns the first number in the second line, such as `0m1.23s 0m0.45s`, in seconds. It is the time that the shell's
/// children spent in user mode.
fn user(times: &str) -> Option<f64> {
    let (minutes, seconds) = times.lines().nth(1)?.split(' ').next()?.split_once('m')?;
    Some(minutes.parse::<f64>().ok()? * 60.0 + seconds.strip_suffix('s')?.parse::<f64>().ok()?)
}

/// Whether a line of cargo's output tells of a crate that it compiles.
fn is_about_crate(line: &str) -> bool {
    let line = line.trim();
    line.starts_with("Compiling ") || line.starts_with("Checking ")
}

/// Returns the seconds in the line `time:   0.834; rss: ...` that ends with the name of the pass. 0 if the pass did not
/// run.
fn pass(log: &str, name: &str) -> f64 {
    let line = log.lines().find(|line| line.ends_with(&format!("\t{name}")));
    let seconds = line.and_then(|line| line.strip_prefix("time:")?.split(';').next());
    seconds.and_then(|seconds| seconds.trim().parse().ok()).unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_shells_are_read() {
        assert_eq!(user("0m0.00s 0m0.00s\n1m2.50s 0m0.10s\n"), Some(62.5));
        assert_eq!(user("0m0.000000s 0m0.000000s\n0m2.500000s 0m0.1s"), Some(2.5));
        assert_eq!(user("nonsense"), None);
    }

    #[test]
    fn times_of_passes_are_read() {
        let log = "time:   0.011; rss:   37MB ->   39MB (   +2MB)\tparse_crate\n\
                    time:   0.834; rss:   44MB ->   88MB (  +44MB)\tmacro_expand_crate\n";
        assert_eq!(pass(log, "macro_expand_crate"), 0.834);
        assert_eq!(pass(log, "expand_crate"), 0.0);
    }
}
