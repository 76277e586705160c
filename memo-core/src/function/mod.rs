//! The cache of one function, which combines its settings, the cache in memory, and the directory on disk.

mod advising;
pub(crate) mod any_cache;
pub mod code;
pub(crate) mod common;
pub(crate) mod completion;
pub(crate) mod computation;
pub(crate) mod counts;
#[cfg(feature = "persist")]
mod directory;
#[cfg(feature = "persist")]
mod encoding;
pub mod entry;
mod events;
mod explanation;
#[cfg(feature = "persist")]
mod failures;
pub(crate) mod family;
#[cfg(feature = "persist")]
mod forgotten;
pub(crate) mod function_cache;
#[cfg(feature = "report")]
mod inspection;
pub mod instance;
pub(crate) mod isolation;
pub(crate) mod listener;
pub(crate) mod loaded;
#[cfg(feature = "remote")]
mod long_keys;
#[cfg(feature = "persist")]
mod opening;
mod operations;
pub mod origin;
#[cfg(all(feature = "opfs", target_family = "wasm", target_os = "unknown"))]
pub mod origin_files;
#[cfg(feature = "remote")]
mod remote_settings;
#[cfg(feature = "persist")]
mod removal;
#[cfg(feature = "persist")]
pub(crate) mod removal_watch;
pub mod settings;
#[cfg(feature = "persist")]
mod settling;
pub(crate) mod span;
#[cfg(feature = "persist")]
mod thread_opening;
#[cfg(feature = "remote")]
mod tier_counts;
#[cfg(feature = "remote")]
mod tier_entries;
#[cfg(feature = "remote")]
mod tier_results;
pub(crate) mod tier_types;
mod times;
mod type_name;
#[cfg(feature = "persist")]
mod unsettled;
#[cfg(feature = "persist")]
mod value_store;
pub(crate) mod waiter;
#[cfg(feature = "persist")]
mod wall_times;
#[cfg(all(feature = "web", target_family = "wasm", target_os = "unknown"))]
mod web_results;
#[cfg(feature = "persist")]
mod write;
