//! A process of the example, and a client that speaks enough HTTP for it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::server::LONG;

pub(crate) struct Process {
    child: Child,
    pub(crate) port: u16,
}

impl Process {
    /// Starts a process on a port that the system chooses, and returns when it listens.
    pub(crate) fn start(redis: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_shared-example"))
            .arg("0")
            .env_remove("HOST")
            .env("REDIS_URL", redis)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = child.stdout.take().unwrap();
        // From here on it ends with the test.
        let mut process = Self { child, port: 0 };
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let port = line.trim_end().strip_prefix("listening on http://127.0.0.1:");
        process.port = port.and_then(|port| port.parse().ok()).expect(&line);
        process
    }

    pub(crate) fn get(&self, path: &str) -> String {
        self.request("GET", path)
    }

    pub(crate) fn post(&self, path: &str) {
        self.request("POST", path);
    }

    pub(crate) fn price(&self, product: u64) -> Value {
        serde_json::from_str(&self.get(&format!("/price/{product}"))).unwrap()
    }

    /// Returns how often the process has asked the upstream.
    pub(crate) fn asked(&self) -> u64 {
        let stats = self.get("/stats");
        let rest = stats.strip_prefix("upstream asked ").expect(&stats);
        rest.split(',').next().unwrap().parse().expect(&stats)
    }

    /// Returns the body of an answer that is no error.
    fn request(&self, method: &str, path: &str) -> String {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        write!(stream, "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").expect(&answer);
        assert!(head.starts_with("HTTP/1.1 2"), "{method} {path}: {answer}");
        body.to_owned()
    }

    /// Ends the process as an orchestrator does.
    pub(crate) fn terminate(mut self) {
        let process = libc::pid_t::try_from(self.child.id()).unwrap();
        // SAFETY: the process is a child that was not waited for, so the number is still its own.
        assert_eq!(unsafe { libc::kill(process, libc::SIGTERM) }, 0);
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
