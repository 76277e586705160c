//! Tasks that ask by a connection of their runtime.

use std::thread;
use std::time::{Duration, Instant};

use memo_core::remote::{Store, StoreError, Stored};
use memo_redis::RedisStore;
use tokio::runtime::{Builder, Runtime};

use crate::access::{RULES, add_user};
use crate::proxy::Proxy;
use crate::server::{Client, Server, server};
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

/// So many runtimes have a connection.
const MAX_RUNTIMES: usize = 64;

#[test]
fn runtimes_for_which_there_is_no_room_take_no_connection_from_others() {
    let server = server!();
    let machine = Machine::connected(&server.builder());
    let is_served = |runtime: &Runtime| ask(runtime, &machine.store, ENTRY).1;
    let mut runtimes: Vec<_> = (0..MAX_RUNTIMES).map(|_| runtime()).collect();
    runtimes.iter().for_each(|runtime| connect(runtime, &machine.store));
    let all = connections(&server);
    let another = runtime();
    for _ in 0..10 {
        assert!(!is_served(&another));
        another.block_on(tokio::task::yield_now());
    }
    assert!(runtimes.iter().all(is_served));
    assert_eq!(connections(&server), all);
    // Those that have ended leave room.
    runtimes.truncate(MAX_RUNTIMES / 2);
    for _ in 0..MAX_RUNTIMES {
        connect(&runtime(), &machine.store);
    }
    assert!(runtimes.iter().all(is_served));
}

#[test]
fn a_server_that_does_not_tell_which_one_it_is_gets_no_connections_that_are_not_used() {
    let server = server!();
    add_user(&server, "few", RULES);
    let builder = server.builder().username("few").password("secret");
    let machine = Machine::connected(&builder);
    let runtime = runtime();
    // Each connection gets the next number.
    let number = || server.command(&["CLIENT", "ID"])[1..].trim().parse::<u64>().unwrap();
    let first = number();
    for _ in 0..20 {
        assert!(!ask(&runtime, &machine.store, ENTRY).1);
        assert!(machine.store.get_now(ENTRY, soon()).is_none());
    }
    drop(runtime);
    assert_eq!(number(), first + 1);
}

#[test]
fn a_server_that_takes_no_more_connections_is_not_asked_for_one_by_each_call() {
    let server = server!();
    let machine = Machine::connected(&server.builder());
    let runtime = runtime();
    let mut connected = Client::connect(server.port);
    assert_eq!(connected.command(&["CONFIG", "SET", "maxclients", "1"]), "+OK\r\n");
    let began = Instant::now();
    for _ in 0..20 {
        assert!(!ask(&runtime, &machine.store, ENTRY).1);
        // The thread serves it, and can do so only while it has its connection.
        machine.put(ENTRY, b"x");
    }
    let seconds = began.elapsed().as_secs();
    assert_eq!(machine.bytes(ENTRY), Some(b"x".to_vec()));
    // The only way to ask a server that takes no connection: one that it has.
    let statistics = connected.command(&["INFO", "stats"]);
    let refused = statistics.split_once("rejected_connections:").unwrap().1;
    let refused: u64 = refused.lines().next().unwrap().parse().unwrap();
    assert!((1..=2 + seconds).contains(&refused), "{refused}");
}

#[test]
fn a_connection_that_does_not_answer_in_time_is_given_up() {
    let server = server!();
    let proxy = Proxy::to(&[&server]);
    // The thread notices nothing meanwhile.
    let machine = Machine::connected(&proxy.builder().heartbeat(Duration::from_secs(3600)));
    machine.put(ENTRY, b"x");
    let runtime = runtime();
    connect(&runtime, &machine.store);
    proxy.hold(true);
    let wait = |until: Instant, wait: Duration| {
        runtime.block_on(async {
            let request = machine.store.get_in_task(ENTRY, until).unwrap();
            assert!(tokio::time::timeout(wait, request).await.is_err());
        });
    };
    // Somebody who wants the answer no more, in time, says nothing about the connection.
    wait(soon(), Duration::from_millis(1));
    wait(Instant::now(), Duration::from_millis(1));
    assert!(runtime.block_on(async { machine.store.get_in_task(ENTRY, soon()) }).is_none());
    proxy.hold(false);
    connect(&runtime, &machine.store);
    assert_eq!(ask(&runtime, &machine.store, ENTRY).0.unwrap().unwrap().bytes, b"x");
}

#[test]
fn an_answer_goes_to_its_request_though_others_are_dropped_at_any_moment() {
    let server = server!();
    let machine = Machine::connected(&server.builder());
    let entry = |n: u64| format!("memo:{{{n}}}");
    (0..50).for_each(|n| machine.put(&entry(n), n.to_string().as_bytes()));
    let runtime = Builder::new_multi_thread().worker_threads(3).enable_all().build().unwrap();
    connect(&runtime, &machine.store);
    let store = std::sync::Arc::new(machine.store);
    let answered = runtime.block_on(async {
        let mut asking = tokio::task::JoinSet::new();
        for task in 0..20 {
            let store = std::sync::Arc::clone(&store);
            asking.spawn(async move {
                let mut answered = 0;
                for round in 0..400_u64 {
                    let n = (task * 31 + round * 7) % 50;
                    let request = store.get_in_task(&entry(n), soon()).unwrap();
                    tokio::select! {
                        biased;
                        answer = request => {
                            let bytes = answer.unwrap().unwrap().bytes;
                            assert_eq!(bytes, n.to_string().as_bytes());
                            answered += 1;
                        }
                        () = yields(round % 9) => {}
                    }
                }
                answered
            });
        }
        asking.join_all().await.into_iter().sum::<u64>()
    });
    assert!((1..20 * 400).contains(&answered), "{answered}");
}

async fn yields(count: u64) {
    for _ in 0..count {
        tokio::task::yield_now().await;
    }
}
