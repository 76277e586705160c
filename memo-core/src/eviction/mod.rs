//! Which entry leaves a full cache: the policies. They see stamps, hashes and prices, and no entries.

pub(crate) mod adaptive;
mod ghosts;
mod greedy_dual;
pub(crate) mod order;
pub(crate) mod policy;
pub(crate) mod price;
pub(crate) mod queues;
mod recency;
mod records;
mod sketch;
pub(crate) mod slot;
pub(crate) mod stamps;
pub(crate) mod steps;
pub(crate) mod uses;
