//! What watchers are told.

use std::sync::{Arc, Condvar, Mutex, Weak};
use std::time::Duration;

use memo_core::remote::{Changed, Leased, Put, Store, Token, Watcher};

use crate::server::{LONG, server};
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

#[test]
fn a_watcher_that_panics_is_told_again() {
    struct Panics(Mutex<Vec<&'static str>>, Condvar);
    impl Panics {
        fn note(&self, what: &'static str) {
            self.0.lock().unwrap().push(what);
            self.1.notify_all();
        }
    }
    impl Watcher for Panics {
        fn connected(&self) {
            self.note("connected");
        }
        fn disconnected(&self) {
            self.note("disconnected");
        }
        fn changed(&self, _: Changed<'_>) {
            panic!("the watcher of the test panics");
        }
    }
    let server = server!();
    let store = server.builder().store();
    let watcher = Arc::new(Panics(Mutex::default(), Condvar::new()));
    store.watch(PREFIX, Arc::<Panics>::downgrade(&watcher) as Weak<dyn Watcher>);
    for round in 0..3 {
        let told = watcher.0.lock().unwrap();
        let is_new = |told: &mut Vec<_>| told.len() < 1 + 2 * round;
        let (told, late) = watcher.1.wait_timeout_while(told, LONG, is_new).unwrap();
        assert!(!late.timed_out(), "{told:?}");
        drop(told);
        assert_eq!(done(store.put(put(ENTRY, b"x"), soon())), Ok(true));
    }
    let told = watcher.0.lock().unwrap();
    assert!(
        told.starts_with(&["connected", "disconnected", "connected", "disconnected", "connected"]),
        "{told:?}"
    );
}
