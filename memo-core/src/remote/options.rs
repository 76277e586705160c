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
        let Self { namespace, read_limit, lease, max_writes, max_write_bytes, sealing: _ } = self;
        f.debug_struct("TierOptions")
            .field("namespace", namespace)
            .field("read_limit", read_limit)
            .field("lease", lease)
            .field("max_writes", max_writes)
            .field("max_write_bytes", max_write_bytes)
            .finish_non_exhaustive()
    }
}
