//! Tests a process that is killed while it writes, and one that recovers after it.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use super::*;
use crate::persist::RealFs;

const DIRECTORY: &str = "MEMOKIT_TEST_FOLDER";
const ACK: &str = "ack ";

/// Not a test by itself: this is the work of the child process, until it is killed. Prints the number of each record
/// after its `commit` has returned.
#[test]
fn child() {
    // Works only as a child of the test below, which sets the directory.
    let Some(directory) = std::env::var_os(DIRECTORY).map(PathBuf::from) else { return };
    let (store, _, mut memory) =
        open_as(RealFs, &directory, &identity(), Durability::Interval).unwrap();
    for n in memory.len().. {
        let (key, value) = (n.to_string(), format!("value of {n}"));
        apply(&mut memory, put(key.as_bytes(), value.as_bytes()));
        write(&store, put(key.as_bytes(), value.as_bytes())).unwrap();
        println!("{ACK}{n}");
        if n % 37 == 0 {
            checkpoint(&store, &memory).unwrap();
        }
    }
}

#[test]
fn a_killed_process_loses_nothing_acknowledged() {
    let directory = std::env::temp_dir().join(format!("memokit-kill-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&directory);
    for cycle in 1..=8 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "persist::tests::kill::child", "--nocapture"])
            .env(DIRECTORY, &directory)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut acknowledged = lines.filter_map(|line| line.ok()?.strip_prefix(ACK)?.parse().ok());
        let mut last: usize = acknowledged.by_ref().nth(cycle * 13).expect("the child writes");
        child.kill().unwrap();
        child.wait().unwrap();
        last = acknowledged.last().unwrap_or(last);
        let (_store, recovery, found) =
            open_as(RealFs, &directory, &identity(), Durability::Interval).unwrap();
        for n in 0..=last {
            let value = found.get(n.to_string().as_bytes());
            assert_eq!(value, Some(&format!("value of {n}").into_bytes()), "{cycle}");
        }
        assert!(found.len() <= last + 2 && recovery.discarded.is_empty(), "{recovery:?}");
    }
    std::fs::remove_dir_all(&directory).unwrap();
}
