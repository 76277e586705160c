//! The example, scraped over loopback.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

struct Service {
    child: Child,
    port: u16,
}

impl Service {
    fn start() -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_observed-example"))
            .arg("0")
            .env("RUST_LOG", "memokit=debug")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = child.stdout.take().unwrap();
        // From here on it ends with the test.
        let mut service = Self { child, port: 0 };
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let port = line.trim_end().strip_prefix("listening on http://127.0.0.1:");
        service.port = port.and_then(|port| port.parse().ok()).expect(&line);
        service
    }

    fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").expect(&answer);
        assert!(head.starts_with("HTTP/1.1 200"), "{path}: {answer}");
        body.to_owned()
    }

    /// Ends the service and returns its log.
    fn end(mut self) -> String {
        self.child.kill().unwrap();
        let mut log = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        log
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[track_caller]
fn assert_line(text: &str, line: &str) {
    assert!(text.lines().any(|found| found == line), "`{line}` is not in:\n{text}");
}

#[test]
fn prometheus_reads_what_the_caches_count() {
    let service = Service::start();
    for name in ["Ann", "Ben", "Ann"] {
        assert_eq!(service.get(&format!("/hello/{name}")), format!("Hello {name}"));
    }
    let text = service.get("/metrics");
    assert_line(&text, "# TYPE memokit_hits_total counter");
    assert_line(&text, "# HELP memokit_misses_total Calls that computed");
    assert_line(&text, "memokit_hits_total{cache=\"greeting\"} 1");
    assert_line(&text, "memokit_misses_total{cache=\"greeting\"} 2");
    assert_line(&text, "# TYPE memokit_entries gauge");
    assert_line(&text, "memokit_entries{cache=\"greeting\"} 2");
    assert_line(&text, "# TYPE memokit_compute_seconds histogram");
    assert_line(&text, "memokit_compute_seconds_count{cache=\"greeting\"} 2");
    assert_line(&text, "memokit_compute_seconds_bucket{cache=\"greeting\",le=\"0.01\"} 0");
    // The same times do not count twice.
    service.get("/hello/Eve");
    let text = service.get("/metrics");
    assert_line(&text, "memokit_compute_seconds_count{cache=\"greeting\"} 3");
    assert!(service.get("/explain/Ann").starts_with("held, computed "));
    assert_eq!(service.get("/explain/Bob"), "not seen since the program began");
    check_by_promtool(&text);
    let log = service.end();
    let closed = |line: &&str| line.contains("compute{") && line.contains("outcome=\"kept\"");
    assert_eq!(log.lines().filter(closed).count(), 3, "{log}");
}

/// Checks names, types and texts as Prometheus asks for them.
fn check_by_promtool(text: &str) {
    let started = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = started else {
        println!("skipped: the check by promtool, which is not installed");
        return;
    };
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr) + String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.trim().is_empty(), "{said}\n{text}");
}
