//! What caches count, and how it is shown.

pub(crate) mod counters;
pub mod report;
pub mod stats;
