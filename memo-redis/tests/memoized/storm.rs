//! Many callers in many processes want the same slow results at once.

use std::collections::HashMap;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use memokit::memoize;
use tokio::runtime::Builder;

use crate::machine::{DATA, URL};
use crate::program::tier;
use crate::server::server;

const KEYS: u32 = 20;
const TASKS: u32 = 50;
const PROCESSES: u32 = 4;

#[memoize(max = 1000, remote = tier(), remote_limit = "30s")]
async fn slow(n: u32) -> String {
    let folder = std::env::var(DATA).expect("the folder of the data");
    let mut log = std::fs::OpenOptions::new();
    let mut log = log.append(true).create(true).open(format!("{folder}/log")).unwrap();
    log.write_all(format!("{n}\n").as_bytes()).unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    format!("result {n}")
}

#[test]
fn each_result_is_computed_once() {
    let server = server!();
    let start = || {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "storm::run", "--nocapture"])
            .env(URL, server.url())
            .env(DATA, server.folder.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    };
    let processes: Vec<_> = (0..PROCESSES).map(|_| start()).collect();
    for mut process in processes {
        assert!(process.wait().unwrap().success());
    }
    let log = std::fs::read_to_string(server.folder.path().join("log")).unwrap();
    let mut runs = HashMap::<_, u32>::new();
    log.lines().for_each(|n| *runs.entry(n).or_default() += 1);
    assert_eq!((runs.len(), runs.values().sum::<u32>()), (KEYS as usize, KEYS), "{runs:?}");
}

/// Not a test: one of the processes, if the test has started it.
#[test]
fn run() {
    if std::env::var_os(DATA).is_none() {
        return;
    }
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let tasks: Vec<_> = (0..TASKS)
            .map(|task| {
                tokio::spawn(async move {
                    for n in 0..KEYS {
                        let n = (n + task) % KEYS;
                        assert_eq!(slow(n).await, format!("result {n}"));
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
}
