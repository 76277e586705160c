//! The runtime of memokit: what expansions of `#[memoize]` call. Use the crate `memokit`, not this one.
#![deny(unsafe_code)]
// What a directory asks of the rest.
#![cfg_attr(not(feature = "persist"), allow(dead_code))]

mod cache;
pub mod call;
#[cfg(feature = "persist")]
pub mod codec;
mod epoch;
pub mod error;
pub mod function;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
pub mod handle;
pub mod key;
#[cfg(feature = "persist")]
pub mod persist;
mod platform;
mod single_flight;
pub mod statistics;
pub mod value;
