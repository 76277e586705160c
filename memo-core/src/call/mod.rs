//! Calls of memoized functions: the functions, types and macros that an expansion uses.

pub mod bypass;
pub mod future;
mod instances;
pub mod lookup;
pub mod macros;
#[cfg(all(test, memokit_model))]
mod models;
pub mod object_cache;
pub mod outcome;
mod pinned;
pub mod refresh;
pub mod site;
pub mod thread_cache;
