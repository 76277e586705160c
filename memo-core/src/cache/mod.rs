//! The cache in memory: its shards, recency, expiry, and the bounds on all shards together.

mod adaptive;
pub(crate) mod capacity;
pub(crate) mod claiming;
mod claims;
mod contents;
pub(crate) mod departures;
pub(crate) mod entry;
mod eviction;
mod expiry;
mod free_list;
mod garbage;
mod ghosts;
mod index;
pub(crate) mod insertion;
pub(crate) mod listening;
pub(crate) mod policy;
mod recency;
mod removal;
mod retries;
mod shard;
pub(crate) mod sharded;
mod sketch;
pub(crate) mod standing;
mod sweep;
mod table;
#[cfg(test)]
mod tests;
mod uses;
