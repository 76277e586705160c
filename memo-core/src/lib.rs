//! The runtime of memokit: what expansions of `#[memoize]` call. Use the crate `memokit`, not this one.
#![deny(unsafe_code)]

mod cache;
mod clock;
pub mod codec;
mod core;
mod counter;
mod disk;
mod durable;
mod erased;
pub mod error;
mod exit;
mod flight;
mod fnv;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
pub mod keep;
pub mod key;
pub mod memo;
pub mod persist;
pub mod registry;
pub mod report;
pub mod session;
pub mod settings;
pub mod shorthand;
pub mod site;
pub mod stats;
pub mod turn;
mod verify;
