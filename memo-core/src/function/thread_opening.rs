//! Whether this thread is opening a directory.

use std::cell::Cell;

thread_local! {
    /// Whether this thread is opening a directory.
    static OPENING: Cell<bool> = const { Cell::new(false) };
}

/// Runs `f` unless this thread is already opening a directory. A value's `Serialize` or `Deserialize` that runs during
/// the opening may call memoized functions. Such a call uses only memory, because the directory that it would open may
/// be the one that is being opened.
pub(crate) fn unless_opening<R>(f: impl FnOnce() -> R) -> Option<R> {
    struct ResetOnDrop;
    impl Drop for ResetOnDrop {
        fn drop(&mut self) {
            OPENING.set(false);
        }
    }
    (!OPENING.replace(true)).then(|| {
        let _reset = ResetOnDrop;
        f()
    })
}
