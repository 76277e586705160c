//! A process that was forked has none of the threads.
#![cfg(unix)]

use std::panic::{AssertUnwindSafe, catch_unwind};

use memo_core::remote::Store;

use crate::server::server;
use crate::watching::{Machine, Seen, done, put, soon, value};

/// Runs `child` in a fork of the process and returns its exit status: 0 if it did not panic.
fn fork(child: impl FnOnce()) -> libc::c_int {
    // SAFETY: the child uses no lock that another thread could have held: its store is used by the calling thread only.
    match unsafe { libc::fork() } {
        0 => {
            let status = i32::from(catch_unwind(AssertUnwindSafe(child)).is_err());
            // SAFETY: ends the process without what `exit` would do for the parent's threads.
            unsafe { libc::_exit(status) }
        }
        process => {
            assert!(process > 0);
            let mut status = 0;
            // SAFETY: `status` is written to.
            assert_eq!(unsafe { libc::waitpid(process, &raw mut status, 0) }, process);
            status
        }
    }
}

#[test]
fn a_forked_process_connects_for_itself() {
    let server = server!();
    let machine = Machine::connected(&server.builder());
    machine.put("memo:{a}", b"x");
    machine.sees(&value("memo:{a}"));
    let status = fork(|| {
        assert_eq!(done(machine.store.put(put("memo:{b}", b"y"), soon())), Ok(true));
        assert_eq!(machine.bytes("memo:{a}"), Some(b"x".to_vec()));
        machine.sees(&Seen::Disconnected);
        machine.sees(&Seen::Connected);
        machine.put("memo:{c}", b"z");
        machine.sees(&value("memo:{c}"));
    });
    assert_eq!(status, 0);
    // The connections of this process went on.
    let before = machine.sees(&value("memo:{c}"));
    assert_eq!(before, [value("memo:{b}")]);
    machine.put("memo:{a}", b"again");
    assert_eq!(machine.sees(&value("memo:{a}")), []);
    assert_eq!(machine.bytes("memo:{b}"), Some(b"y".to_vec()));
}
