//! Which entry leaves a full cache: the policies. They see stamps and hashes, and no entries.

pub(crate) mod adaptive;
mod ghosts;
pub(crate) mod order;
pub(crate) mod policy;
pub(crate) mod queues;
mod recency;
mod sketch;
pub(crate) mod slot;
pub(crate) mod steps;
pub(crate) mod uses;
