//! A tier behind memory and disk that machines share, such as a Redis server.
//!
//! The names and the bytes in the store are specified in `docs/format.md`. Imports go in one direction: name → envelope
//! → authentication, compression; store → pending → error.
#![allow(dead_code, unused_imports, reason = "what uses names and envelopes comes next")]

mod authentication;
mod compression;
mod envelope;
mod error;
#[cfg(fuzzing)]
pub mod fuzzing;
mod name;
#[cfg(test)]
mod noise;
mod pending;
mod store;

pub(crate) use self::envelope::{Envelope, Opened, Sealing, Unsealed, open, version_of};
pub use self::error::StoreError;
pub(crate) use self::name::{FunctionName, Part, group_hash, prefix, split, tag_group};
pub use self::pending::{Completer, Pending};
pub use self::store::{Changed, Lease, Leased, Put, Store, Stored, Token, Watcher};
