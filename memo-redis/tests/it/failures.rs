//! Servers and networks that fail.

use std::thread;
use std::time::{Duration, Instant};

use memo_core::remote::{Store, StoreError};
use memo_redis::Builder;

use crate::proxy::Proxy;
use crate::server::{LONG, Server, server};
use crate::watching::{Machine, Seen, done, put, soon, value};

const ENTRY: &str = "memo:{a}";

/// Returns the numbers of the connections that are tracked, or of those that are not, without the one that asks.
fn connections(server: &Server, are_tracked: bool) -> Vec<String> {
    let list = server.command(&["CLIENT", "LIST"]);
    let wanted =
        list.lines().filter(|line| line.contains("id=") && !line.contains("cmd=client|list"));
    let is_tracked =
        |line: &str| line.split(" flags=").nth(1).unwrap().split(' ').next().unwrap().contains('B');
    let wanted = wanted.filter(|line| is_tracked(line) == are_tracked);
    wanted
        .map(|line| line.split("id=").nth(1).unwrap().split(' ').next().unwrap().to_owned())
        .collect()
}

fn comes_back(machine: &Machine) {
    machine.sees(&Seen::Disconnected);
    machine.sees(&Seen::Connected);
    machine.put(ENTRY, b"x");
    machine.sees(&value(ENTRY));
    assert_eq!(machine.store.health(), Ok(()));
}

#[test]
fn a_server_that_starts_again_is_found_again() {
    let mut server = server!();
    let machine = Machine::connected(&server.builder());
    for _ in 0..3 {
        server.restart();
        comes_back(&machine);
    }
}

#[test]
fn requests_fail_at_once_while_there_is_no_server() {
    let mut server = server!();
    let machine = Machine::connected(&server.builder());
    server.stop();
    machine.sees(&Seen::Disconnected);
    assert!(matches!(done(machine.store.get(ENTRY, soon())), Err(StoreError::Disconnected(_))));
    assert!(matches!(machine.store.health(), Err(StoreError::Disconnected(_))));
    server.start_again();
    machine.sees(&Seen::Connected);
    machine.put(ENTRY, b"x");
}

#[test]
fn a_request_waits_for_the_first_attempt_to_connect() {
    let server = server!();
    let proxy = Proxy::to(&[&server]);
    proxy.hold(true);
    let machine = Machine::new(&proxy.builder().connect_timeout(LONG));
    let late = machine.store.get(ENTRY, Instant::now() + Duration::from_millis(20));
    let waiting = machine.store.get(ENTRY, soon());
    assert_eq!(done(late), Err(StoreError::TimedOut));
    proxy.hold(false);
    assert_eq!(done(waiting), Ok(None));
}

#[test]
fn the_first_attempt_fails_if_there_is_no_server() {
    let mut server = server!();
    server.stop();
    let machine = Machine::new(&server.builder());
    assert!(matches!(done(machine.store.get(ENTRY, soon())), Err(StoreError::Disconnected(_))));
    server.start_again();
    machine.sees(&Seen::Connected);
    machine.put(ENTRY, b"x");
}

#[test]
fn either_connection_may_be_killed() {
    let server = server!();
    let machine = Machine::connected(&server.builder());
    for are_tracked in [true, false] {
        let killed = connections(&server, are_tracked);
        assert_eq!(killed.len(), 1, "{killed:?}");
        server.command(&["CLIENT", "KILL", "ID", &killed[0]]);
        comes_back(&machine);
    }
}

#[test]
fn a_server_that_is_silent_counts_as_missed_changes() {
    let server = server!();
    let machine = Machine::connected(&Builder::new(server.url()));
    server.signal(libc::SIGSTOP);
    let stopped = Instant::now();
    machine.sees(&Seen::Disconnected);
    // One second, and what a loaded machine adds.
    assert!(stopped.elapsed() < Duration::from_secs(10), "{:?}", stopped.elapsed());
    let error =
        done(machine.store.get(ENTRY, Instant::now() + Duration::from_millis(50))).unwrap_err();
    assert!(matches!(error, StoreError::TimedOut | StoreError::Disconnected(_)), "{error:?}");
    server.signal(libc::SIGCONT);
    machine.sees(&Seen::Connected);
    machine.put(ENTRY, b"x");
}

#[test]
fn a_server_that_pauses_counts_as_missed_changes() {
    let server = server!();
    let machine = Machine::connected(&server.builder().heartbeat(Duration::from_millis(50)));
    assert_eq!(server.command(&["CLIENT", "PAUSE", "1000"]), "+OK\r\n");
    comes_back(&machine);
    let slow = "for i = 1, 2e8 do end return 1";
    assert_eq!(server.command(&["EVAL", slow, "0"]), ":1\r\n");
    comes_back(&machine);
}

#[test]
fn a_request_ends_when_nobody_waits_for_it_any_more() {
    let server = server!();
    let machine = Machine::connected(&server.builder());
    let past = Instant::now();
    assert_eq!(done(machine.store.put(put(ENTRY, b"x"), past)), Err(StoreError::TimedOut));
    assert_eq!(machine.bytes(ENTRY), None);
    server.signal(libc::SIGSTOP);
    let until = Instant::now() + Duration::from_millis(50);
    assert_eq!(done(machine.store.get(ENTRY, until)), Err(StoreError::TimedOut));
    assert!(Instant::now() >= until);
    server.signal(libc::SIGCONT);
    assert_eq!(machine.bytes(ENTRY), None);
}

#[test]
fn a_thread_that_asks_by_itself_waits_no_longer_than_it_says() {
    let server = server!();
    let machine = Machine::connected(&server.builder().heartbeat(LONG));
    let ask = |limit| machine.store.get_now(ENTRY, Instant::now() + limit);
    // The first ones open the connection.
    while ask(LONG).is_none() {
        thread::sleep(Duration::from_millis(5));
    }
    server.signal(libc::SIGSTOP);
    let began = Instant::now();
    assert_eq!(ask(Duration::from_secs(2)), Some(Err(StoreError::TimedOut)));
    assert!(began.elapsed() < Duration::from_millis(3500), "{:?}", began.elapsed());
    server.signal(libc::SIGCONT);
}

#[test]
fn a_replica_is_not_used() {
    let master = server!();
    let replica = server!("--replicaof", "127.0.0.1", &master.port.to_string());
    let machine = Machine::new(&Builder::new(replica.url()));
    let error = done(machine.store.get(ENTRY, soon())).unwrap_err();
    assert!(
        matches!(&error, StoreError::Disconnected(reason) if reason.contains("no master")),
        "{error:?}"
    );
    replica.command(&["REPLICAOF", "NO", "ONE"]);
    machine.sees(&Seen::Connected);
    machine.put(ENTRY, b"x");
    replica.command(&["REPLICAOF", "127.0.0.1", &master.port.to_string()]);
    machine.sees(&Seen::Disconnected);
    replica.command(&["REPLICAOF", "NO", "ONE"]);
    machine.sees(&Seen::Connected);
}

#[test]
fn a_refused_write_tells_that_the_server_became_a_replica() {
    let master = server!();
    let replica = server!();
    let machine = Machine::connected(&replica.builder());
    replica.command(&["REPLICAOF", "127.0.0.1", &master.port.to_string()]);
    let error = done(machine.store.put(put(ENTRY, b"x"), soon())).unwrap_err();
    assert!(
        matches!(&error, StoreError::Refused(reason) if reason.contains("READONLY")),
        "{error:?}"
    );
    machine.sees(&Seen::Disconnected);
}

#[test]
fn connections_that_are_cut_are_replaced() {
    let server = server!();
    let proxy = Proxy::to(&[&server]);
    let machine = Machine::connected(&proxy.builder());
    for end in [Proxy::cut, Proxy::half_close] {
        end(&proxy);
        comes_back(&machine);
    }
}

#[test]
fn a_network_that_loses_everything_counts_as_missed_changes() {
    let server = server!();
    let proxy = Proxy::to(&[&server]);
    let machine = Machine::connected(&proxy.builder());
    proxy.hold(true);
    machine.sees(&Seen::Disconnected);
    proxy.hold(false);
    machine.sees(&Seen::Connected);
    machine.put(ENTRY, b"x");
    machine.sees(&value(ENTRY));
}

#[test]
fn requests_and_messages_must_concern_the_same_server() {
    let (one, two) = (server!(), server!());
    let proxy = Proxy::to(&[&one, &two]);
    let machine = Machine::new(&proxy.builder());
    let end = soon();
    let is_found = |machine: &Machine, reason: &str| match machine.store.health() {
        Err(StoreError::Disconnected(text)) => text.contains(reason),
        _ => false,
    };
    while !is_found(&machine, "two servers") {
        assert!(Instant::now() < end, "{:?}", machine.store.health());
        thread::sleep(Duration::from_millis(5));
    }
    // Whoever may not ask for the numbers of the servers finds it by a key.
    for server in [&one, &two] {
        server.command(&["ACL", "SETUSER", "default", "-info"]);
    }
    let proxy = Proxy::to(&[&one, &two]);
    let blind = Machine::new(&proxy.builder().connect_timeout(Duration::from_millis(200)));
    while !is_found(&blind, "did not answer") {
        assert!(Instant::now() < end, "{:?}", blind.store.health());
        thread::sleep(Duration::from_millis(5));
    }
    for machine in [&machine, &blind] {
        assert!(machine.seen.try_iter().all(|seen| seen != Seen::Connected));
    }
}

#[test]
fn wrong_urls_are_an_error_without_secrets() {
    for url in [
        "",
        "secret",
        "http://u:secret@h",
        "redis://u:secret@h:x/",
        "redis://:secret@h/secret",
        "redis://",
    ] {
        let builder = Builder::new(url).password("secret");
        let machine = Machine::new(&builder);
        let error = done(machine.store.get(ENTRY, soon())).unwrap_err();
        assert!(matches!(&error, StoreError::Disconnected(_)), "{error:?}");
        let texts =
            format!("{error:?} {builder:?} {:?} {:?}", machine.store, machine.store.health());
        assert!(!texts.contains("secret"), "{texts}");
    }
}

#[test]
fn a_dropped_store_ends_its_connections() {
    let server = server!();
    drop(Machine::connected(&server.builder()));
    let end = soon();
    while !connections(&server, true).is_empty() || !connections(&server, false).is_empty() {
        assert!(Instant::now() < end);
    }
}
