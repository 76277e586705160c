//! A waker for a thread that polls.

use std::sync::Arc;
use std::task::Wake;
use std::thread::Thread;

/// Wakes a thread that is parked.
pub(crate) struct Unpark(pub(crate) Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
