//! What an isolated test sees in place of the caches of the process.

use std::any::Any;
use std::cell::RefCell;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use crate::function::any_cache::AnyCache;
#[cfg(feature = "test-util")]
use crate::platform::moved_clock::{self, MovedClock};
use crate::platform::special;
use crate::platform::sync::usual::Mutex;

/// The caches of one isolation. They are in memory only, and end with it.
#[derive(Default)]
pub(crate) struct Isolation {
    twins: Mutex<HashMap<usize, Twin>>,
    #[cfg(feature = "test-util")]
    clock: Arc<MovedClock>,
}

/// The cache that stands in for one of the process. A function may be called again while its twin is being dropped, so
/// that happens while no lock is held.
pub(crate) struct Twin {
    pub(crate) cache: Arc<dyn Any + Send + Sync>,
    /// For those who visit all caches.
    pub(crate) any: Option<Arc<dyn AnyCache>>,
    /// What has to live as long as the twin.
    pub(crate) _kept: Option<Box<dyn Send + Sync>>,
}

thread_local! {
    /// The isolations that this thread has entered, the innermost last.
    static ENTERED: RefCell<Vec<Arc<Isolation>>> = const { RefCell::new(Vec::new()) };
}

/// Returns the isolation in which this thread is.
pub(crate) fn current() -> Option<Arc<Isolation>> {
    if !special::is_possible() {
        return None;
    }
    // A thread that is ending has none any more.
    ENTERED.try_with(|entered| entered.borrow().last().cloned()).ok()?
}

pub(crate) fn is_on() -> bool {
    current().is_some()
}

impl std::fmt::Debug for Isolation {
    #[inline]
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Isolation").finish_non_exhaustive()
    }
}

impl Isolation {
    #[inline]
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Makes it the one in which this thread is.
    #[inline]
    pub(crate) fn enter(self: &Arc<Self>) {
        let _ = ENTERED.try_with(|entered| entered.borrow_mut().push(Arc::clone(self)));
        #[cfg(feature = "test-util")]
        moved_clock::set(Some(self.clock()));
    }

    /// Ends the last [`Self::enter`] of this isolation. Others may have been entered since.
    #[inline]
    pub(crate) fn leave(self: &Arc<Self>) {
        let left = ENTERED.try_with(|entered| {
            let mut entered = entered.borrow_mut();
            let at = entered.iter().rposition(|isolation| Arc::ptr_eq(isolation, self))?;
            Some(entered.remove(at))
        });
        #[cfg(feature = "test-util")]
        moved_clock::set(current().map(|isolation| isolation.clock()));
        drop(left);
    }

    /// Returns a number that no other isolation has that exists at the same time. It is not 0.
    pub(crate) fn number(&self) -> u64 {
        std::ptr::from_ref(self).addr() as u64
    }

    #[cfg(feature = "test-util")]
    pub(crate) fn clock(&self) -> Arc<MovedClock> {
        Arc::clone(&self.clock)
    }

    /// Returns the twin of what `identity` names. If there is none, `make` makes it, which may run code of users.
    pub(crate) fn twin<T: Send + Sync + 'static>(
        &self,
        identity: usize,
        make: impl FnOnce() -> Twin,
    ) -> Arc<T> {
        let mut make = Some(make);
        let cache =
            self.find_or_make(identity, &mut || make.take().expect("a twin is made once")());
        cache.downcast().expect("one identity has one kind of cache")
    }

    /// Not generic, so that the code of the map is built once.
    fn find_or_make(
        &self,
        identity: usize,
        make: &mut dyn FnMut() -> Twin,
    ) -> Arc<dyn Any + Send + Sync> {
        let known = self.twins.lock().get(&identity).map(|twin| Arc::clone(&twin.cache));
        known.unwrap_or_else(|| {
            let made = make();
            let mut twins = self.twins.lock();
            // Another thread may have been faster.
            let (cache, unused) = match twins.entry(identity) {
                Entry::Occupied(twin) => (Arc::clone(&twin.get().cache), Some(made)),
                Entry::Vacant(place) => (Arc::clone(&place.insert(made).cache), None),
            };
            drop(twins);
            drop(unused);
            cache
        })
    }

    /// Drops the twin of something that is being dropped.
    #[inline]
    pub(crate) fn forget(&self, identity: usize) {
        let twin = self.twins.lock().remove(&identity);
        drop(twin);
    }

    /// Returns the caches of all functions that were called.
    #[inline]
    pub(crate) fn caches(&self) -> Vec<Arc<dyn AnyCache>> {
        self.twins.lock().values().filter_map(|twin| twin.any.clone()).collect()
    }
}
