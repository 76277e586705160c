//! Runs cargo in a folder of its own, bounded in time, and reads what it cost.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use super::subject::NAME;
use crate::scratch;

/// One build must not take longer.
const LIMIT: Duration = Duration::from_secs(600);

/// Runs its arguments, then says on standard output what they took; cargo's own words go to standard error.
const TIMED: &str = r#""$0" "$@" >&2; code=$?; times; exit $code"#;

/// In seconds, but for `crates`.
pub(super) struct Cost {
    pub(super) user: f64,
    pub(super) wall: f64,
    /// Packages that were compiled, this one with them.
    pub(super) crates: f64,
    pub(super) macros: f64,
    pub(super) checks: f64,
    pub(super) codegen: f64,
}

/// A package to be built.
pub(super) struct Cargo {
    pub(super) folder: PathBuf,
}

impl Cargo {
    pub(super) fn new(name: &str) -> Self {
        Self { folder: scratch::folder(&name.replace('/', "-")) }
    }

    pub(super) fn target(&self) -> PathBuf {
        self.folder.join("target")
    }

    pub(super) fn remove(self) {
        // What stays goes with the folder of this process.
        _ = fs::remove_dir_all(self.folder);
    }

    /// The next build compiles the crate anew.
    pub(super) fn touch(&self) -> Result<(), String> {
        let file = File::options().append(true).open(self.folder.join("src/lib.rs"));
        file.and_then(|file| file.set_modified(std::time::SystemTime::now()))
            .map_err(|error| error.to_string())
    }

    /// Whether what the package depends on is here.
    pub(super) fn resolve(&self) -> Result<(), String> {
        self.run(&["tree", "--offline"]).map(drop)
    }

    pub(super) fn build(&self, profile: &[&str]) -> Result<Cost, String> {
        let passes = ["--", "-Ztime-passes"];
        let args = [&["rustc", "--lib", "--offline"], profile, &passes].concat();
        let began = Instant::now();
        let (times, said) = self.run(&args)?;
        let wall = began.elapsed().as_secs_f64();
        let passes = |names: &[&str]| names.iter().map(|name| pass(&said, name)).sum();
        Ok(Cost {
            user: user(&times).ok_or(format!("not what `times` says: {times}"))?,
            wall,
            crates: said.lines().filter(|line| line.trim().starts_with("Compiling ")).count()
                as f64,
            macros: passes(&["macro_expand_crate"]),
            checks: passes(&["type_check_crate", "MIR_borrow_checking"]),
            codegen: passes(&["codegen_crate", "finish_ongoing_codegen"]),
        })
    }

    /// What `times` said, and what cargo said.
    fn run(&self, args: &[&str]) -> Result<(String, String), String> {
        let [times, said] = ["times", "said"].map(|name| self.folder.join(name));
        let program = std::env::var_os("CARGO").unwrap_or("cargo".into());
        let mut command = Command::new("sh");
        command.args(["-c", TIMED]).arg(program).args(args).current_dir(&self.folder);
        command.env("CARGO_TARGET_DIR", self.target()).env("CARGO_INCREMENTAL", "0");
        // The passes are for nightly compilers alone, and for the one crate that is named here.
        command.env("RUSTC_BOOTSTRAP", NAME);
        command.env_remove("RUSTC_WRAPPER").env_remove("RUSTC_WORKSPACE_WRAPPER");
        let open = |path: &Path| File::create(path).map_err(|error| error.to_string());
        command.stdout(open(&times)?).stderr(open(&said)?);
        let succeeded = wait(&mut command);
        let read = |path: &Path| fs::read_to_string(path).map_err(|error| error.to_string());
        let (times, said) = (read(&times)?, read(&said)?);
        match succeeded {
            Ok(true) => Ok((times, said)),
            Ok(false) => Err(format!("cargo {}: {said}", args.join(" "))),
            Err(error) => Err(format!("cargo {}: {error}", args.join(" "))),
        }
    }
}

/// Whether it succeeded. After the limit it is killed, with all that it has started.
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

/// Of the line `0m1.23s 0m0.45s`, the second, the first: what the shell's children spent in user mode.
fn user(times: &str) -> Option<f64> {
    let (minutes, seconds) = times.lines().nth(1)?.split(' ').next()?.split_once('m')?;
    Some(minutes.parse::<f64>().ok()? * 60.0 + seconds.strip_suffix('s')?.parse::<f64>().ok()?)
}

/// Of the line `time:   0.834; rss: ...`, which ends with a pass's name, the seconds; 0 where a pass did not run.
fn pass(said: &str, name: &str) -> f64 {
    let line = said.lines().find(|line| line.ends_with(&format!("\t{name}")));
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
        let said = "time:   0.011; rss:   37MB ->   39MB (   +2MB)\tparse_crate\n\
                    time:   0.834; rss:   44MB ->   88MB (  +44MB)\tmacro_expand_crate\n";
        assert_eq!(pass(said, "macro_expand_crate"), 0.834);
        assert_eq!(pass(said, "expand_crate"), 0.0);
    }
}
