//! What several subjects need: a limit on time, and processes that begin anew.

use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Far beyond what anything here takes: whoever has not ended by then never does.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

/// What `f` returns, on a thread of its own.
///
/// # Panics
/// When `f` panics, or has not returned within [`LIMIT`].
#[track_caller]
pub(crate) fn ends<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, receiver) = mpsc::channel();
    let thread = thread::spawn(move || sender.send(f()));
    match receiver.recv_timeout(LIMIT) {
        Ok(value) => value,
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("it hangs"),
        Err(mpsc::RecvTimeoutError::Disconnected) => {
            std::panic::resume_unwind(thread.join().expect_err("it sends or panics"))
        }
    }
}

/// Waits until `condition` holds.
///
/// # Panics
/// When it does not within [`LIMIT`].
#[track_caller]
pub(crate) fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let begin = Instant::now();
    while !condition() {
        assert!(begin.elapsed() < LIMIT, "waited in vain until {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

const STEP: &str = "MEMOKIT_IT_STEP";
pub(crate) const FOLDER: &str = "MEMOKIT_IT_FOLDER";

/// The folder that the processes of one test have in common.
///
/// # Panics
/// Outside of such a process.
pub(crate) fn shared() -> PathBuf {
    std::env::var_os(FOLDER).expect("run in a step").into()
}

/// The folder of results there.
pub(crate) fn folder() -> PathBuf {
    shared().join("results")
}

/// A test of several processes, over one folder.
pub(crate) struct Processes {
    test: &'static str,
    pub(crate) shared: TempDir,
}

impl Processes {
    /// In a process of the test, runs its step and returns `None`. `marker` is a function in the test.
    pub(crate) fn of<F>(_marker: F, steps: &[fn()]) -> Option<Self> {
        let marker = std::any::type_name::<F>();
        let test = marker.rsplit_once("::").expect("it is in a function").0;
        let test = test.split_once("::").expect("it is in a crate").1;
        if let Ok(step) = std::env::var(STEP) {
            steps[step.parse::<usize>().expect("the parent sets a number")]();
            return None;
        }
        Some(Self { test, shared: tempfile::tempdir().expect("there is a folder for files") })
    }

    pub(crate) fn command(&self, step: usize) -> Command {
        let this = std::env::current_exe().expect("a test knows its file");
        let mut command = Command::new(this);
        self.arguments(&mut command, step);
        command
    }

    /// The same below a shell that first runs `setup`.
    pub(crate) fn command_after(&self, setup: &str, step: usize) -> Command {
        let mut command = Command::new("sh");
        command.arg("-c").arg(format!("{setup}; exec \"$0\" \"$@\""));
        command.arg(std::env::current_exe().expect("a test knows its file"));
        self.arguments(&mut command, step);
        command
    }

    fn arguments(&self, command: &mut Command, step: usize) {
        command.args([self.test, "--exact", "--nocapture", "--test-threads=1"]);
        command.env(STEP, step.to_string()).env(FOLDER, self.shared.path());
    }

    /// Runs a step to its end.
    ///
    /// # Panics
    /// When the step fails, or does not end.
    #[track_caller]
    pub(crate) fn run(&self, step: usize) {
        passes(&mut self.command(step));
    }
}

/// Runs one test in another process.
///
/// # Panics
/// When it does not run, fails, or does not end.
#[track_caller]
pub(crate) fn passes(command: &mut Command) {
    let printed = run(command);
    assert!(printed.contains("1 passed"), "no test was run:\n{printed}");
}

/// Runs `command` to its end, and returns what it printed.
///
/// # Panics
/// When it fails, or does not end.
#[track_caller]
pub(crate) fn run(command: &mut Command) -> String {
    run_within(LIMIT, command)
}

/// The same for what may take so long: a build beside other tests.
#[track_caller]
pub(crate) fn run_within(limit: Duration, command: &mut Command) -> String {
    let (mut reader, writer) = std::io::pipe().expect("there are handles left");
    command.stdout(writer.try_clone().expect("one more handle")).stderr(writer);
    let child = command.spawn().expect("it can be started");
    // The pipe ends when the child does, not when `command` goes.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let reading = thread::spawn(move || {
        let mut printed = Vec::new();
        let _ = reader.read_to_end(&mut printed);
        String::from_utf8_lossy(&printed).into_owned()
    });
    let status = wait_within(limit, child);
    let printed = reading.join().expect("it reads");
    assert!(status.success(), "{status} of {command:?}:\n{printed}");
    printed
}

/// Waits for `child`.
///
/// # Panics
/// When it does not end within [`LIMIT`]; it is killed then.
#[track_caller]
pub(crate) fn wait(child: Child) -> ExitStatus {
    wait_within(LIMIT, child)
}

#[track_caller]
fn wait_within(limit: Duration, mut child: Child) -> ExitStatus {
    let begin = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("it is our child") {
            return status;
        }
        if begin.elapsed() > limit {
            let _ = child.kill();
            let _ = child.wait();
            panic!("a child hangs");
        }
        thread::sleep(Duration::from_millis(2));
    }
}

/// A test in steps, each in a process of its own, one after the other over one new folder.
macro_rules! restarts {
    ($($step:expr),+ $(,)?) => {{
        fn marker() {}
        let steps: &[fn()] = &[$($step),+];
        if let Some(processes) = $crate::support::Processes::of(marker, steps) {
            (0..steps.len()).for_each(|step| processes.run(step));
        }
    }};
}

/// The [`Processes`] of a test with these steps, run in the order that the test wants.
macro_rules! processes {
    ($($step:expr),+ $(,)?) => {{
        fn marker() {}
        match $crate::support::Processes::of(marker, &[$($step),+]) {
            Some(processes) => processes,
            None => return,
        }
    }};
}

pub(crate) use {processes, restarts};
