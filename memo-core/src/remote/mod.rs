//! A tier behind memory and disk that machines share, such as a Redis server.
//!
//! The names and the bytes in the store are specified in `docs/format.md`.

mod authentication;
mod breaker;
mod compression;
mod envelope;
mod error;
mod follower;
#[cfg(fuzzing)]
pub mod fuzzing;
mod generations;
mod leases;
mod link;
mod name;
#[cfg(test)]
pub(crate) mod noise;
mod notices;
mod options;
mod own_writes;
mod pending;
mod random;
mod removals;
mod search;
mod signals;
mod store;
#[cfg(test)]
pub(crate) mod test_server;
mod tier;
mod writes;

pub(crate) use self::envelope::Envelope;
pub use self::error::StoreError;
pub(crate) use self::follower::Follower;
pub(crate) use self::leases::HeldLease;
pub(crate) use self::name::{FunctionName, Part, group_hash, tag_group};
pub use self::options::TierOptions;
pub use self::pending::{Completer, Pending};
pub(crate) use self::random::random_wide;
#[cfg(test)]
pub(crate) use self::random::seeded;
pub(crate) use self::search::{Found, Query, Search, Value};
pub use self::signals::without_signals;
pub use self::store::{Changed, InTask, Lease, Leased, Put, Store, Stored, Token, Watcher};
pub(crate) use self::tier::OpenRemoval;
pub use self::tier::Tier;
pub(crate) use self::writes::{Writing, Written};
