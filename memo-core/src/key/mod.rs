//! Keys: the canonical encoding of a call's arguments.
//!
//! `encoder` serializes into one of four sinks: `hash` finds the bucket, `compare` checks the key that is stored there,
//! `recorder` does the work of both in one pass for arguments that run code of users, and `write` makes the bytes on a
//! miss. A cache stores the fields of a struct in the order in which they were
//! serialized. A [`Key`] has them sorted. If the bytes are too many, `digest` makes a digest of them, and that is the
//! key. docs/format.md specifies the bytes.

pub mod argument;
pub mod arguments;
mod bytes;
mod call_key;
mod compare;
mod containers;
mod decode_error;
mod decoder;
pub(crate) mod difference;
mod digest;
mod encoder;
pub(crate) mod hash;
mod item;
mod items;
#[cfg(any(not(feature = "persist"), test))]
mod keyed_hash;
mod read;
mod recorder;
mod result_tag;
mod search_key;
mod short;
mod sink;
mod stored;
#[cfg(feature = "persist")]
mod strong_hash;
pub(crate) mod tag;
pub mod tagged;
#[cfg(test)]
mod tests;
mod tree;
pub mod unordered;
pub(crate) mod write;
mod written;

pub use argument::{Argument, ArgumentIndex};
pub use arguments::Arguments;
pub(crate) use bytes::KeyBytes;
pub use call_key::Key;
pub use decode_error::DecodeError;
#[cfg(not(feature = "persist"))]
use keyed_hash::KeyedHash as StrongHash;
pub use result_tag::Tag;
pub(crate) use search_key::{KeySize, SearchKey};
pub(crate) use stored::{hash_bytes, same_key};
#[cfg(feature = "persist")]
use strong_hash::StrongHash;
pub(crate) use written::WrittenKey;
