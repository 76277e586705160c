//! What the attribute's arguments come to, evaluated once at first use.

use std::hash::{Hash, Hasher};
use std::path::PathBuf;
use std::time::Duration;

use crate::cache::UNBOUNDED;
use crate::fnv::Fnv;
use crate::persist::Durability;

/// The arguments of one `#[memoize]`.
#[derive(Debug)]
pub struct Settings {
    pub(crate) max: usize,
    pub(crate) ttl: Option<Duration>,
    pub(crate) error_ttl: Option<Duration>,
    pub(crate) stale: Duration,
    pub(crate) refresh_ahead: Option<f64>,
    pub(crate) wait_limit: Option<Duration>,
    pub(crate) persist: Option<(PathBuf, Durability)>,
    pub(crate) version: Option<u64>,
    /// To be stored, if the instance had a name.
    pub(crate) nameless: bool,
}

impl Settings {
    /// No bound, no time to live, in memory.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "for expansions alone")]
    pub const fn new() -> Self {
        Self {
            max: UNBOUNDED,
            ttl: None,
            error_ttl: None,
            stale: Duration::ZERO,
            refresh_ahead: None,
            wait_limit: None,
            persist: None,
            version: None,
            nameless: false,
        }
    }

    /// Entries held at most.
    #[must_use]
    pub fn max(self, max: usize) -> Self {
        Self { max, ..self }
    }

    /// Time to live of values.
    #[must_use]
    pub fn ttl(self, ttl: Duration) -> Self {
        Self { ttl: Some(ttl), ..self }
    }

    /// Time to live of errors, where errors are kept.
    #[must_use]
    pub fn error_ttl(self, ttl: Duration) -> Self {
        Self { error_ttl: Some(ttl), ..self }
    }

    /// For how long after its time to live a value is served while one caller computes it anew.
    #[must_use]
    pub fn stale(self, stale: Duration) -> Self {
        Self { stale, ..self }
    }

    /// From which share of its time to live on, between 0 and 1, one caller computes a value anew.
    #[must_use]
    pub fn refresh_ahead(self, share: f64) -> Self {
        Self { refresh_ahead: Some(share).filter(|share| (0.0..=1.0).contains(share)), ..self }
    }

    /// How long a caller waits for another's computation.
    #[must_use]
    pub fn wait_limit(self, limit: Duration) -> Self {
        Self { wait_limit: Some(limit), ..self }
    }

    /// Where results are kept on disk, and what a crash may lose.
    #[must_use]
    pub fn persist(self, dir: impl Into<PathBuf>, durability: Durability) -> Self {
        Self { persist: Some((dir.into(), durability)), ..self }
    }

    /// The same in a folder for an instance of a generic impl. Without a name for it that no other instance can have,
    /// nothing is stored.
    pub(crate) fn below(mut self, instance: Option<u64>) -> Self {
        match (instance, &mut self.persist) {
            (Some(instance), Some((dir, _))) => dir.push(format!("instance-{instance:016x}")),
            (None, persist) => self.nameless = persist.take().is_some(),
            (_, None) => {}
        }
        self
    }

    /// What stands in for the body in the fingerprint of the code.
    #[must_use]
    pub fn version(self, version: impl Hash) -> Self {
        let mut hasher = Fnv::new();
        version.hash(&mut hasher);
        Self { version: Some(hasher.finish()), ..self }
    }
}
