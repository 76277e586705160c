//! The cache of one function, which combines its settings, the cache in memory, and the directory on disk.

pub mod code;
pub(crate) mod computation;
#[cfg(feature = "persist")]
mod directory;
pub(crate) mod function_cache;
pub mod instance;
mod operations;
pub mod origin;
#[cfg(feature = "persist")]
pub(crate) mod removal_watch;
pub mod settings;
mod type_name;
#[cfg(feature = "persist")]
mod value_store;
