//! Signals of the process, which are for other threads than those of a store.

#[cfg(unix)]
use crate::platform::os::BlockedSignals;

/// Runs `start`, which starts a thread of a [`Store`](super::Store): the thread gets no signals that are sent to the
/// process, as no thread of memokit does. They are for the threads of the program. It still gets those of its own faults.
pub fn without_signals<R>(start: impl FnOnce() -> R) -> R {
    // The new thread inherits the mask of its parent.
    #[cfg(unix)]
    let _blocked = BlockedSignals::begin();
    start()
}
