//! What watchers are told.

use std::time::Duration;

use memo_core::remote::{Leased, Put, Store, Token};

use crate::server::server;
use crate::watching::{Machine, PREFIX, Seen, done, lease, put, soon, value};

const ENTRY: &str = "memo:{a}";

fn leased(entry: &str) -> Seen {
    Seen::Lease(entry.to_owned())
}

#[test]
fn machines_are_told_of_each_others_changes_and_of_their_own() {
    let server = server!();
    let (one, two) = (Machine::connected(&server.builder()), Machine::connected(&server.builder()));
    one.put(ENTRY, b"x");
    one.sees(&value(ENTRY));
    two.sees(&value(ENTRY));
    assert_eq!(done(one.store.remove(ENTRY, soon())), Ok(()));
    one.sees(&value(ENTRY));
    two.sees(&value(ENTRY));
    assert_eq!(done(two.store.set_generation("memo:group", 1, soon())), Ok(()));
    one.sees(&value("memo:group"));
}

#[test]
fn machines_are_told_of_leases() {
    let server = server!();
    let (one, two) = (Machine::connected(&server.builder()), Machine::connected(&server.builder()));
    assert_eq!(done(one.store.lease(ENTRY, lease(1), soon())), Ok(Leased::Granted));
    two.sees(&leased(ENTRY));
    assert_eq!(done(one.store.release(ENTRY, Token(1), soon())), Ok(()));
    two.sees(&leased(ENTRY));
    assert_eq!(done(one.store.lease(ENTRY, lease(2), soon())), Ok(Leased::Granted));
    two.sees(&leased(ENTRY));
    assert_eq!(
        done(one.store.put(Put { token: Some(Token(2)), ..put(ENTRY, b"x") }, soon())),
        Ok(true)
    );
    two.sees(&value(ENTRY));
}

#[test]
fn machines_are_told_of_the_removal_of_an_entry_that_does_not_exist() {
    let server = server!();
    let (one, two) = (Machine::connected(&server.builder()), Machine::connected(&server.builder()));
    assert_eq!(done(one.store.remove(ENTRY, soon())), Ok(()));
    assert_eq!(two.sees(&value(ENTRY)), []);
}

#[test]
fn a_removal_by_anybody_else_is_told() {
    let server = server!();
    let machine = Machine::connected(&server.builder());
    machine.put(ENTRY, b"x");
    machine.sees(&value(ENTRY));
    server.command(&["DEL", ENTRY]);
    machine.sees(&value(ENTRY));
    for flush in ["FLUSHALL", "FLUSHDB"] {
        server.command(&[flush]);
        machine.sees(&Seen::All);
    }
}

#[test]
fn other_prefixes_and_probes_are_not_told() {
    let server = server!();
    let one = Machine::connected(&server.builder());
    // It probes.
    let two = Machine::connected(&server.builder());
    server.command(&["SET", "other:{a}", "x"]);
    server.command(&["SET", &format!("{PREFIX}\u{e9}"), "x"]);
    assert_eq!(one.sees(&value("memo:\u{e9}")), []);
    assert_eq!(two.sees(&value("memo:\u{e9}")), []);
}

#[test]
fn an_expiry_that_is_told_late_does_no_harm() {
    let server = server!();
    let machine = Machine::connected(&server.builder());
    let left = Duration::from_millis(20);
    assert_eq!(done(machine.store.put(Put { left, ..put(ENTRY, b"x") }, soon())), Ok(true));
    machine.sees(&value(ENTRY));
    // The end is told too, whenever the server finds it.
    machine.sees(&value(ENTRY));
    assert_eq!(machine.bytes(ENTRY), None);
}
