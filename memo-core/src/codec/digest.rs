//! A hash of all that serde shows of a value: its contents, with the names and kinds of everything in it.
//!
//! It stands before the bytes of a value whose type cannot be traced. If the type has changed since, so that the bytes
//! read as something else, the value that is read has another digest.

use serde_core::Serialize;

use super::refusal::Refusal;
use crate::key::arguments::{Serialized, hash};
use crate::key::hash::Seed;

/// The bytes of a digest, little-endian.
pub(super) type Digest = [u8; 8];

/// Returns the digest of a value. It does not depend on the order of hash maps, as in keys. It has no limit of length.
pub(super) fn digest<T: Serialize>(value: &T) -> Result<Digest, Refusal> {
    let hash = hash(&(Serialized(value), ()), &Seed::STORED);
    hash.map(u64::to_le_bytes).map_err(|reason| Refusal(format!("it has no digest: {reason}")))
}
