//! The runtime of memokit: what expansions of `#[memoize]` call. Use the crate `memokit`, not this one.
#![deny(unsafe_code)]

pub mod codec;
pub mod error;
pub mod persist;
