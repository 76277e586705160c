//! The listener of a function, which hears of the entries that leave memory.

use std::sync::Arc;
use std::time::Duration;

use crate::cache::listening::{Listener, Listening};
use crate::function::function_cache::FunctionCache;
use crate::key::Key;
use crate::platform::maintenance::CACHES;
use crate::statistics::departure::Departure;
use crate::value::holder::Holder;
use crate::value::keep::Keep;

/// What hears of the results of a function that leave memory.
pub(crate) type ResultListener<R> = Arc<dyn Fn(&Key, &R, Departure) + Send + Sync>;

/// Makes a listener that gets the cached part of the result. `names`: of the arguments in the key.
pub(crate) fn of_values<K: Keep>(
    names: &'static [&'static str],
    listener: impl Fn(&Key, &K::Value, Departure) + Send + Sync + 'static,
) -> Listener<K::Held> {
    Arc::new(move |key, held, why| {
        listener(&Key::from_bytes(key).with_names(names), K::Holder::view(held), why);
    })
}

/// Makes a listener that gets what the function returns.
pub(crate) fn of_results<K: Keep>(
    names: &'static [&'static str],
    listener: ResultListener<K::Return>,
) -> Listener<K::Held> {
    Arc::new(move |key, held, why| {
        listener(&Key::from_bytes(key).with_names(names), &K::to_return(held), why);
    })
}

impl<K: Keep> FunctionCache<K> {
    /// Tells the listener of the entries that have left. Called where no lock is held and nobody waits for the caller.
    #[inline]
    pub(crate) fn tell_listener(&self) {
        if let Some(listening) = self.memory.listening() {
            if listening.tell() {
                self.tell_listener_behind();
            }
        }
    }

    /// Leaves that to the background thread. The cache of a thread, which has none, tells the rest later.
    #[cold]
    pub(crate) fn tell_listener_behind(&self) {
        if self.has_to_tell() {
            self.maintain();
            CACHES.wake(Duration::ZERO);
        }
    }

    /// Returns how often the listener has panicked.
    pub(in crate::function) fn listener_panics(&self) -> u64 {
        self.memory.listening().map_or(0, Listening::panics)
    }

    /// Returns whether there are departures that nobody tells the listener.
    pub(crate) fn has_to_tell(&self) -> bool {
        self.memory.listening().is_some_and(|listening| listening.is_waiting())
    }
}
