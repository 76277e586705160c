//! The crate fred, by hand: one client, which tasks share.

use std::sync::Arc;

use fred::prelude::{Builder, Client, ClientLike, Config, KeysInterface};

use super::server;
use super::tasks::{self, RUNTIME};
use super::value::{made, number};
use crate::contender::Contender;

fn name(len: usize, n: u64) -> String {
    format!("fred:{len}:{n}")
}

async fn connect(len: usize, keys: &[u64]) -> Client {
    let config = Config::from_url(server::url()).expect("the URL is correct");
    let client = Builder::from_config(config).build().expect("the settings are correct");
    client.init().await.expect("the server accepts a connection");
    for &n in keys {
        let value = made(len, n);
        let done = client.set(name(len, n), value.as_slice(), None, None, false).await;
        let () = done.expect("the server takes values");
    }
    client
}

pub(super) fn seeking(len: usize, tasks: usize, keys: &Arc<[u64]>) -> Contender {
    let client = RUNTIME.block_on(connect(len, keys));
    let get = move |n| {
        let client = client.clone();
        async move {
            let found: Vec<u8> = client.get(name(len, n)).await.expect("the server answers");
            number(&found)
        }
    };
    tasks::at_once("fred", tasks, keys, get)
}
