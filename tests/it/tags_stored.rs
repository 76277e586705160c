//! Tags of results on disk: in one process after another, and in several at once.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use memokit::{Tag, invalidate_tag, memoize};

use crate::persistence_shared::Peer;
use crate::support::{folder, processes};

static RUNS: AtomicU32 = AtomicU32::new(0);

fn run() -> String {
    format!("{} {}", std::process::id(), RUNS.fetch_add(1, Relaxed))
}

#[memoize(persist = folder(), durability = "os", tags = [("user", user)])]
fn name(user: u32) -> String {
    run()
}

/// A large value, which is kept in a file of its own.
#[memoize(persist = folder(), durability = "os", tags_with = |_| [Tag::new(&("user", 1))])]
fn picture(_user: u32) -> Vec<u8> {
    let mut bytes = vec![7; 400_000];
    bytes.extend_from_slice(run().as_bytes());
    bytes
}

fn picture_run(user: u32) -> String {
    String::from_utf8(picture(user)[400_000..].to_vec()).unwrap()
}

/// Does what the parent says line by line, and prints the result of each.
fn obey() {
    for line in std::io::stdin().lines() {
        let line = line.unwrap();
        let (command, argument) = line.split_once(' ').unwrap_or((&line, "0"));
        let n: u32 = argument.parse().unwrap();
        let said = match command {
            "name" => name(n),
            "picture" => picture_run(n),
            "get" => format!("{:?}", name_memo().get(&name_key(n))),
            "invalidate" => format!("{:?}", invalidate_tag(("user", n))),
            "insert" => name_memo().insert(&name_key(n), "inserted".to_owned()).to_string(),
            "snapshot" => {
                format!("{:?}", name_memo().snapshot().and_then(|()| picture_memo().snapshot()))
            }
            other => panic!("unknown command {other}"),
        };
        println!("\nsays {said}");
    }
}

#[test]
fn an_invalidated_tag_stays_so_after_a_kill_and_a_snapshot() {
    let processes = processes!(obey);
    for snapshots in [&[][..], &["snapshot"], &["snapshot", "snapshot"]] {
        let mut first = Peer::start(&processes);
        let before = ["name 1", "name 2", "picture 3"].map(|call| first.ask(call));
        snapshots.iter().for_each(|snapshot| assert_eq!(first.ask(snapshot), "Ok(())"));
        first.ask("invalidate 1");
        first.kill();
        let mut second = Peer::start(&processes);
        assert_eq!(second.ask("get 1"), "None");
        assert_eq!(second.ask("name 2"), before[1]);
        assert!(second.ask("name 1") != before[0] && second.ask("picture 3") != before[2]);
        let after = ["name 1", "name 2", "picture 3"].map(|call| second.ask(call));
        second.ask("snapshot");
        second.kill();
        let mut third = Peer::start(&processes);
        assert_eq!(["name 1", "name 2", "picture 3"].map(|call| third.ask(call)), after);
        third.finish();
    }
}

#[test]
fn processes_that_share_the_folder_follow_in_their_next_hit() {
    let processes = processes!(obey);
    let [mut a, mut b] = [Peer::start(&processes), Peer::start(&processes)];
    let calls = ["name 1", "name 2", "picture 1"];
    let first = calls.map(|call| a.ask(call));
    assert_eq!(calls.map(|call| b.ask(call)), first);
    for _ in 0..3 {
        let before = calls.map(|call| b.ask(call));
        a.ask("invalidate 1");
        let now = calls.map(|call| b.ask(call));
        assert_eq!([0, 1, 2].map(|at| now[at] == before[at]), [false, true, false]);
        assert_eq!(calls.map(|call| a.ask(call)), now);
        let before = now;
        b.ask("snapshot");
        b.ask("invalidate 2");
        let now = calls.map(|call| a.ask(call));
        assert_eq!([0, 1, 2].map(|at| now[at] == before[at]), [true, false, true]);
        assert_eq!(calls.map(|call| b.ask(call)), now);
    }
    // A result that is inserted has its tag on disk too.
    a.ask("insert 1");
    assert_eq!(b.ask("name 1"), "inserted");
    b.ask("invalidate 1");
    assert_ne!(a.ask("name 1"), "inserted");
    [a, b].into_iter().for_each(Peer::finish);
}

/// Its folder is told when it is called for the first time.
#[test]
fn a_function_that_was_not_called_before_its_tag_was_invalidated_does_not_bring_it_back() {
    let processes = processes!(obey);
    let mut first = Peer::start(&processes);
    let calls = ["name 1", "name 2", "picture 1"];
    let before = calls.map(|call| first.ask(call));
    let mut second = Peer::start(&processes);
    second.ask("invalidate 1");
    let now = calls.map(|call| second.ask(call));
    assert_eq!([0, 1, 2].map(|at| now[at] == before[at]), [false, true, false]);
    assert_eq!(calls.map(|call| first.ask(call)), now);
    let mut third = Peer::start(&processes);
    third.ask("invalidate 9");
    assert_eq!(calls.map(|call| third.ask(call)), now);
    [first, second, third].into_iter().for_each(Peer::finish);
}
