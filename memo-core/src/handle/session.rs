//! A guard for `main` that makes all results durable at the end of the program.

use crate::error::Error;
use crate::handle::all_caches::flush_all;

/// A guard for `main`. When it is dropped, it makes the results of every function with `persist` or `remote` durable,
/// as [`flush_all`] does.
///
/// Without a session, results that were written but not synced at the end of the process can be lost if the power
/// fails. The argument `durability` of a function says which results these are.
///
/// ```
/// # use memo_core::handle::session::Session;
/// let session = Session::new();
/// // ... the program ...
/// session.end()?; // Dropping the session also flushes, but ignores failures.
/// # Ok::<(), memo_core::error::Error>(())
/// ```
#[derive(Debug)]
#[must_use = "it flushes when it is dropped: bind it to a name in `main`"]
pub struct Session(());

impl Session {
    /// Begins a session. It lasts until it is dropped or [`Session::end`] is called.
    #[expect(
        clippy::new_without_default,
        reason = "`let _ = Session::default()` would end the session immediately"
    )]
    pub fn new() -> Self {
        Self(())
    }

    /// Ends the session, and makes the results of every function with `persist` or `remote` durable.
    ///
    /// # Errors
    /// The first failure, as for [`flush_all`]. All functions are flushed in spite of it.
    #[inline]
    pub fn end(self) -> Result<(), Error> {
        std::mem::forget(self);
        flush_all()
    }
}

impl Drop for Session {
    #[inline]
    fn drop(&mut self) {
        let _ = flush_all();
    }
}
