//! How often the bodies of functions run.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

/// A counter that bodies raise.
pub(crate) struct Calls(AtomicUsize);

impl Calls {
    pub(crate) const fn new() -> Self {
        Self(AtomicUsize::new(0))
    }

    /// Counts the run of a body.
    pub(crate) fn count(&self) {
        self.0.fetch_add(1, SeqCst);
    }

    /// Returns how many bodies have run.
    pub(crate) fn total(&self) -> usize {
        self.0.load(SeqCst)
    }

    /// Runs `calls`, and returns how many bodies ran meanwhile.
    pub(crate) fn during<R>(&self, calls: impl FnOnce() -> R) -> usize {
        let before = self.total();
        calls();
        self.total() - before
    }
}

/// Makes the call on four threads at once.
pub(crate) fn at_once<R>(call: impl Fn() -> R + Sync) {
    let barrier = Barrier::new(4);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                barrier.wait();
                call();
            });
        }
    });
}

/// Waits until what lives for 20 ms has ended.
pub(crate) fn until_expired() {
    thread::sleep(Duration::from_millis(60));
}

/// Takes so long that callers who begin at once meet.
pub(crate) fn slowly() {
    thread::sleep(Duration::from_millis(200));
}

/// Returns a folder of this name, which is empty or not there.
pub(crate) fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("moving-over").join(name);
    let _ = fs::remove_dir_all(&folder);
    folder
}
