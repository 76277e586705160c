//! Helpers for several modules: a time limit, and tests that run in several processes.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A time limit far above what any test takes. A test that has not finished by then hangs.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

/// Runs `f` on its own thread and returns its result.
///
/// # Panics
/// If `f` panics, or does not return within [`LIMIT`].
#[track_caller]
pub(crate) fn with_timeout<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, receiver) = mpsc::channel();
    let thread = thread::spawn(move || sender.send(f()));
    match receiver.recv_timeout(LIMIT) {
        Ok(value) => value,
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("the call hangs"),
        Err(mpsc::RecvTimeoutError::Disconnected) => std::panic::resume_unwind(
            thread.join().expect_err("a thread that sends nothing has panicked"),
        ),
    }
}

/// Waits until `condition` holds.
///
/// # Panics
/// If it does not hold within [`LIMIT`].
#[track_caller]
pub(crate) fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let begin = Instant::now();
    while !condition() {
        assert!(begin.elapsed() < LIMIT, "timed out waiting until {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

const STEP: &str = "MEMOKIT_IT_STEP";
pub(crate) const FOLDER: &str = "MEMOKIT_IT_FOLDER";

/// Returns the folder that the processes of one test share.
///
/// # Panics
/// Outside such a process.
pub(crate) fn shared() -> PathBuf {
    std::env::var_os(FOLDER).expect("called in a step of a test of several processes").into()
}

/// Returns the folder for stored results in the shared folder.
pub(crate) fn folder() -> PathBuf {
    shared().join("results")
}

/// Removes a folder with all that is in it. At once: what a process finds in a folder that is half removed may pass for
/// what another process has left when it created the folder again.
#[track_caller]
pub(crate) fn remove_folder(folder: &Path) {
    let away = folder.with_extension("removed");
    std::fs::rename(folder, &away).expect("the folder is there");
    std::fs::remove_dir_all(away).expect("nobody adds files");
}

/// Returns the folders with the files of stored results below `place`: those of every version of every function.
pub(crate) fn version_folders(place: &Path) -> Vec<PathBuf> {
    let folders = |path: PathBuf| {
        let entries = path.read_dir().into_iter().flatten().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.is_dir()).collect::<Vec<_>>()
    };
    folders(place.to_owned()).into_iter().flat_map(folders).collect()
}

/// Returns the only folder with files of stored results below [`folder`].
///
/// # Panics
/// If there is none, or there are several.
pub(crate) fn version_folder() -> PathBuf {
    let mut folders = version_folders(&folder());
    assert_eq!(folders.len(), 1, "{folders:?}");
    folders.remove(0)
}

/// A test that runs its steps in several processes over one shared folder.
pub(crate) struct Processes {
    test: &'static str,
    pub(crate) shared: TempDir,
}

impl Processes {
    /// Returns `None` in a child process, after its step has run there. `marker` is a function inside the test: its
    /// path holds the name of the test.
    pub(crate) fn in_parent<F>(_marker: F, steps: &[fn()]) -> Option<Self> {
        let marker = std::any::type_name::<F>();
        let test = marker.rsplit_once("::").expect("the marker is inside a function").0;
        let test = test.split_once("::").expect("the path begins with the crate").1;
        if let Ok(step) = std::env::var(STEP) {
            steps[step.parse::<usize>().expect("the parent sets a number")]();
            return None;
        }
        Some(Self { test, shared: tempfile::tempdir().expect("a temporary folder can be created") })
    }

    /// Returns the command that runs a step in a new process.
    pub(crate) fn command(&self, step: usize) -> Command {
        let this = std::env::current_exe().expect("the test executable has a path");
        let mut command = Command::new(this);
        self.arguments(&mut command, step);
        command
    }

    /// Returns the same command below a shell that first runs `setup`.
    pub(crate) fn command_after(&self, setup: &str, step: usize) -> Command {
        let mut command = Command::new("sh");
        command.arg("-c").arg(format!("{setup}; exec \"$0\" \"$@\""));
        command.arg(std::env::current_exe().expect("the test executable has a path"));
        self.arguments(&mut command, step);
        command
    }

    fn arguments(&self, command: &mut Command, step: usize) {
        command.args([self.test, "--exact", "--nocapture", "--test-threads=1"]);
        command.env(STEP, step.to_string()).env(FOLDER, self.shared.path());
    }

    /// Runs a step in a new process and waits for its end.
    ///
    /// # Panics
    /// If the step fails or does not end.
    #[track_caller]
    pub(crate) fn run(&self, step: usize) {
        run_test(&mut self.command(step));
    }
}

/// Runs one test in another process.
///
/// # Panics
/// If the test does not run, fails, or does not end.
#[track_caller]
pub(crate) fn run_test(command: &mut Command) {
    let printed = run(command);
    assert!(printed.contains("1 passed"), "no test was run:\n{printed}");
}

/// Runs `command`, waits for its end, and returns its output.
///
/// # Panics
/// If the command fails or does not end.
#[track_caller]
pub(crate) fn run(command: &mut Command) -> String {
    run_within(LIMIT, command)
}

/// Does the same as [`run`] with another time limit, for commands such as a build beside other tests.
#[track_caller]
pub(crate) fn run_within(limit: Duration, command: &mut Command) -> String {
    let (mut reader, writer) = std::io::pipe().expect("a pipe can be created");
    command.stdout(writer.try_clone().expect("the pipe can be cloned")).stderr(writer);
    let child = command.spawn().expect("the command starts");
    // `command` must not hold the writing end: the pipe has to end with the child.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let reading = thread::spawn(move || {
        let mut printed = Vec::new();
        let _ = reader.read_to_end(&mut printed);
        String::from_utf8_lossy(&printed).into_owned()
    });
    let status = wait_within(limit, child);
    let printed = reading.join().expect("the reader does not panic");
    assert!(status.success(), "{status} of {command:?}:\n{printed}");
    printed
}

/// Waits for `child`.
///
/// # Panics
/// If it does not end within [`LIMIT`]. The child is killed first.
#[track_caller]
pub(crate) fn wait(child: Child) -> ExitStatus {
    wait_within(LIMIT, child)
}

#[track_caller]
fn wait_within(limit: Duration, mut child: Child) -> ExitStatus {
    let begin = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("the child can be waited for") {
            return status;
        }
        if begin.elapsed() > limit {
            let _ = child.kill();
            let _ = child.wait();
            panic!("the child process hangs");
        }
        thread::sleep(Duration::from_millis(2));
    }
}

/// Runs the steps of a test one after the other, each in its own process, over one new folder.
macro_rules! restarts {
    ($($step:expr),+ $(,)?) => {{
        fn marker() {}
        let steps: &[fn()] = &[$($step),+];
        if let Some(processes) = $crate::support::Processes::in_parent(marker, steps) {
            (0..steps.len()).for_each(|step| processes.run(step));
        }
    }};
}

/// Returns the [`Processes`] of a test with these steps. The test decides in which order they run.
macro_rules! processes {
    ($($step:expr),+ $(,)?) => {{
        fn marker() {}
        match $crate::support::Processes::in_parent(marker, &[$($step),+]) {
            Some(processes) => processes,
            None => return,
        }
    }};
}

pub(crate) use {processes, restarts};
