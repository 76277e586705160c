//! The runtime of memokit, which the expansions of `#[memoize]` call. Use the crate `memokit` instead of this one.
#![deny(unsafe_code)]
// In a page results are in its localStorage and not in files.
#![cfg_attr(all(feature = "web", target_family = "wasm", target_os = "unknown"), allow(dead_code))]
// Without the feature `persist`, nothing calls the functions that only a directory needs.
#![cfg_attr(not(feature = "persist"), allow(dead_code))]

pub mod advice;
mod cache;
pub mod call;
#[cfg(feature = "persist")]
pub mod codec;
mod epoch;
pub mod error;
mod eviction;
mod front;
pub mod function;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
pub mod handle;
#[cfg(feature = "inspect")]
#[doc(hidden)]
pub mod inspect;
pub mod key;
#[cfg(feature = "report")]
mod page;
#[cfg(feature = "persist")]
pub mod persist;
mod platform;
#[cfg(feature = "remote")]
pub mod remote;
mod single_flight;
pub mod statistics;
mod tags;
pub mod value;
// Elsewhere than in a page only tests use it.
#[cfg(feature = "web")]
#[cfg_attr(
    not(all(target_family = "wasm", target_os = "unknown")),
    allow(dead_code, unused_imports)
)]
mod web;
