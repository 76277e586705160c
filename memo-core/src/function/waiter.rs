//! Who waits for others, and how.

#[cfg(feature = "web")]
use crate::platform::lock_request::AskForLock;

/// Who waits.
#[derive(Clone, Copy)]
pub(crate) enum Waiter {
    /// A thread, which does nothing else meanwhile.
    Thread,
    /// A task. Only a crate with tasks has the code by which they ask for locks.
    Task {
        #[cfg(feature = "web")]
        #[cfg_attr(not(all(target_family = "wasm", target_os = "unknown")), allow(dead_code))]
        ask: AskForLock,
    },
}

impl Waiter {
    /// A task.
    pub(crate) const TASK: Self = Self::Task {
        #[cfg(all(feature = "web", target_family = "wasm", target_os = "unknown"))]
        ask: crate::platform::web_locks::WebLock::request,
        #[cfg(all(feature = "web", not(all(target_family = "wasm", target_os = "unknown"))))]
        ask: |_| None,
    };

    pub(crate) fn blocks(self) -> bool {
        matches!(self, Self::Thread)
    }
}
