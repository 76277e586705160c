//! The runtime of memokit: what expansions of `#[memoize]` call. Use the crate `memokit`, not this one.
#![deny(unsafe_code)]
// What a directory asks of the rest.
#![cfg_attr(not(feature = "persist"), allow(dead_code))]

mod alarm;
mod bypass;
mod cache;
mod clock;
#[cfg(feature = "persist")]
pub mod codec;
mod core;
mod counter;
#[cfg(feature = "persist")]
mod crc32c;
#[cfg(feature = "persist")]
mod directory;
#[cfg(feature = "persist")]
mod disk;
mod durable;
mod erased;
pub mod error;
mod exit;
mod flight;
mod fnv;
#[cfg(all(test, feature = "persist"))]
mod folder;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
pub mod instance;
mod instances;
pub mod keep;
pub mod key;
mod lane;
pub mod local;
pub mod memo;
#[cfg(all(test, memokit_model))]
mod model;
#[cfg(feature = "persist")]
pub mod persist;
mod pinned;
pub mod registry;
pub mod report;
pub mod session;
pub mod settings;
pub mod shorthand;
pub mod site;
pub mod stats;
mod sync;
mod system;
pub mod task;
mod tasks;
pub mod turn;
mod verify;
mod waits;
mod ward;
pub mod weigh;
mod work;

pub use bypass::bypass;
