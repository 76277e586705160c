//! What a machine does.

use std::io::BufRead;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use memo_redis::Builder;
use memokit::memoize;
use memokit::remote::{Tier, TierOptions};

use crate::machine::{AT_ONCE, DATA, URL};
use crate::server::LONG;

pub(crate) fn tier() -> Tier {
    static TIER: LazyLock<Tier> = LazyLock::new(|| {
        let url = std::env::var(URL).expect("the URL of the server");
        let options = TierOptions::new().namespace("it").lease(Duration::from_secs(3));
        Tier::new(Builder::new(url).store(), options)
    });
    TIER.clone()
}

fn data(name: &str) -> PathBuf {
    PathBuf::from(std::env::var_os(DATA).expect("the folder of the data")).join(name)
}

fn read(key: &str) -> String {
    std::fs::read_to_string(data(&format!("value-{key}"))).unwrap_or_else(|_| "none".to_owned())
}

#[memoize(max = 100, remote = tier(), remote_limit = "5s")]
fn value(key: &str) -> String {
    let value = read(key);
    while read("pause") == "1" {
        std::fs::write(data("computing"), "").unwrap();
        std::thread::sleep(Duration::from_millis(5));
    }
    value
}

#[memoize(max = 100, remote = tier(), remote_limit = "5s", tags = [("group", group)])]
fn of_group(group: &str, key: &str) -> String {
    read(key)
}

/// Not a test: a machine, if a test has started this process.
#[test]
fn run() {
    if std::env::var_os(DATA).is_none() {
        return;
    }
    while std::env::var_os(AT_ONCE).is_none() && tier().health().is_err() {
        std::thread::sleep(Duration::from_millis(5));
    }
    println!("> ready");
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap();
        let words: Vec<_> = line.split(' ').collect();
        if let ["exit"] = words[..] {
            std::process::exit(0);
        }
        println!("> {}", answer(&words));
    }
}

fn answer(words: &[&str]) -> String {
    let memo = value_memo();
    match words {
        ["call", key] => value(key),
        #[cfg(unix)]
        ["fork", key] => {
            let before = value(key);
            // SAFETY: the parent waits for its standard input, and the child uses what the parent has used.
            if unsafe { libc::fork() } == 0 {
                let end = Instant::now() + LONG;
                while value(key) == before && Instant::now() < end {
                    std::thread::sleep(Duration::from_millis(5));
                }
                println!("> {}", value(key));
                // SAFETY: ends the process without what `exit` would do for the parent's threads.
                unsafe { libc::_exit(0) }
            }
            before
        }
        ["group", group, key] => of_group(group, key),
        ["tag", group] => format!("{:?}", memokit::invalidate_tag(("group", group))),
        ["invalidate", key] => memo.invalidate(&value_key(key)).to_string(),
        ["insert", key, new] => memo.insert(&value_key(key), (*new).to_owned()).to_string(),
        ["clear"] => {
            memo.clear();
            "ok".to_owned()
        }
        ["flush"] => memo.flush().map_or_else(|error| error.to_string(), |()| "ok".to_owned()),
        ["health"] => memo.health().map_or_else(|error| error.to_string(), |()| "ok".to_owned()),
        ["stats"] => {
            let stats = memo.stats();
            let (hits, misses, remote_hits) = (stats.hits, stats.misses, stats.remote_hits);
            format!("hits {hits} misses {misses} remote_hits {remote_hits}")
        }
        _ => panic!("no such command: {words:?}"),
    }
}
