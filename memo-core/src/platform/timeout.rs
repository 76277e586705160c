//! Timers where there are no threads.

#[cfg(all(target_family = "wasm", target_os = "unknown"))]
pub(crate) use crate::platform::script::call_after;

/// There are none elsewhere: WASI can only sleep.
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
#[inline]
pub(crate) fn call_after(_delay: std::time::Duration, _function: fn()) -> bool {
    false
}
