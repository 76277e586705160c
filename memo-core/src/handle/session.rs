//! The time in which results may wait to be durable.

use crate::error::Error;
use crate::handle::registry::flush_all;

/// Makes the results of every function with `persist` durable when it is dropped, for `main`.
///
/// At the end of a process without a session, results that were only written may still be lost with the power, as the
/// function's `durability` has it.
///
/// ```
/// let session = memo_core::handle::session::Session::new();
/// // ... the program ...
/// session.end()?; // or let it drop, which ignores failures
/// # Ok::<(), memo_core::error::Error>(())
/// ```
#[derive(Debug)]
#[must_use = "it flushes when it is dropped: bind it to a name in `main`"]
pub struct Session(());

impl Session {
    /// A session that lasts until it is dropped.
    #[expect(
        clippy::new_without_default,
        reason = "`let _ = Session::default()` would end at once"
    )]
    pub fn new() -> Self {
        Self(())
    }

    /// Ends the session, and says whether everything is durable.
    ///
    /// # Errors
    /// The first failure of [`flush_all`].
    pub fn end(self) -> Result<(), Error> {
        std::mem::forget(self);
        flush_all()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = flush_all();
    }
}
