//! The store on Redis of cached, for async functions.

use std::sync::Arc;

use cached::AsyncRedisCache;
use cached::macros::concurrent_cached;

use super::server;
use super::tasks;
use super::value::{made, number};
use crate::contender::Contender;

type Failed = cached::RedisCacheError;

async fn open() -> AsyncRedisCache<String, Vec<u8>> {
    let opened = AsyncRedisCache::builder("bench").connection_string(server::url()).build().await;
    opened.expect("the server accepts a connection")
}

#[concurrent_cached(
    map_error = |e: Failed| e,
    ty = "AsyncRedisCache<String, Vec<u8>>",
    create = { open().await },
    convert = { format!("{len}:{n}") }
)]
async fn sought(len: usize, n: u64) -> Result<Vec<u8>, Failed> {
    Ok(made(len, n))
}

pub(super) fn seeking(len: usize, tasks: usize, keys: &Arc<[u64]>) -> Contender {
    let call = move |n| async move { number(&sought(len, n).await.expect("the server answers")) };
    tasks::at_once("cached", tasks, keys, call)
}
