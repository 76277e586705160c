//! Child processes, which run this program's own steps in the directory of their parent.

#![expect(unsafe_code, reason = "the standard library does not tell the processor time")]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::DIRECTORY;

/// A child process. It is killed if it is dropped before its end.
pub(super) struct Step {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Step {
    pub(super) fn start(directory: &Path, words: &[&str]) -> Result<Self, String> {
        let begin = || {
            Command::new(std::env::current_exe()?)
                .arg("persist")
                .args(words)
                .env(DIRECTORY, directory)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
        };
        let mut child = begin().map_err(|e| e.to_string())?;
        let input = child.stdin.take().expect("it is a pipe");
        let output = BufReader::new(child.stdout.take().expect("it is a pipe"));
        Ok(Self { child, input, output })
    }

    /// Returns the numbers in the next line of its output.
    pub(super) fn numbers<const N: usize>(&mut self) -> Result<[f64; N], String> {
        let mut line = String::new();
        self.output.read_line(&mut line).map_err(|e| e.to_string())?;
        let numbers: Vec<f64> =
            line.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        numbers.try_into().map_err(|_| format!("a child process printed `{}`", line.trim()))
    }

    /// Lets a process go on that waits in [`wait`].
    pub(super) fn go(&mut self) -> Result<(), String> {
        self.input.write_all(b"\n").map_err(|e| e.to_string())
    }

    /// Waits for its end.
    pub(super) fn end(mut self) -> Result<(), String> {
        match self.child.wait().map_err(|e| e.to_string())? {
            status if status.success() => Ok(()),
            status => Err(format!("a child process ended with {status}")),
        }
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        // It has ended already, or its parent has failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// In a child: tells the parent that it is ready, and waits until the parent lets it go on.
pub(super) fn wait() -> Result<(), String> {
    println!();
    std::io::stdin().read_line(&mut String::new()).map(drop).map_err(|e| e.to_string())
}

/// Returns the processor time of this process in nanoseconds.
pub(super) fn processor_time() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the call writes to `time` only.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) };
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

/// Returns the most memory that this process has had resident so far, in MB.
pub(super) fn peak_memory() -> Result<f64, String> {
    let text = fs::read_to_string("/proc/self/status").map_err(|e| e.to_string())?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes: Option<f64> = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    kilobytes.map(|kb| kb * 1024.0 / 1e6).ok_or("/proc has no peak of the memory".to_owned())
}
