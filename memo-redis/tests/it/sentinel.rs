//! A master that sentinels watch, and that changes.

use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use memo_core::remote::{Store, StoreError};
use memo_redis::Builder;

use crate::server::{Server, free_port, is_installed};
use crate::watching::{Machine, Seen, done, soon, value};

const ENTRY: &str = "memo:{a}";

struct Sentinel {
    process: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Sentinel {
    fn watch(master: &Server) -> Self {
        (0..20).find_map(|_| Self::try_watch(master)).expect("no sentinel started")
    }

    fn try_watch(master: &Server) -> Option<Self> {
        let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
        let settings = format!(
            "port {port}\nbind 127.0.0.1\ndir {}\n\
             sentinel monitor service 127.0.0.1 {} 1\n\
             sentinel down-after-milliseconds service 1000\n\
             sentinel failover-timeout service 3000\n\
             requirepass watchword\n",
            folder.path().display(),
            master.port,
        );
        let file = folder.path().join("sentinel.conf");
        fs::write(&file, settings).unwrap();
        let mut command = Command::new("redis-server");
        command.arg(file).arg("--sentinel").stdout(Stdio::null()).stderr(Stdio::null());
        let mut sentinel = Self { process: command.spawn().unwrap(), port, _folder: folder };
        let end = soon();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            if sentinel.process.try_wait().unwrap().is_some() {
                return None;
            }
            assert!(Instant::now() < end);
            thread::sleep(Duration::from_millis(5));
        }
        Some(sentinel)
    }

    fn command(&self, words: &[&str]) -> String {
        let mut client = crate::server::Client::connect(self.port);
        assert_eq!(client.command(&["AUTH", "watchword"]), "+OK\r\n");
        client.command(words)
    }

    fn wait_until(&self, mut is_so: impl FnMut(&str) -> bool) {
        let end = soon();
        while !is_so(&self.command(&["SENTINEL", "MASTER", "service"])) {
            assert!(Instant::now() < end);
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn url(&self) -> String {
        format!("redis://:watchword@127.0.0.1:{}", self.port)
    }
}

impl Drop for Sentinel {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A master, its replica, and a sentinel that knows both.
fn service() -> Option<(Server, Server, Sentinel)> {
    if !is_installed("redis-server") {
        return None;
    }
    let password = ["--requirepass", "secret", "--masterauth", "secret"];
    let master = Server::start(&password);
    let port = master.port.to_string();
    let replica = Server::start(&[&password[..], &["--replicaof", "127.0.0.1", &port]].concat());
    let sentinel = Sentinel::watch(&master);
    assert_eq!(sentinel.command(&["SENTINEL", "SET", "service", "auth-pass", "secret"]), "+OK\r\n");
    sentinel.wait_until(|state| {
        state.contains("num-slaves\r\n$1\r\n1\r\n") && state.contains("flags\r\n$6\r\nmaster\r\n")
    });
    let mut client = crate::server::Client::connect(replica.port);
    client.command(&["AUTH", "secret"]);
    let end = soon();
    while !client.command(&["INFO", "replication"]).contains("master_link_status:up") {
        assert!(Instant::now() < end);
        thread::sleep(Duration::from_millis(20));
    }
    Some((master, replica, sentinel))
}

fn builder(sentinel: &Sentinel) -> Builder {
    // The first one does not answer.
    let nobody = format!("redis://127.0.0.1:{}", free_port());
    let builder = Builder::new(nobody).or(sentinel.url()).sentinel("service").password("secret");
    builder.heartbeat(Duration::from_millis(200))
}

fn comes_back(machine: &Machine, server: &Server) {
    machine.sees(&Seen::Disconnected);
    machine.sees(&Seen::Connected);
    machine.put(ENTRY, b"after");
    machine.sees(&value(ENTRY));
    let mut client = crate::server::Client::connect(server.port);
    client.command(&["AUTH", "secret"]);
    assert!(client.command(&["GET", ENTRY]).contains("after"));
}

#[test]
fn the_replica_is_found_after_the_master_ended() {
    let Some((mut master, replica, sentinel)) = service() else { return };
    let machine = Machine::connected(&builder(&sentinel));
    machine.put(ENTRY, b"before");
    master.stop();
    comes_back(&machine, &replica);
    assert_eq!(machine.store.health(), Ok(()));
}

#[test]
fn sentinels_are_believed_while_the_master_still_answers() {
    let Some((_master, _replica, sentinel)) = service() else { return };
    let machine = Machine::connected(&builder(&sentinel));
    let other = Server::start(&["--requirepass", "secret"]);
    assert_eq!(sentinel.command(&["SENTINEL", "REMOVE", "service"]), "+OK\r\n");
    let port = other.port.to_string();
    let watch = ["SENTINEL", "MONITOR", "service", "127.0.0.1", &port, "1"];
    assert_eq!(sentinel.command(&watch), "+OK\r\n");
    comes_back(&machine, &other);
}

#[test]
fn a_master_that_is_replaced_on_purpose_is_left() {
    let Some((_master, replica, sentinel)) = service() else { return };
    let machine = Machine::connected(&builder(&sentinel));
    assert_eq!(sentinel.command(&["SENTINEL", "FAILOVER", "service"]), "+OK\r\n");
    comes_back(&machine, &replica);
}

#[test]
fn sentinels_that_end_do_no_harm() {
    let Some((_master, _replica, sentinel)) = service() else { return };
    let machine = Machine::connected(&builder(&sentinel).heartbeat(Duration::from_millis(50)));
    drop(sentinel);
    // Some heartbeats long.
    let end = Instant::now() + Duration::from_millis(500);
    while Instant::now() < end {
        machine.put(ENTRY, b"x");
        machine.sees(&value(ENTRY));
    }
}

#[test]
fn a_service_that_nobody_knows_is_an_error() {
    let Some((_master, _replica, sentinel)) = service() else { return };
    let machine = Machine::new(&builder(&sentinel).sentinel("other"));
    let error = done(machine.store.get(ENTRY, soon())).unwrap_err();
    assert!(
        matches!(&error, StoreError::Disconnected(text) if text.contains("does not know")),
        "{error:?}"
    );
}
