//! Users, passwords and what they may do.

use std::thread;
use std::time::{Duration, Instant};

use memo_core::remote::{Leased, Put, Store, StoreError, Token};

use crate::server::{Server, server};
use crate::watching::{Machine, Seen, done, lease, put, soon, value};

const ENTRY: &str = "memo:{a}";
/// What the documentation of the crate says.
pub(crate) const RULES: &str = "resetchannels ~memo:* -@all +get +set +del +pttl +pexpire +getrange +eval +evalsha +client|tracking";

/// Adds a user, with the password `secret`.
pub(crate) fn add_user(server: &Server, name: &str, rules: &str) {
    let mut words = vec!["ACL", "SETUSER", name, "on", ">secret"];
    words.extend(rules.split(' '));
    assert_eq!(server.command(&words), "+OK\r\n");
}

fn does_all(machine: &Machine) {
    machine.sees(&Seen::Connected);
    let store = &machine.store;
    assert_eq!(done(store.lease(ENTRY, lease(1), soon())), Ok(Leased::Granted));
    assert_eq!(done(store.renew(ENTRY, Token(1), lease(1).time, soon())), Ok(true));
    assert_eq!(
        done(store.put(Put { token: Some(Token(1)), ..put(ENTRY, b"x") }, soon())),
        Ok(true)
    );
    machine.sees(&value(ENTRY));
    assert_eq!(done(store.head(ENTRY, 1, soon())), Ok(b"x".to_vec()));
    assert_eq!(machine.bytes(ENTRY), Some(b"x".to_vec()));
    assert_eq!(done(store.release(ENTRY, Token(1), soon())), Ok(()));
    assert_eq!(done(store.remove(ENTRY, soon())), Ok(()));
    assert_eq!(done(store.generation("memo:group", 1, soon())), Ok(1));
    assert_eq!(done(store.set_generation("memo:group", 2, soon())), Ok(()));
}

#[test]
fn a_user_with_few_permissions_is_enough() {
    let server = server!();
    for (name, rules) in
        [("few", RULES.to_owned()), ("more", format!("{RULES} +client|trackinginfo +info"))]
    {
        add_user(&server, name, &rules);
        let machine = Machine::new(&server.builder().username(name).password("secret"));
        does_all(&machine);
        server.command(&["FLUSHALL"]);
    }
}

#[test]
fn who_may_not_ask_whether_changes_are_told_writes_a_key_to_see_it() {
    let server = server!();
    add_user(&server, "few", RULES);
    let builder = server.builder().heartbeat(Duration::from_secs(1));
    let machine = Machine::connected(&builder.username("few").password("secret"));
    let scripts = || {
        let statistics = server.command(&["INFO", "commandstats"]);
        let count =
            statistics.split("cmdstat_eval:calls=").nth(1).unwrap().split(',').next().unwrap();
        count.parse::<u64>().unwrap()
    };
    let (before, end) = (scripts(), soon());
    while scripts() < before + 2 {
        assert!(Instant::now() < end);
        thread::sleep(Duration::from_millis(20));
    }
    machine.put(ENTRY, b"x");
    machine.sees(&value(ENTRY));
}

#[test]
fn a_user_may_stand_in_the_url() {
    let server = server!();
    add_user(&server, "few", RULES);
    let url = format!("redis://few:secret@127.0.0.1:{}", server.port);
    does_all(&Machine::new(&memo_redis::Builder::new(url)));
}

#[test]
fn a_password_alone_is_that_of_everybody() {
    let server = server!("--requirepass", "secret");
    does_all(&Machine::new(&server.builder().password("secret")));
}

#[test]
fn who_may_not_come_in_is_told_so() {
    let server = server!("--requirepass", "secret");
    for builder in [
        server.builder(),
        server.builder().password("hunter2"),
        server.builder().username("nobody"),
    ] {
        let machine = Machine::new(&builder);
        let error = done(machine.store.get(ENTRY, soon())).unwrap_err();
        assert!(matches!(&error, StoreError::Disconnected(_)), "{error:?}");
        let texts =
            format!("{error:?} {builder:?} {:?} {:?}", machine.store, machine.store.health());
        assert!(texts.contains("NOAUTH") || texts.contains("assword"), "{texts}");
        assert!(!texts.contains("hunter2") && !texts.contains("secret"), "{texts}");
    }
}

#[test]
fn who_may_not_be_told_of_changes_makes_requests_all_the_same() {
    let server = server!();
    add_user(&server, "few", &format!("{RULES} -client|tracking"));
    let machine = Machine::new(&server.builder().username("few").password("secret"));
    machine.put(ENTRY, b"x");
    let end = soon();
    let is_refused = |machine: &Machine| match machine.store.health() {
        Err(error) => error.to_string().contains("client|tracking"),
        Ok(()) => false,
    };
    while !is_refused(&machine) {
        assert!(Instant::now() < end, "{:?}", machine.store.health());
        thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(machine.bytes(ENTRY), Some(b"x".to_vec()));
    add_user(&server, "few", "+client|tracking");
    machine.sees(&Seen::Connected);
}

#[test]
fn who_may_not_use_the_keys_is_refused() {
    let server = server!();
    add_user(&server, "few", &RULES.replace("memo:*", "other:*"));
    let machine = Machine::new(&server.builder().username("few").password("secret"));
    let error = done(machine.store.get(ENTRY, soon())).unwrap_err();
    assert!(
        matches!(&error, StoreError::Refused(reason) if reason.contains("NOPERM")),
        "{error:?}"
    );
}
