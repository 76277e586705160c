//! The options of a tier.

use std::fmt;
use std::time::Duration;

use super::envelope::Sealing;

/// The options of a [`Tier`](super::Tier). All have defaults.
#[derive(Clone)]
pub struct TierOptions {
    pub(super) namespace: String,
    pub(super) read_limit: Duration,
    pub(super) lease: Duration,
    pub(super) max_writes: usize,
    pub(super) max_write_bytes: usize,
    pub(super) max_failures: u32,
    pub(super) max_pause: Duration,
    pub(super) sealing: Sealing,
}

impl Default for TierOptions {
    fn default() -> Self {
        Self {
            namespace: String::new(),
            read_limit: Duration::from_millis(100),
            lease: Duration::from_secs(10),
            max_writes: 10_000,
            max_write_bytes: 64 << 20,
            max_failures: 5,
            max_pause: Duration::from_secs(10),
            sealing: Sealing::default(),
        }
    }
}

impl TierOptions {
    /// Returns the default options.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets what all names in the store begin with, behind `memokit:`. Programs with different namespaces share nothing,
    /// not even the messages about changes. `default` by default.
    #[must_use]
    pub fn namespace(self, namespace: impl Into<String>) -> Self {
        Self { namespace: namespace.into(), ..self }
    }

    /// Sets how long a call waits for the tier, unless the function has `remote_limit`. 100 ms by default.
    #[must_use]
    pub fn read_limit(self, limit: Duration) -> Self {
        Self { read_limit: limit, ..self }
    }

    /// Sets how long the right to compute a key outlives the process that has it. It is renewed while the process lives.
    /// 10 s by default, at least 3 s: it is renewed once a second.
    #[must_use]
    pub fn lease(self, lease: Duration) -> Self {
        Self { lease: lease.max(Duration::from_secs(3)), ..self }
    }

    /// Sets how many results may wait to be written, and how many bytes they may take. If there are more, the oldest are
    /// dropped. 10,000 and 64 MiB by default.
    #[must_use]
    pub fn queue(self, writes: usize, bytes: usize) -> Self {
        Self { max_writes: writes, max_write_bytes: bytes, ..self }
    }

    /// Sets after how many failures in a row (no answer in time, no connection) calls do without the tier for a while,
    /// and how long that is at most. It begins with 100 ms and doubles with each failure; each time one call tries
    /// first. 5 and 10 s by default.
    #[must_use]
    pub fn breaker(self, failures: u32, longest: Duration) -> Self {
        Self { max_failures: failures.max(1), max_pause: longest, ..self }
    }

    /// Sets the most bytes of a result that goes to the tier or is accepted from there. 64 MiB by default.
    #[must_use]
    pub fn max_value(mut self, bytes: u64) -> Self {
        self.sealing.max_value = bytes;
        self
    }

    /// Compresses results of more than 1 KiB if that saves at least a tenth.
    #[cfg(feature = "lz4")]
    #[must_use]
    pub fn compressed(mut self) -> Self {
        self.sealing.compress = true;
        self
    }

    /// Adds a code to each result that only who knows `key` can make (HMAC-SHA-256). Results without it, or with that of
    /// another key, count as misses. Without this, whoever can write to the store decides what the functions return.
    ///
    /// It does not keep results secret, and does not keep an older result of a key from being put back.
    #[must_use]
    pub fn authenticated(mut self, key: [u8; 32]) -> Self {
        self.sealing.key = Some(key);
        self
    }
}

impl fmt::Debug for TierOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TierOptions")
            .field("namespace", &self.namespace)
            .field("read_limit", &self.read_limit)
            .field("lease", &self.lease)
            .field("max_writes", &self.max_writes)
            .field("max_write_bytes", &self.max_write_bytes)
            .field("max_failures", &self.max_failures)
            .field("max_pause", &self.max_pause)
            .field("sealing", &self.sealing)
            .finish()
    }
}
