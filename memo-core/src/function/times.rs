//! Times that follow from the settings and the statistics of a cache.

use std::time::Duration;

use crate::platform::clock::{self, Millis};
use crate::statistics::counters::CallCounters;

/// The least wait limit while no computation of this process tells the mean time.
const INITIAL_WAIT_LIMIT: Duration = Duration::from_secs(10);
/// The default wait limit, in mean times of a computation.
const WAIT_LIMIT_IN_MEANS: u32 = 4;

/// Returns how long before its expiry time a value is computed again, if that is after `share` of its time to live.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of a time, which is not negative, and a cast of more than the longest time gives that"
)]
pub(crate) fn refresh_window(share: Option<f64>, ttl: Option<Duration>) -> Millis {
    let Some((share, ttl)) = share.zip(ttl) else { return 0 };
    // Not `Duration::mul_f64`, which panics where the product rounds to more than the longest duration.
    (clock::millis(ttl) as f64 * (1.0 - share)).ceil() as Millis
}

/// Returns how long a caller waits for another caller's computation.
pub(crate) fn default_wait_limit(calls: &CallCounters, least: Duration) -> Duration {
    match calls.mean() {
        // Recovered times leave out the computations within each, so they can only raise the limit.
        Duration::ZERO => {
            calls.recovered_mean().saturating_mul(WAIT_LIMIT_IN_MEANS).max(INITIAL_WAIT_LIMIT)
        }
        mean => mean.saturating_mul(WAIT_LIMIT_IN_MEANS).max(least),
    }
}

/// Returns `ttl` shortened by a share of it between 0 and `jitter`, which the hash chooses. Each process has its own
/// seed of hashes, so the expiry times of one key differ between processes.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "32 bits of the hash are random enough and precise enough for a share of a time"
)]
pub(crate) fn jittered(hash: u64, ttl: Millis, jitter: f64) -> Millis {
    if jitter == 0.0 {
        return ttl;
    }
    let drawn = f64::from(hash as u32) / f64::from(u32::MAX);
    ttl - ((ttl as f64 * jitter * drawn) as Millis).min(ttl)
}
