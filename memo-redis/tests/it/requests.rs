//! Each method of the trait.

use std::thread;
use std::time::{Duration, Instant};

use memo_core::remote::{Lease, Leased, Put, Store, StoreError, Token};

use crate::server::server;
use crate::watching::{Machine, done, lease, put, soon};

const ENTRY: &str = "memo:{a}";

#[test]
fn an_entry_is_written_read_and_removed() {
    let server = server!();
    let machine = Machine::connected(&server.builder());
    let store = &machine.store;
    assert_eq!(done(store.get(ENTRY, soon())), Ok(None));
    let bytes: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    machine.put(ENTRY, &bytes);
    let stored = done(store.get(ENTRY, soon())).unwrap().unwrap();
    assert_eq!(stored.bytes, bytes);
    let left = stored.left.unwrap();
    assert!(left > Duration::from_secs(500) && left <= Duration::from_secs(600), "{left:?}");
    assert_eq!(done(store.remove(ENTRY, soon())), Ok(()));
    assert_eq!(done(store.get(ENTRY, soon())), Ok(None));
    assert_eq!(server.command(&["DBSIZE"]), ":0\r\n");
}

#[test]
fn an_entry_without_an_end_has_none() {
    let server = server!();
    let machine = Machine::connected(&server.builder());
    server.command(&["SET", ENTRY, "x"]);
    assert_eq!(done(machine.store.get(ENTRY, soon())).unwrap().unwrap().left, None);
    let Leased::Found(found) = done(machine.store.lease(ENTRY, lease(1), soon())).unwrap() else {
        panic!()
    };
    assert_eq!((found.bytes, found.left), (b"x".to_vec(), None));
}

#[test]
fn an_entry_ends() {
    let server = server!();
    let machine = Machine::connected(&server.builder());
    let left = Duration::from_micros(300);
    assert_eq!(done(machine.store.put(Put { left, ..put(ENTRY, b"x") }, soon())), Ok(true));
    let end = soon();
    while machine.bytes(ENTRY).is_some() {
        assert!(Instant::now() < end);
    }
    let left = Duration::MAX;
    assert_eq!(done(machine.store.put(Put { left, ..put(ENTRY, b"x") }, soon())), Ok(true));
    assert_eq!(machine.bytes(ENTRY), Some(b"x".to_vec()));
}

#[test]
fn one_machine_gets_the_lease() {
    let server = server!();
    let (one, two) = (Machine::connected(&server.builder()), Machine::connected(&server.builder()));
    assert_eq!(done(one.store.lease(ENTRY, lease(1), soon())), Ok(Leased::Granted));
    match done(two.store.lease(ENTRY, lease(2), soon())).unwrap() {
        Leased::Held(left) => {
            assert!(left > Duration::from_secs(1) && left <= Duration::from_secs(60));
        }
        other => panic!("{other:?}"),
    }
    // The answer may have been lost.
    assert_eq!(done(one.store.lease(ENTRY, lease(1), soon())), Ok(Leased::Granted));
    assert_eq!(done(two.store.renew(ENTRY, Token(2), Duration::from_secs(9), soon())), Ok(false));
    assert_eq!(done(one.store.renew(ENTRY, Token(1), Duration::from_secs(600), soon())), Ok(true));
    match done(two.store.lease(ENTRY, lease(2), soon())).unwrap() {
        Leased::Held(left) => assert!(left > Duration::from_secs(500), "{left:?}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(done(two.store.release(ENTRY, Token(2), soon())), Ok(()));
    assert!(matches!(done(two.store.lease(ENTRY, lease(2), soon())), Ok(Leased::Held(_))));
    assert_eq!(done(one.store.release(ENTRY, Token(1), soon())), Ok(()));
    assert_eq!(done(two.store.lease(ENTRY, lease(2), soon())), Ok(Leased::Granted));
}

#[test]
fn a_lease_ends_by_itself() {
    let server = server!();
    let machine = Machine::connected(&server.builder());
    let short = Lease { time: Duration::from_millis(50), ..lease(1) };
    assert_eq!(done(machine.store.lease(ENTRY, short, soon())), Ok(Leased::Granted));
    let end = soon();
    while done(machine.store.lease(ENTRY, lease(2), soon())).unwrap() != Leased::Granted {
        assert!(Instant::now() < end);
    }
    assert_eq!(
        done(machine.store.renew(ENTRY, Token(1), Duration::from_secs(1), soon())),
        Ok(false)
    );
}

#[test]
fn an_entry_that_somebody_cannot_use_counts_as_none() {
    let server = server!();
    let machine = Machine::connected(&server.builder());
    machine.put(ENTRY, b"old\0value");
    let ask = |token, void: Option<&[u8]>| {
        let lease = Lease { void: void.map(<[u8]>::to_vec), ..lease(token) };
        done(machine.store.lease(ENTRY, lease, soon())).unwrap()
    };
    for void in [None, Some(&b"new"[..]), Some(b"old\0value and more"), Some(b"ld")] {
        assert!(
            matches!(ask(1, void), Leased::Found(found) if found.bytes == b"old\0value" && found.left.is_some())
        );
    }
    assert_eq!(ask(1, Some(b"old\0v")), Leased::Granted);
    assert!(matches!(ask(2, Some(b"old\0value")), Leased::Held(_)));
    // Nobody else is kept from reading it.
    assert!(matches!(ask(2, None), Leased::Found(_)));
}

#[test]
fn the_head_of_an_entry_is_its_first_bytes() {
    let server = server!();
    let machine = Machine::connected(&server.builder());
    let head = |len| done(machine.store.head(ENTRY, len, soon())).unwrap();
    assert_eq!(head(3), b"");
    machine.put(ENTRY, b"value");
    assert_eq!([head(0), head(1), head(5), head(1 << 40)], [&b""[..], b"v", b"value", b"value"]);
}

#[test]
fn only_the_holder_of_the_lease_writes() {
    let server = server!();
    let machine = Machine::connected(&server.builder());
    let by = |token| Put { token: Some(Token(token)), ..put(ENTRY, b"mine") };
    assert_eq!(done(machine.store.put(by(1), soon())), Ok(false));
    assert_eq!(done(machine.store.lease(ENTRY, lease(1), soon())), Ok(Leased::Granted));
    assert_eq!(done(machine.store.put(by(2), soon())), Ok(false));
    assert_eq!(machine.bytes(ENTRY), None);
    assert_eq!(done(machine.store.put(by(1), soon())), Ok(true));
    assert_eq!(machine.bytes(ENTRY), Some(b"mine".to_vec()));
    // Writing ended the lease.
    assert_eq!(done(machine.store.put(by(1), soon())), Ok(false));
}

#[test]
fn a_removal_ends_the_lease() {
    let server = server!();
    let (one, two) = (Machine::connected(&server.builder()), Machine::connected(&server.builder()));
    assert_eq!(done(one.store.lease(ENTRY, lease(1), soon())), Ok(Leased::Granted));
    assert_eq!(done(two.store.remove(ENTRY, soon())), Ok(()));
    let put = Put { token: Some(Token(1)), ..put(ENTRY, b"void") };
    assert_eq!(done(one.store.put(put, soon())), Ok(false));
    assert_eq!(one.bytes(ENTRY), None);
}

#[test]
fn a_group_has_one_generation() {
    let server = server!();
    let (one, two) = (Machine::connected(&server.builder()), Machine::connected(&server.builder()));
    let group = "memo:group";
    // More than a number in Lua holds.
    assert_eq!(done(one.store.generation(group, u64::MAX, soon())), Ok(u64::MAX));
    assert_eq!(done(two.store.generation(group, 5, soon())), Ok(u64::MAX));
    assert_eq!(done(two.store.set_generation(group, 6, soon())), Ok(()));
    assert_eq!(done(one.store.generation(group, 7, soon())), Ok(6));
}

#[test]
fn a_server_that_forgot_the_scripts_learns_them_again() {
    let server = server!();
    let machine = Machine::connected(&server.builder());
    machine.put(ENTRY, b"1");
    server.command(&["SCRIPT", "FLUSH"]);
    machine.put(ENTRY, b"2");
    assert_eq!(machine.bytes(ENTRY), Some(b"2".to_vec()));
}

#[test]
fn what_the_server_refuses_is_an_error() {
    let server = server!();
    let machine = Machine::connected(&server.builder());
    server.command(&["RPUSH", ENTRY, "secret"]);
    for error in [
        done(machine.store.get(ENTRY, soon())).unwrap_err(),
        done(machine.store.lease(ENTRY, lease(1), soon())).unwrap_err(),
        done(machine.store.generation(ENTRY, 1, soon())).unwrap_err(),
    ] {
        assert!(
            matches!(&error, StoreError::Refused(reason) if reason.contains("WRONGTYPE")),
            "{error:?}"
        );
    }
    server.command(&["SET", "memo:group", "secret"]);
    let error = done(machine.store.generation("memo:group", 1, soon())).unwrap_err();
    assert!(
        matches!(&error, StoreError::Refused(reason) if !reason.contains("secret")),
        "{error:?}"
    );
}

#[test]
fn a_full_server_refuses_to_write_and_still_removes() {
    let server = server!("--maxmemory-policy", "noeviction");
    let (one, two) = (Machine::connected(&server.builder()), Machine::connected(&server.builder()));
    one.put(ENTRY, b"x");
    assert_eq!(done(one.store.generation("memo:group", 1, soon())), Ok(1));
    server.command(&["CONFIG", "SET", "maxmemory", "1"]);
    let is_oom = |error| matches!(&error, StoreError::Refused(reason) if reason.contains("OOM"));
    assert!(is_oom(done(one.store.put(put("memo:{b}", b"y"), soon())).unwrap_err()));
    assert!(is_oom(done(one.store.lease("memo:{b}", lease(1), soon())).unwrap_err()));
    assert!(matches!(done(one.store.lease(ENTRY, lease(1), soon())), Ok(Leased::Found(_))));
    while two.seen.try_recv().is_ok() {}
    for entry in ["memo:{none}", ENTRY] {
        assert_eq!(done(one.store.remove(entry, soon())), Ok(()));
        two.sees(&crate::watching::value(entry));
    }
    assert_eq!(one.bytes(ENTRY), None);
    assert_eq!(done(one.store.set_generation("memo:group", 2, soon())), Ok(()));
    assert_eq!(done(two.store.generation("memo:group", 3, soon())), Ok(2));
    // A machine that comes now is told too.
    let three = Machine::connected(&server.builder());
    assert_eq!(done(one.store.remove("memo:{none}", soon())), Ok(()));
    three.sees(&crate::watching::value("memo:{none}"));
}

#[test]
fn concurrent_requests_share_round_trips() {
    let server = server!();
    let machine = Machine::connected(&server.builder());
    let pending: Vec<_> = (0..5_000)
        .map(|number| machine.store.put(put(&format!("memo:{{{number}}}"), &[1]), soon()))
        .collect();
    assert!(pending.into_iter().all(|pending| done(pending) == Ok(true)));
    thread::scope(|scope| {
        for thread in 0..8 {
            let store = &machine.store;
            scope.spawn(move || {
                for number in 0..200 {
                    let entry = format!("memo:{{{}}}", 8 * number + thread);
                    assert!(done(store.get(&entry, soon())).unwrap().is_some());
                }
            });
        }
    });
}

#[test]
fn requests_that_were_made_before_the_store_was_dropped_end() {
    let server = server!();
    let machine = Machine::connected(&server.builder());
    let pending: Vec<_> =
        (0..100).map(|_| machine.store.put(put(ENTRY, b"last"), soon())).collect();
    drop(machine);
    assert!(pending.into_iter().all(|pending| done(pending) == Ok(true)));
    let machine = Machine::connected(&server.builder());
    assert_eq!(machine.bytes(ENTRY), Some(b"last".to_vec()));
}
