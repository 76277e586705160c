//! Entries that have left the table, until a listener has heard of each.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::entry::EntryRef;
use crate::key::KeyBytes;
use crate::platform::sync::usual::Mutex;
use crate::statistics::departure::Departure;

/// What hears of each entry that leaves.
pub(crate) type Listener<H> = Arc<dyn Fn(&[u8], &H, Departure) + Send + Sync>;

/// The departures that a listener has not heard of yet. One thread at a time tells it, without any lock. So it hears
/// of the entries of one key in their order, and a departure that it causes itself comes after the one that it hears
/// of, and not within.
pub(crate) struct Listening<H> {
    listener: Mutex<Listener<H>>,
    /// Its lock is taken while that of a shard is held, and takes no other.
    waiting: Mutex<Waiting<H>>,
    panics: AtomicU64,
    /// `H::clone`, which only the maker of a cache knows.
    copy: fn(&H) -> H,
}

struct Waiting<H> {
    left: VecDeque<Left<H>>,
    /// Whether a thread tells the listener.
    is_telling: bool,
}

struct Left<H> {
    key: KeyBytes,
    held: H,
    why: Departure,
}

/// A thread tells of so many departures at most before it leaves the others to the next one. Otherwise a listener that
/// is slow, or that puts back what has left, would keep one call for ever.
const MOST_AT_ONCE: usize = 1000;

impl<H: Clone> Listening<H> {
    pub(super) fn new(listener: Listener<H>) -> Self {
        Self {
            listener: Mutex::new(listener),
            waiting: Mutex::new(Waiting { left: VecDeque::new(), is_telling: false }),
            panics: AtomicU64::new(0),
            copy: H::clone,
        }
    }
}

impl<H> Listening<H> {
    /// Replaces the listener.
    pub(super) fn set(&self, listener: Listener<H>) {
        let before = std::mem::replace(&mut *self.listener.lock(), listener);
        // Dropped while no lock is held, because a closure may own anything.
        drop(before);
    }

    /// Notes that an entry leaves. The lock of its shard is held.
    // Not inlined, so that a removal has one branch for it.
    #[cold]
    #[inline(never)]
    pub(super) fn note(&self, entry: EntryRef<'_, H>, why: Departure) {
        let left = Left { key: KeyBytes::new(entry.key()), held: (self.copy)(entry.held()), why };
        self.waiting.lock().left.push_back(left);
    }

    /// Tells the listener, unless another thread does. No lock is held, and the thread is not pinned. Returns whether
    /// there is more to tell that nobody tells.
    pub(crate) fn tell(&self) -> bool {
        if !self.begin() {
            return false;
        }
        for _ in 0..MOST_AT_ONCE {
            let Some(left) = self.next() else { return false };
            let listener = Arc::clone(&self.listener.lock());
            // With it goes what may be the last reference to the value, whose `Drop` may panic too.
            let told = catch_unwind(AssertUnwindSafe(move || {
                let Left { key, held, why } = left;
                listener(key.as_slice(), &held, why);
            }));
            self.panics.fetch_add(u64::from(told.is_err()), Relaxed);
        }
        let mut waiting = self.waiting.lock();
        waiting.is_telling = false;
        !waiting.left.is_empty()
    }

    fn begin(&self) -> bool {
        let mut waiting = self.waiting.lock();
        let begins = !waiting.is_telling && !waiting.left.is_empty();
        waiting.is_telling |= begins;
        begins
    }

    /// Returns the next departure. If there is none, the thread does not tell any more.
    fn next(&self) -> Option<Left<H>> {
        let mut waiting = self.waiting.lock();
        let next = waiting.left.pop_front();
        waiting.is_telling = next.is_some();
        next
    }

    /// Returns whether there is something to tell that nobody tells.
    pub(crate) fn is_waiting(&self) -> bool {
        let waiting = self.waiting.lock();
        !waiting.is_telling && !waiting.left.is_empty()
    }

    /// Returns how often the listener has panicked.
    pub(crate) fn panics(&self) -> u64 {
        self.panics.load(Relaxed)
    }
}
