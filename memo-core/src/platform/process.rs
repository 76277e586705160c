//! Which process this is.

/// Returns the id of this process. WebAssembly has one process and no ids: there it is 1, and `std::process::id` would
/// panic.
#[inline]
pub(crate) fn id() -> u32 {
    if cfg!(target_family = "wasm") { 1 } else { std::process::id() }
}
