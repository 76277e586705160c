//! A server on this machine that answers each key of eight bytes with a memoized result of eight bytes.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use memokit::memoize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

use crate::access::mix;

const UPSTREAM: Duration = Duration::from_millis(100);

/// How often the source was asked.
pub(super) static REQUESTS: AtomicU64 = AtomicU64::new(0);

async fn upstream(key: u64) -> u64 {
    REQUESTS.fetch_add(1, Relaxed);
    tokio::time::sleep(UPSTREAM).await;
    answer(key)
}

pub(super) fn answer(key: u64) -> u64 {
    mix(key)
}

/// What the machine itself adds: after the first call of each key, all are hits.
#[memoize]
pub(super) async fn lasting(key: u64) -> u64 {
    upstream(key).await
}

#[memoize(ttl = "250ms", stale = "1h")]
pub(super) async fn in_caller(key: u64) -> u64 {
    upstream(key).await
}

#[memoize(ttl = "250ms", stale = "1h", spawn = tokio::spawn)]
pub(super) async fn spawned(key: u64) -> u64 {
    upstream(key).await
}

/// Serves connections on `runtime`, as long as that exists. `handler` computes an answer.
pub(super) fn start<F>(
    runtime: &Runtime,
    handler: impl Fn(u64) -> F + Copy + Send + 'static,
) -> io::Result<SocketAddr>
where
    F: Future<Output = u64> + Send + 'static,
{
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let address = listener.local_addr()?;
    runtime.spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            tokio::spawn(serve(connection, handler));
        }
    });
    Ok(address)
}

async fn serve<F>(mut connection: TcpStream, handler: impl Fn(u64) -> F) -> io::Result<()>
where
    F: Future<Output = u64>,
{
    connection.set_nodelay(true)?;
    loop {
        let key = connection.read_u64().await?;
        connection.write_u64(handler(key).await).await?;
    }
}
