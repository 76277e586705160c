//! Times that follow from the settings and the statistics of a cache.

use std::time::Duration;

use crate::cache::capacity::WHOLE;
use crate::platform::clock::Millis;
use crate::statistics::counters::CallCounters;

/// The least wait limit while no computation of this process tells the mean time.
const INITIAL_WAIT_LIMIT: Duration = Duration::from_secs(10);
/// The default wait limit, in mean times of a computation.
const WAIT_LIMIT_IN_MEANS: u32 = 4;

/// Returns what is left of a time to live after `share` of it, in parts of [`WHOLE`].
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share between 0 and 1 of a small number"
)]
pub(crate) fn rest_after(share: f64) -> u64 {
    ((1.0 - share) * WHOLE as f64) as u64
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
