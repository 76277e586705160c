//! Whether this thread is opening a directory, or tells one what it does not know.

use std::cell::Cell;
use std::thread::LocalKey;

thread_local! {
    static OPENING: Cell<bool> = const { Cell::new(false) };
    static SETTLING: Cell<bool> = const { Cell::new(false) };
}

/// Runs `f` unless this thread is already opening a directory. A value's `Serialize` or `Deserialize` that runs during
/// the opening may call memoized functions. Such a call uses only memory, because the directory that it would open may
/// be the one that is being opened.
pub(crate) fn unless_opening<R>(f: impl FnOnce() -> R) -> Option<R> {
    unless(&OPENING, f)
}

/// Runs `f` unless this thread is already telling a directory what it does not know: the `Serialize` of a value that is
/// written then may do anything.
pub(crate) fn unless_settling<R>(f: impl FnOnce() -> R) -> Option<R> {
    unless(&SETTLING, f)
}

/// Runs `f` with the flag set, unless it is set.
fn unless<R>(flag: &'static LocalKey<Cell<bool>>, f: impl FnOnce() -> R) -> Option<R> {
    struct ResetOnDrop(&'static LocalKey<Cell<bool>>);
    impl Drop for ResetOnDrop {
        fn drop(&mut self) {
            self.0.set(false);
        }
    }
    (!flag.replace(true)).then(|| {
        let _reset = ResetOnDrop(flag);
        f()
    })
}
