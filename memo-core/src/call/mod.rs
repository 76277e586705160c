//! Calls of memoized functions: the functions, types and macros that an expansion uses.

pub mod bypass;
#[cfg(feature = "test-util")]
pub mod clock;
pub mod future;
mod instances;
pub mod isolated;
pub mod lookup;
pub mod macros;
#[cfg(all(test, memokit_model))]
mod models;
pub mod not_a_future;
pub mod object_cache;
pub mod outcome;
mod pinned;
mod recall;
pub mod refresh;
pub mod renewal;
pub mod site;
pub mod spawned;
pub mod thread_cache;
pub mod warming;
