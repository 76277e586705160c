//! The counters of a cache, and the statistics and report made from them.

pub(crate) mod counters;
#[cfg(feature = "report")]
pub(crate) mod dearest;
pub mod departure;
#[cfg(feature = "report")]
pub(crate) mod details;
pub mod explanation;
pub mod histogram;
#[cfg(feature = "report")]
mod json;
pub(crate) mod recorder;
pub mod report;
#[cfg(feature = "report")]
pub(crate) mod samples;
pub mod source;
pub mod stats;
