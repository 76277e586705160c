//! Memoized functions on several machines, which are processes here, with one real server. Without `redis-server` the
//! tests say so and pass.

#[path = "../it/server.rs"]
#[allow(dead_code, unused_macros, unused_imports, reason = "other tests use more of it")]
mod server;

mod machine;
mod program;
mod storm;

use std::time::{Duration, Instant};

use machine::Machine;
use server::{LONG, server};

/// Waits until something is true.
#[track_caller]
fn wait_until(is_true: impl Fn() -> bool) {
    let end = Instant::now() + LONG;
    while !is_true() {
        assert!(Instant::now() < end, "it did not become true");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn what_one_process_has_computed_another_finds() {
    let server = server!();
    let (one, other) = (Machine::start(&server), Machine::start(&server));
    one.set("1", "a");
    assert_eq!(one.call("1"), "a");
    one.ask("flush");
    one.set("1", "b");
    assert_eq!(other.call("1"), "a");
    assert_eq!(other.call("1"), "a");
    assert_eq!(other.ask("stats"), "hits 2 misses 0 remote_hits 1");
    assert_eq!(one.ask("stats"), "hits 0 misses 1 remote_hits 0");
}

#[test]
fn an_invalidation_an_insertion_and_a_clear_reach_all() {
    let server = server!();
    let machines = [(); 3].map(|()| Machine::start(&server));
    for (change, value) in [("invalidate 1", "b"), ("insert 1 c", "c"), ("clear", "d")] {
        machines.iter().for_each(|machine| drop(machine.call("1")));
        machines[0].set("1", value);
        machines[0].ask(change);
        // The one that has made the change sees it at once.
        assert_eq!(machines[0].call("1"), value, "{change}");
        for machine in &machines {
            wait_until(|| machine.call("1") == value);
        }
    }
}

#[test]
fn an_invalidated_tag_reaches_all() {
    let server = server!();
    let machines = [(); 3].map(|()| Machine::start(&server));
    let calls = ["group a 1", "group a 2", "group b 1"];
    for (group, value) in [("a", "x"), ("b", "y"), ("a", "z")] {
        let before = calls.map(|call| machines[0].ask(call));
        machines.iter().for_each(|machine| assert_eq!(calls.map(|call| machine.ask(call)), before));
        ["1", "2"].iter().for_each(|key| machines[0].set(key, value));
        machines[0].ask(&format!("tag {group}"));
        let after: [String; 3] = std::array::from_fn(|at| {
            if calls[at].contains(&format!("group {group} ")) {
                value.to_owned()
            } else {
                before[at].clone()
            }
        });
        // The one that has made the change sees it at once, and so does one that comes now.
        assert_eq!(calls.map(|call| machines[0].ask(call)), after);
        assert_eq!(calls.map(|call| Machine::start(&server).ask(call)), after);
        for machine in &machines {
            wait_until(|| calls.map(|call| machine.ask(call)) == after);
        }
    }
    // A process that has not called the function yet.
    machines[0].ask("flush");
    let late = Machine::start(&server);
    late.set("1", "late");
    late.ask("tag a");
    assert_eq!(late.ask("group a 1"), "late");
    for machine in &machines {
        wait_until(|| machine.ask("group a 1") == "late");
    }
}

#[test]
fn what_is_computed_during_an_invalidation_reaches_nobody() {
    let server = server!();
    let (one, other) = (Machine::start(&server), Machine::start(&server));
    one.set("1", "old");
    one.set("pause", "1");
    one.begin("call 1");
    one.wait_until_computing();
    one.set("1", "new");
    other.ask("invalidate 1");
    one.set("pause", "0");
    assert_eq!(one.end(), "old");
    assert_eq!(other.call("1"), "new");
    wait_until(|| one.call("1") == "new");
}

#[test]
fn who_waits_takes_over_when_the_holder_is_killed() {
    let server = server!();
    let (mut one, other) = (Machine::start(&server), Machine::start(&server));
    one.set("1", "a");
    one.set("pause", "1");
    one.begin("call 1");
    one.wait_until_computing();
    other.begin("call 1");
    // It waits for the other process.
    wait_until(|| other.is_waiting(&server));
    one.kill();
    one.set("pause", "0");
    let began = Instant::now();
    assert_eq!(other.end(), "a");
    // The lease lasts for 3 s.
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    assert_eq!(other.ask("stats"), "hits 0 misses 1 remote_hits 0");
}

#[test]
fn calls_go_on_without_a_server_and_nothing_old_is_served_once_it_is_back() {
    let mut server = server!();
    let (one, other) = (Machine::start(&server), Machine::start(&server));
    one.set("1", "a");
    assert_eq!(one.call("1"), "a");
    wait_until(|| other.call("1") == "a");
    server.stop();
    assert_eq!((one.call("1"), one.call("2")), ("a".to_owned(), "none".to_owned()));
    wait_until(|| one.ask("health") != "ok");
    one.set("1", "b");
    one.ask("invalidate 1");
    assert_eq!(one.call("1"), "b");
    server.start_again();
    wait_until(|| one.ask("health") == "ok" && other.ask("health") == "ok");
    wait_until(|| other.call("1") == "b");
    assert_eq!(one.call("1"), "b");
}

#[test]
fn a_process_that_ends_has_written_its_results() {
    let server = server!();
    let one = Machine::start(&server);
    one.set("1", "a");
    for n in 2..50 {
        one.begin(&format!("call {n}"));
        one.end();
    }
    assert_eq!(one.call("1"), "a");
    one.exit();
    let other = Machine::start(&server);
    other.set("1", "b");
    assert_eq!(other.call("1"), "a");
    assert_eq!(server.command(&["DBSIZE"]).trim(), ":50", "49 entries and a group");
}

#[test]
fn a_process_that_only_invalidates_has_done_so_when_it_ends() {
    let server = server!();
    let one = Machine::start(&server);
    one.set("1", "a");
    assert_eq!(one.call("1"), "a");
    one.ask("flush");
    one.set("1", "b");
    let other = Machine::start_at_once(&server);
    other.ask("invalidate 1");
    other.exit();
    wait_until(|| one.call("1") == "b");
}

#[cfg(unix)]
#[test]
fn a_forked_process_that_asks_memory_only_is_told_of_changes() {
    let server = server!();
    let (one, other) = (Machine::start(&server), Machine::start(&server));
    one.set("1", "a");
    assert_eq!(one.ask("fork 1"), "a");
    one.set("1", "b");
    other.ask("invalidate 1");
    assert_eq!(one.end(), "b", "what the child sees");
}

#[test]
fn a_full_server_harms_nobody() {
    let server = server!("--maxmemory", "2mb", "--maxmemory-policy", "noeviction");
    let one = Machine::start(&server);
    one.set("1", "a");
    assert_eq!(one.call("1"), "a");
    one.ask("flush");
    server.command(&["CONFIG", "SET", "maxmemory", "1"]);
    assert_eq!(one.call("2"), "none");
    one.ask("flush");
    wait_until(|| one.ask("health").contains("refused"));
    // What is there can still be removed.
    one.set("1", "b");
    one.ask("invalidate 1");
    assert_eq!(one.call("1"), "b");
    server.command(&["CONFIG", "SET", "maxmemory", "0"]);
    one.call("3");
    one.ask("flush");
    wait_until(|| one.ask("health") == "ok");
}
