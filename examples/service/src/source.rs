//! What the service asks the source for, and how long it believes the answers.

use std::env;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use memokit::memoize;
use serde::{Deserialize, Serialize};

use crate::client::{Client, Failed};

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Profile {
    pub(crate) user: u64,
    pub(crate) name: String,
    pub(crate) revision: u64,
}

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) number: u64,
    pub(crate) revision: u64,
}

pub(crate) struct Source {
    pub(crate) client: Client,
}

/// An error is not cached, and while there is an older answer nobody sees it. With `spawn` nobody waits for a newer
/// answer either, and a client that hangs up cancels nothing; its task owns what it uses, so `self` is an `Arc`.
///
/// The source is not in the key: there is one, and its address is another after each start. Of several, put a name
/// that stays into the key.
impl Source {
    #[memoize(
        max = 10_000, ttl = ttl(), stale = "1h", spawn = tokio::spawn, persist = directory(),
        key = user, tags = [("user", user)],
    )]
    pub(crate) async fn profile(self: Arc<Self>, user: u64) -> Result<Profile, Failed> {
        self.client.ask(format!("/profile/{user}")).await
    }

    #[memoize(
        max = 10_000, ttl = ttl(), stale = "1h", spawn = tokio::spawn, persist = directory(),
        key = user, tags = [("user", user)],
    )]
    pub(crate) async fn orders(self: Arc<Self>, user: u64) -> Result<Vec<Order>, Failed> {
        self.client.ask(format!("/orders/{user}")).await
    }
}

fn ttl() -> Duration {
    let millis = env::var("TTL_MS").ok().and_then(|text| text.parse().ok());
    Duration::from_millis(millis.unwrap_or(60_000))
}

fn directory() -> PathBuf {
    env::var_os("CACHE_DIR").unwrap_or_else(|| "target/service-cache".into()).into()
}
