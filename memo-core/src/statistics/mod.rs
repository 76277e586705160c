//! The counters of a cache, and the statistics and report made from them.

pub(crate) mod counters;
pub mod explanation;
pub mod histogram;
pub(crate) mod recorder;
pub mod report;
pub mod source;
pub mod stats;
