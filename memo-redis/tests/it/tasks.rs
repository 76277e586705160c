//! Tasks that ask by a connection of their runtime.

use std::thread;
use std::time::{Duration, Instant};

use memo_core::remote::{Store, StoreError, Stored};
use memo_redis::RedisStore;
use tokio::runtime::{Builder, Runtime};

use crate::server::{Server, server};
use crate::watching::{Machine, Seen, soon};

const ENTRY: &str = "memo:{a}";

pub(crate) fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Asks as a task does. Returns also whether it could by itself.
pub(crate) fn ask(
    runtime: &Runtime,
    store: &RedisStore,
    entry: &str,
) -> (Result<Option<Stored>, StoreError>, bool) {
    runtime.block_on(async {
        match store.get_in_task(entry, soon()) {
            Some(request) => (request.await, true),
            None => (store.get(entry, soon()).await, false),
        }
    })
}

/// Asks until the runtime has a connection.
fn connect(runtime: &Runtime, store: &RedisStore) {
    let end = soon();
    while !ask(runtime, store, ENTRY).1 {
        assert!(Instant::now() < end, "the runtime gets no connection");
        thread::sleep(Duration::from_millis(2));
    }
}

/// Returns the numbers of all connections but the one that asks, in the order in which they were made.
fn connections(server: &Server) -> Vec<u64> {
    let list = server.command(&["CLIENT", "LIST"]);
    let others = list.lines().filter(|line| !line.contains("cmd=client|list"));
    let number = |line: &str| line.split("id=").nth(1)?.split(' ').next()?.parse().ok();
    let mut numbers: Vec<u64> = others.filter_map(number).collect();
    numbers.sort_unstable();
    numbers
}

fn wait_for_connections(server: &Server, count: usize) {
    let end = soon();
    while connections(server).len() != count {
        assert!(Instant::now() < end, "{:?}", connections(server));
        thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn each_runtime_has_a_connection_as_long_as_it_lives() {
    let server = server!();
    let machine = Machine::connected(&server.builder());
    machine.put(ENTRY, b"x");
    let (one, two) = (runtime(), runtime());
    for runtime in [&one, &two, &one] {
        connect(runtime, &machine.store);
        let (answer, _) = ask(runtime, &machine.store, ENTRY);
        let stored = answer.unwrap().unwrap();
        assert_eq!(stored.bytes, b"x");
        assert!(stored.left > Some(Duration::from_secs(500)));
    }
    wait_for_connections(&server, 4);
    drop(one);
    wait_for_connections(&server, 3);
    drop(machine);
    // The runtime has to notice.
    let end = soon();
    while !connections(&server).is_empty() {
        assert!(Instant::now() < end);
        two.block_on(async { tokio::time::sleep(Duration::from_millis(2)).await });
    }
}

#[test]
fn what_a_connection_of_a_runtime_does_not_answer_the_thread_does() {
    let server = server!();
    let machine = Machine::connected(&server.builder());
    machine.put(ENTRY, b"x");
    let runtime = runtime();
    connect(&runtime, &machine.store);
    let newest = connections(&server).pop().unwrap().to_string();
    assert_eq!(server.command(&["CLIENT", "KILL", "ID", &newest]), ":1\r\n");
    let (answer, _) = ask(&runtime, &machine.store, ENTRY);
    assert_eq!(answer.unwrap().unwrap().bytes, b"x");
    // It gets another one.
    connect(&runtime, &machine.store);
    assert!(machine.seen.try_iter().all(|seen| seen != Seen::Disconnected));
}

#[test]
fn a_runtime_without_io_a_thread_without_a_runtime_and_a_setting_are_served_by_the_thread() {
    let server = server!();
    let none = Machine::connected(&server.builder().on_runtimes(false));
    let machine = Machine::connected(&server.builder());
    machine.put(ENTRY, b"x");
    let without_io = Builder::new_current_thread().build().unwrap();
    for (runtime, machine) in [(&without_io, &machine), (&runtime(), &none)] {
        for _ in 0..3 {
            let (answer, by_itself) = ask(runtime, &machine.store, ENTRY);
            assert_eq!((answer.unwrap().unwrap().bytes, by_itself), (b"x".to_vec(), false));
            runtime.block_on(tokio::task::yield_now());
        }
    }
    assert!(machine.store.get_in_task(ENTRY, soon()).is_none());
}

#[test]
fn a_runtime_that_ends_leaves_its_requests_to_the_thread() {
    let server = server!();
    let machine = Machine::connected(&server.builder());
    machine.put(ENTRY, b"x");
    let one = runtime();
    connect(&one, &machine.store);
    let request = {
        let _within = one.enter();
        machine.store.get_in_task(ENTRY, soon()).unwrap()
    };
    drop(one);
    assert_eq!(runtime().block_on(request).unwrap().unwrap().bytes, b"x");
}
