//! A process of the example.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use crate::http::request;

pub(crate) struct Service {
    child: Child,
    lines: BufReader<ChildStdout>,
    source: String,
    address: String,
}

impl Service {
    /// Starts a process on a port that the system chooses, and returns when it listens.
    pub(crate) fn start(directory: &Path, ttl: Duration) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_service-example"))
            .env("PORT", "0")
            .env("CACHE_DIR", directory)
            .env("TTL_MS", ttl.as_millis().to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        // From here on it ends with the test.
        let mut service = Self { child, lines, source: String::new(), address: String::new() };
        service.source = service.read_address("the source is http://");
        service.address = service.read_address("listening on http://");
        service
    }

    fn read_address(&mut self, before: &str) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        line.trim_end().strip_prefix(before).expect(&line).to_owned()
    }

    /// Returns the status and the body of what the service answers.
    pub(crate) fn request(&self, method: &str, path: &str) -> (u16, String) {
        request(&self.address, method, path)
    }

    pub(crate) fn get(&self, path: &str) -> String {
        let (status, body) = self.request("GET", path);
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    /// Returns how often the source was asked.
    pub(crate) fn asked(&self) -> u64 {
        request(&self.source, "GET", "/asked").1.parse().unwrap()
    }

    pub(crate) fn let_source_fail(&self, times: u64) {
        assert_eq!(request(&self.source, "POST", &format!("/fail/{times}")).0, 200);
    }

    /// Ends the process as an orchestrator does, and returns the rest of what it has printed.
    pub(crate) fn terminate(mut self) -> String {
        let process = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &process]).status().unwrap().success());
        let mut rest = String::new();
        self.lines.read_to_string(&mut rest).unwrap();
        assert!(self.child.wait().unwrap().success());
        rest
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
