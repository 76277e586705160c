#!/usr/bin/env bash
# The crate redis keeps a reply that was invalidated while it was under way, and a connection that the server has closed
# goes on answering from its cache. The build takes 40 seconds of one core.
# guess: a push that comes between the sending of a GET and the storing of its reply keeps the reply out of the cache;
# once the server has closed the connection each command gives an error, since no push can come any more.
# Expected: the same. What CLIENT TRACKING asks of a client is to drop its cache when the connection is lost.
# Seen: GET's reply and the push that ends it, read at one go, leave the old value in the cache, and no later SET is
# pushed, as the server has done its part. After the end of the connection PING gives an error and GET the old value.
set -euo pipefail

scratch=$(mktemp -d)
server=
trap 'kill $server 2>/dev/null && kill -CONT $server; wait; rm -rf "$scratch"' EXIT
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
tokio = { version = "=1.54.1", features = ["macros", "rt", "time"] }

[profile.dev]
debug = false
END
cat >src/main.rs <<'END'
use redis::aio::MultiplexedConnection as Connection;
use redis::{caching::CacheConfig, AsyncCommands, AsyncConnectionConfig, Client, RedisResult};
use std::{env, process::Command, time::Duration};

const ROUNDS: usize = 10;

/// Stops the server or lets it go on, as a machine without a free core does.
fn signal(name: &str) {
    let status = Command::new("kill").args([name, &env::var("SERVER").unwrap()]).status();
    assert!(status.unwrap().success());
}

/// The tasks of the connections, which share this thread, write what they have been handed and read what there is.
async fn let_connections_run() {
    for _ in 0..10 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

async fn get(connection: &mut Connection, key: &str) -> RedisResult<String> {
    connection.get(key).await
}

async fn set(connection: &mut Connection, key: &str, value: &str) {
    connection.set::<_, _, ()>(key, value).await.unwrap();
}

/// A SET reaches the server right after the reader's GET. Whether the reader still has the old value in the end; none
/// if the server has taken the SET first.
async fn late_reply(reader: &mut Connection, writer: &mut Connection, key: String) -> Option<bool> {
    set(writer, &key, "old").await;
    signal("-STOP");
    let (mut other_reader, read_key) = (reader.clone(), key.clone());
    let read = tokio::spawn(async move { get(&mut other_reader, &read_key).await });
    let_connections_run().await;
    let (mut other_writer, write_key) = (writer.clone(), key.clone());
    let write = tokio::spawn(async move { set(&mut other_writer, &write_key, "new").await });
    let_connections_run().await;
    signal("-CONT");
    let reply = read.await.unwrap().unwrap();
    write.await.unwrap();
    set(writer, &key, "newer").await;
    reader.ping::<String>().await.unwrap();
    assert_eq!(get(writer, &key).await.unwrap(), "newer");
    let cached = get(reader, &key).await.unwrap();
    (reply == "old").then_some(cached == "old")
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let client = Client::open(format!("redis+unix://{}?protocol=resp3", env::var("SOCKET").unwrap())).unwrap();
    let config = AsyncConnectionConfig::new().set_cache_config(CacheConfig::new());
    let mut reader = client.get_multiplexed_async_connection_with_config(&config).await.unwrap();
    let mut writer = client.get_multiplexed_async_connection().await.unwrap();

    let mut in_time = vec![];
    for value in ["old", "new"] {
        set(&mut writer, "in time", value).await;
        reader.ping::<String>().await.unwrap();
        in_time.push(get(&mut reader, "in time").await.unwrap());
    }
    println!("SET after the reply: {in_time:?}");
    assert_eq!(in_time, ["old", "new"]);

    let mut rounds = vec![];
    for number in 0.. {
        rounds.extend(late_reply(&mut reader, &mut writer, format!("late {number}")).await);
        if rounds.len() == ROUNDS {
            break;
        }
    }
    let stale = rounds.iter().filter(|stale| **stale).count();
    println!("SET while the reply is under way: stale in {stale} of {ROUNDS}");

    let id: u64 = redis::cmd("CLIENT").arg("ID").query_async(&mut reader).await.unwrap();
    redis::cmd("CLIENT").arg("KILL").arg("ID").arg(id).exec_async(&mut writer).await.unwrap();
    let closed = loop {
        if let Err(error) = reader.ping::<String>().await {
            break error;
        }
    };
    set(&mut writer, "in time", "newest").await;
    let [cached, absent] = [get(&mut reader, "in time").await, get(&mut reader, "absent").await];
    println!("closed by the server: PING {closed:?}, GET of a cached key {cached:?}, of another key {absent:?}");
    assert!(absent.unwrap_err().is_io_error());
    assert!(stale > 0, "late replies are not kept now");
    assert_eq!(cached.unwrap(), "new", "a closed connection does not answer now");
}
END
echo "redis-server 7.0.15, redis 1.8.1"
cargo build --quiet
SERVER=$server SOCKET=$scratch/sock timeout 30 target/debug/finding
