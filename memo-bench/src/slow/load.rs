//! Clients of a server whose results expire all the time: how long they wait for an answer.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};

use crate::access::mix;
use crate::command::Plan;
use crate::report::{Column, Table};
use crate::slow::server::{self, REQUESTS, answer};

const COLUMNS: [Column; 8] = [
    Column("case", 16, 0),
    Column("contender", 16, 0),
    Column("answers", 9, 0),
    Column("upstream", 9, 0),
    Column("p50 ms", 8, 3),
    Column("p99 ms", 8, 3),
    Column("p99.9 ms", 9, 3),
    Column("max ms", 8, 3),
];

const CONNECTIONS: u32 = 32;
const KEYS: u64 = 64;
/// A connection begins a request this long after the one before, or when that is answered.
const INTERVAL: Duration = Duration::from_millis(20);
/// What 99.9 % of the callers of a function with `spawn` wait at most, in ms, on a machine that is not busy.
const MOST: f64 = 2.0;
/// On a busy one: at most so many times what they wait if nothing expires.
const MOST_TIMES: f64 = 2.0;

pub(super) fn run(plan: &Plan) -> Result<(), String> {
    let mut table = Table::begin(plan.json, &COLUMNS);
    let time = Duration::from_millis(if plan.quick { 700 } else { 20_000 });
    one(&mut table, "without spawn", server::in_caller, time)?;
    let with = one(&mut table, "with spawn", server::spawned, time)?;
    let hits = one(&mut table, "nothing expires", server::lasting, time)?;
    if !plan.quick && with > MOST.max(MOST_TIMES * hits) {
        return Err(format!("with spawn, one caller in a thousand waits {with:.1} ms or more"));
    }
    Ok(())
}

/// Shows how long callers of a server with this handler wait. Returns the 99.9th percentile in milliseconds.
fn one<F>(
    table: &mut Table,
    name: &str,
    handler: impl Fn(u64) -> F + Copy + Send + 'static,
    time: Duration,
) -> Result<f64, String>
where
    F: Future<Output = u64> + Send + 'static,
{
    let before = REQUESTS.load(Relaxed);
    let mut waits = waits(handler, time).map_err(|error| error.to_string())?;
    waits.sort_unstable();
    let at = |permille: usize| waits[(waits.len() - 1) * permille / 1000].as_secs_f64() * 1000.0;
    table.row(&[
        "slow/load".into(),
        name.into(),
        (waits.len() as f64).into(),
        ((REQUESTS.load(Relaxed) - before) as f64).into(),
        at(500).into(),
        at(990).into(),
        at(999).into(),
        at(1000).into(),
    ]);
    Ok(at(999))
}

/// Returns how long each request waited for its answer, after each key was requested once.
fn waits<F>(
    handler: impl Fn(u64) -> F + Copy + Send + 'static,
    time: Duration,
) -> io::Result<Vec<Duration>>
where
    F: Future<Output = u64> + Send + 'static,
{
    let runtime = Runtime::new()?;
    let address = server::start(&runtime, handler)?;
    let clients = Builder::new_current_thread().enable_all().build()?;
    clients.block_on(async {
        let requests = (0..KEYS).map(|key| tokio::spawn(warm(address, key)));
        for request in requests.collect::<Vec<_>>() {
            request.await.expect("a client panicked")?;
        }
        let end = Instant::now() + time;
        let clients = (0..CONNECTIONS).map(|at| tokio::spawn(client(address, at, end)));
        let mut waits = Vec::new();
        for client in clients.collect::<Vec<_>>() {
            waits.extend(client.await.expect("a client panicked")?);
        }
        Ok(waits)
    })
}

async fn warm(address: SocketAddr, key: u64) -> io::Result<()> {
    request(&mut TcpStream::connect(address).await?, key).await
}

async fn request(connection: &mut TcpStream, key: u64) -> io::Result<()> {
    connection.write_u64(key).await?;
    assert_eq!(connection.read_u64().await?, answer(key), "the answer to {key}");
    Ok(())
}

async fn client(address: SocketAddr, at: u32, end: Instant) -> io::Result<Vec<Duration>> {
    let mut connection = TcpStream::connect(address).await?;
    connection.set_nodelay(true)?;
    let mut interval = tokio::time::interval(INTERVAL);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    tokio::time::sleep(INTERVAL * at / CONNECTIONS).await;
    let mut waits = Vec::new();
    for number in 0.. {
        interval.tick().await;
        if Instant::now() >= end {
            break;
        }
        let began = Instant::now();
        request(&mut connection, mix(u64::from(at) << 32 | number) % KEYS).await?;
        waits.push(began.elapsed());
    }
    Ok(waits)
}
