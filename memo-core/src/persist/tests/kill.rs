//! A process that is killed while it writes, and one that recovers after it.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use super::*;
use crate::persist::RealFs;

const FOLDER: &str = "MEMOKIT_TEST_FOLDER";
const ACK: &str = "ack ";

/// Not a test by itself: what the child does, until it is killed. Says what it wrote once `commit` has returned.
#[test]
fn child() {
    // Does its work as a child of the test below, which names a folder.
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
    let (store, _, mut memory) =
        open_as(RealFs, &folder, &identity(), Durability::Interval).unwrap();
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
    let folder = std::env::temp_dir().join(format!("memokit-kill-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    for cycle in 1..=8 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "persist::tests::kill::child", "--nocapture"])
            .env(FOLDER, &folder)
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
            open_as(RealFs, &folder, &identity(), Durability::Interval).unwrap();
        for n in 0..=last {
            let value = found.get(n.to_string().as_bytes());
            assert_eq!(value, Some(&format!("value of {n}").into_bytes()), "{cycle}");
        }
        assert!(found.len() <= last + 2 && recovery.discarded.is_empty(), "{recovery:?}");
    }
    std::fs::remove_dir_all(&folder).unwrap();
}
