//! A process with memoized functions, which does what a test says. It is this test program, started once more.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;

use crate::server::Server;
use crate::wait_until;

/// Says the URL of the server, in a process that was started by a test.
pub(crate) const URL: &str = "MEMOKIT_TEST_URL";
/// Says the folder whose files are the data that the functions read.
pub(crate) const DATA: &str = "MEMOKIT_TEST_DATA";

pub(crate) struct Machine {
    process: Child,
    pipes: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
    data: PathBuf,
}

/// If set, the process does not wait until it is connected.
pub(crate) const AT_ONCE: &str = "MEMOKIT_TEST_AT_ONCE";

impl Machine {
    pub(crate) fn start(server: &Server) -> Self {
        Self::with(server, &[])
    }

    /// Starts one that does what it is told before it is connected.
    pub(crate) fn start_at_once(server: &Server) -> Self {
        Self::with(server, &[(AT_ONCE, "1")])
    }

    fn with(server: &Server, more: &[(&str, &str)]) -> Self {
        let data = server.folder.path().to_owned();
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "program::run", "--nocapture", "--test-threads=1"])
            .env(URL, server.url())
            .env(DATA, &data)
            .envs(more.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let stdin = process.stdin.take().unwrap();
        let stdout = BufReader::new(process.stdout.take().unwrap());
        let machine = Self { process, pipes: Mutex::new((stdin, stdout)), data };
        assert_eq!(machine.end(), "ready");
        machine
    }

    /// Changes what the functions of all machines compute.
    pub(crate) fn set(&self, key: &str, value: &str) {
        let path = self.data.join(format!("value-{key}"));
        let new = path.with_extension("new");
        std::fs::write(&new, value).unwrap();
        std::fs::rename(new, path).unwrap();
    }

    /// Says what to do, without waiting for the answer.
    pub(crate) fn begin(&self, command: &str) {
        writeln!(self.pipes.lock().unwrap().0, "{command}").unwrap();
    }

    /// Waits for an answer.
    pub(crate) fn end(&self) -> String {
        let mut pipes = self.pipes.lock().unwrap();
        loop {
            let mut line = String::new();
            assert_ne!(pipes.1.read_line(&mut line).unwrap(), 0, "the process has ended");
            // The test framework says something too.
            if let Some((_, answer)) = line.split_once("> ") {
                return answer.trim_end().to_owned();
            }
        }
    }

    pub(crate) fn ask(&self, command: &str) -> String {
        self.begin(command);
        self.end()
    }

    pub(crate) fn call(&self, key: &str) -> String {
        self.ask(&format!("call {key}"))
    }

    /// Waits until a function runs that somebody has called on any machine.
    pub(crate) fn wait_until_computing(&self) {
        wait_until(|| self.data.join("computing").exists());
    }

    /// Returns whether this machine has asked for a lease that another has.
    pub(crate) fn is_waiting(&self, server: &Server) -> bool {
        let calls = server.command(&["INFO", "commandstats"]);
        let scripts = calls.lines().find_map(|line| line.strip_prefix("cmdstat_evalsha:calls="));
        let count = scripts.and_then(|rest| rest.split(',').next()?.parse::<u32>().ok());
        // Each machine has asked for the generation, has proved its connection, and for a lease.
        count.unwrap_or(0) >= 4 && self.process.id() > 0
    }

    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Lets the process end as programs do.
    pub(crate) fn exit(mut self) {
        self.begin("exit");
        assert!(self.process.wait().unwrap().success());
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
