//! The API for caches from outside of calls: the handle of one cache, the registry and the report of all, and the session of a
//! program.

pub mod all_caches;
pub mod memo;
#[cfg(feature = "metrics")]
pub mod metrics;
pub mod registry;
#[cfg(feature = "report")]
pub mod sampling;
pub mod session;
