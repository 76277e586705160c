//! Removes from memory what has been removed on disk, mostly by other processes.

use crate::cache::departures::Removing;
use crate::cache::entry::Lifetime;
use crate::function::events::Events;
use crate::function::function_cache::FunctionCache;
use crate::persist::{Removal, Store};
use crate::statistics::explanation::Remover;
use crate::tags;
use crate::value::keep::Keep;

/// What was removed on disk, removed from memory. The values are dropped with it, and not before: their `Drop` may
/// call memoized functions, which must be able to open and to follow their directories.
pub(crate) struct Forgotten<'a, K: Keep> {
    function: &'a FunctionCache<K>,
    by: Remover,
    pending: Vec<(K::Held, Lifetime)>,
    /// How many removals there were, also of what memory did not hold.
    removals: usize,
}

impl<'a, K: Keep> Forgotten<'a, K> {
    pub(crate) fn new(function: &'a FunctionCache<K>, by: Remover) -> Self {
        Self { function, by, pending: Vec::new(), removals: 0 }
    }

    pub(crate) fn add(&mut self, removal: &Removal) {
        self.removals += 1;
        let memory = &self.function.memory;
        match removal {
            Removal::All => {
                self.function.observe_clear();
                self.pending.extend(memory.end_all(self.by));
            }
            Removal::Tag(tag) => tags::invalidate(*tag),
            Removal::Key(key) => {
                let Some(hash) = self.function.hash_key(key) else { return };
                self.function.observe_removal(hash);
                let removing = Removing { by: self.by, elsewhere: true };
                self.pending.extend(memory.end(hash, key, removing));
            }
        }
    }
}

impl<K: Keep> Drop for Forgotten<'_, K> {
    fn drop(&mut self) {
        if self.removals > 0 {
            self.pending.clear();
            self.function.memory.free_removed();
            Events::invalidated(&self.function.name, self.by, self.removals);
            self.function.tell_listener();
        }
    }
}

/// Makes hits look for removals by other processes, and notes which are removed from memory.
pub(crate) fn watch<K: Keep>(function: &FunctionCache<K>, store: &Store) {
    if let Some(count) = store.removals() {
        function.removals.begin(count);
        function.removals.follow(store.removals_seen());
    }
}
