#!/usr/bin/env bash
# The crate redis answers a command from its cache with the reply to another one, if their words run together are the
# same. The build takes 40 seconds of one core.
# guess: the cache finds a reply by the whole command, so that two commands that differ never share an entry.
# Expected: the same; on the wire each word of a command has its length before it.
# Seen: the entry is found by the bytes of the words without anything between them. GETRANGE text 11 12 gets what
# GETRANGE text 1 112 gave, HMGET hash ab the two fields of HMGET hash a b, and the type does not tell.
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

/// Two commands that differ in where a word ends.
const CASES: [[&str; 2]; 3] = [
    ["GETRANGE text 1 112", "GETRANGE text 11 12"],
    ["HMGET hash a b", "HMGET hash ab"],
    ["ZCOUNT zset 1 112", "ZCOUNT zset 11 12"],
];

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let client = Client::open(format!("redis+unix://{}?protocol=resp3", std::env::var("SOCKET").unwrap())).unwrap();
    let mut plain = client.get_multiplexed_async_connection().await.unwrap();
    let config = AsyncConnectionConfig::new().set_cache_config(CacheConfig::new());
    let mut cached = client.get_multiplexed_async_connection_with_config(&config).await.unwrap();
    for text in ["SET text abcdefghijklmnopqrst", "HSET hash a 1 b 2 ab 3", "ZADD zset 1 one 11 two"] {
        command(text).exec_async(&mut plain).await.unwrap();
    }
    let mut shared = vec![];
    for [first, second] in CASES {
        let mut replies: Vec<Value> = vec![];
        for text in [first, second] {
            replies.push(command(text).query_async(&mut cached).await.unwrap());
        }
        let right: Value = command(second).query_async(&mut plain).await.unwrap();
        println!("{first}: {:?}\n{second}: {:?}, from the server: {right:?}", replies[0], replies[1]);
        shared.push(replies[1] == replies[0] && replies[1] != right);
    }
    assert_eq!(shared, [true; CASES.len()], "each has its own reply now");
}
END
echo "redis-server 7.0.15, redis 1.8.1"
cargo build --quiet
SOCKET=$scratch/sock timeout 30 target/debug/finding
