#!/usr/bin/env bash
# The crate redis caches the reply to a command of several keys and drops it for a change of the first key only, or of
# none. The build takes 40 seconds of one core.
# guess: a cached reply is dropped when any of the keys that the command read is invalidated, as for MGET.
# Expected: the same; the crate lists SUNION, ZUNION, LCS and EXISTS among the commands that it caches.
# Seen: the server pushes each key, but the crate files a reply under the first word after the name of the command. So
# SUNION a b, LCS a b and EXISTS a b stay as they were when b changes. For ZUNION 2 a b and SINTERCARD 2 a b that word
# is the number 2, and they stay whatever changes.
set -euo pipefail

scratch=$(mktemp -d)
server=
trap 'kill $server 2>/dev/null || true; wait; rm -rf "$scratch"' EXIT
export CARGO_TARGET_DIR=$scratch/target
cd "$scratch"
apt-get -qq -o APT::Sandbox::User=root download redis-tools=5:7.0.15-1~deb12u10 libatomic1 libjemalloc2 liblzf1
for package in *.deb; do dpkg -x "$package" .; done
ln -s redis-check-rdb usr/bin/redis-server
LD_LIBRARY_PATH=$(echo "$PWD"/usr/lib/*-linux-gnu) usr/bin/redis-server --port 0 --unixsocket sock --save '' >log &
server=$!
mkdir src
cat >Cargo.toml <<'END'
[package]
name = "finding"
version = "0.0.0"
edition = "2021"

[dependencies]
redis = { version = "=1.8.1", default-features = false, features = ["cache-aio", "tokio-comp"] }
tokio = { version = "=1.54.1", features = ["macros", "rt"] }

[profile.dev]
debug = false
END
cat >src/main.rs <<'END'
use redis::{caching::CacheConfig, AsyncConnectionConfig, Client, Cmd, Value};

/// A command of words.
fn command(text: &str) -> Cmd {
    let mut command = Cmd::new();
    text.split(' ').for_each(|word| {
        command.arg(word);
    });
    command
}

/// What reads, what changes its first key, and what changes its second key: from one value to another each time.
const CASES: [(&str, &[&str], &str, &str); 6] = [
    ("MGET a b", &["SET a 1", "SET b 1"], "SET a 2", "SET b 2"),
    ("SUNION a b", &["SADD a 1", "SADD b 1"], "SADD a 2", "SADD b 3"),
    ("LCS a b LEN", &["SET a 12", "SET b 12"], "SET a 1", "DEL b"),
    ("EXISTS a b", &["SET a 1", "SET b 1"], "DEL a", "DEL b"),
    ("ZUNION 2 a b", &["ZADD a 1 1", "ZADD b 1 1"], "ZADD a 1 2", "ZADD b 1 3"),
    ("SINTERCARD 2 a b", &["SADD a 1 2", "SADD b 1 2"], "SREM a 1", "DEL b"),
];

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let client = Client::open(format!("redis+unix://{}?protocol=resp3", std::env::var("SOCKET").unwrap())).unwrap();
    let mut seen = vec![];
    for (read, setup, first, second) in CASES {
        for (number, change) in [("first", first), ("second", second)] {
            let mut writer = client.get_multiplexed_async_connection().await.unwrap();
            let config = AsyncConnectionConfig::new().set_cache_config(CacheConfig::new());
            let mut reader = client.get_multiplexed_async_connection_with_config(&config).await.unwrap();
            for text in ["DEL a b"].iter().chain(setup) {
                command(text).exec_async(&mut writer).await.unwrap();
            }
            let before: Value = command(read).query_async(&mut reader).await.unwrap();
            command(change).exec_async(&mut writer).await.unwrap();
            command("PING").exec_async(&mut reader).await.unwrap(); // the push comes before this reply
            let cached: Value = command(read).query_async(&mut reader).await.unwrap();
            let stored: Value = command(read).query_async(&mut writer).await.unwrap();
            assert_ne!(before, stored);
            assert!(cached == before || cached == stored);
            println!("{read:16} its {number:6} key changed: {}", if cached == stored { "new" } else { "old" });
            seen.push(cached == stored);
        }
    }
    let expected = [[true, true], [true, false], [true, false], [true, false], [false, false], [false, false]];
    assert_eq!(seen, expected.concat(), "other commands are dropped now");
}
END
echo "redis-server 7.0.15, redis 1.8.1"
cargo build --quiet
SOCKET=$scratch/sock timeout 30 target/debug/finding
