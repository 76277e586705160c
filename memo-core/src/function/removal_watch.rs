//! Tells on a hit whether another process has removed something, by one load of a word that processes share.
#![allow(unsafe_code)]

use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

/// The count of removals of the directory, and how many of them are removed from memory.
#[derive(Default)]
pub(crate) struct RemovalWatch {
    /// The word that all processes count in. Null if there is none yet.
    count: AtomicPtr<AtomicU64>,
    seen: AtomicU64,
}

impl RemovalWatch {
    /// Watches `count`. A directory that was created again has another word than before.
    pub(crate) fn begin(&self, count: &'static AtomicU64) {
        let count = ptr::from_ref(count).cast_mut();
        if self.count.load(Ordering::Acquire) != count {
            // What was seen of the former word says nothing about this one.
            self.seen.store(u64::MAX, Ordering::Release);
            self.count.store(count, Ordering::Release);
        }
    }

    /// Returns whether something was removed since [`Self::follow`].
    #[inline]
    pub(crate) fn is_behind(&self) -> bool {
        // SAFETY: it is null or was a `&'static`.
        let count = unsafe { self.count.load(Ordering::Acquire).as_ref() };
        count
            .is_some_and(|count| count.load(Ordering::Acquire) != self.seen.load(Ordering::Acquire))
    }

    /// Returns whether the first `removals` are removed from memory, and no others were noted.
    pub(crate) fn has_followed(&self, removals: u64) -> bool {
        self.seen.load(Ordering::Acquire) == removals
    }

    /// Notes that the first `removals` are removed from memory.
    pub(crate) fn follow(&self, removals: u64) {
        self.seen.store(removals, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_word_is_watched_from_its_first_change_on() {
        static FIRST: AtomicU64 = AtomicU64::new(3);
        static SECOND: AtomicU64 = AtomicU64::new(3);
        let watch = RemovalWatch::default();
        assert!(!watch.is_behind());
        watch.begin(&FIRST);
        watch.follow(3);
        assert!(!watch.is_behind());
        watch.begin(&SECOND);
        assert!(watch.is_behind(), "three other removals");
        watch.follow(3);
        watch.begin(&SECOND);
        assert!(!watch.is_behind());
        SECOND.store(4, Ordering::Release);
        assert!(watch.is_behind());
    }
}
