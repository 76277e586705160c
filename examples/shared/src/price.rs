//! The price of a product, which processes share.

use std::env;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use memo_redis::Redis;
use memokit::memoize;
use memokit::remote::Tier;
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Price {
    product: u64,
    cents: u64,
    computed_by: u16,
}

/// How often this process has asked the upstream.
pub(crate) static ASKED: AtomicU64 = AtomicU64::new(0);
/// The port of this process, which stands for it in answers.
pub(crate) static PORT: AtomicU16 = AtomicU16::new(0);

/// Asks the upstream, which takes 200 ms and names another price each time. Errors are not cached.
#[memoize(max = 10_000, ttl = "5m", stale = "1h", remote = redis(), remote_limit = "2s")]
pub(crate) async fn price(product: u64) -> Result<Price, &'static str> {
    let asked = ASKED.fetch_add(1, Relaxed) + 1;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let cents = product.checked_mul(100).and_then(|cents| cents.checked_add(asked));
    Ok(Price { product, cents: cents.ok_or("no such product")?, computed_by: PORT.load(Relaxed) })
}

/// One tier for all functions of the program. It connects behind, and again whenever it has to.
pub(crate) fn redis() -> Tier {
    static TIER: LazyLock<Tier> = LazyLock::new(|| {
        let url = env::var("REDIS_URL").unwrap_or_else(|_| "redis://127.0.0.1:6379".to_owned());
        Redis::builder(url).namespace("shop").connect()
    });
    TIER.clone()
}
