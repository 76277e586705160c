//! The cache in memory: its shards, recency, expiry, and the bounds on all shards together.

pub(crate) mod capacity;
pub(crate) mod claiming;
mod claims;
mod contents;
pub(crate) mod departures;
pub(crate) mod entry;
mod expiry;
mod free_list;
mod garbage;
mod index;
pub(crate) mod insertion;
pub(crate) mod listening;
mod removal;
mod retries;
mod shard;
pub(crate) mod sharded;
pub(crate) mod standing;
mod sweep;
mod table;
#[cfg(test)]
mod tests;
