//! Removes from memory what other processes have removed.

use crate::cache::entry::Lifetime;
use crate::function::function_cache::FunctionCache;
use crate::persist::{Removal, Store};
use crate::value::keep::Keep;

/// What another process removed, removed from memory. The values are dropped with it, and not before: their `Drop` may
/// call memoized functions, which must be able to open and to follow their directories.
pub(crate) struct Forgotten<'a, K: Keep> {
    function: &'a FunctionCache<K>,
    pending: Vec<(K::Held, Lifetime)>,
    is_empty: bool,
}

impl<'a, K: Keep> Forgotten<'a, K> {
    pub(crate) fn by(function: &'a FunctionCache<K>) -> Self {
        Self { function, pending: Vec::new(), is_empty: true }
    }

    pub(crate) fn add(&mut self, removal: &Removal) {
        self.is_empty = false;
        let memory = &self.function.memory;
        match removal {
            Removal::All => {
                self.function.observe_clear();
                self.pending.extend(memory.end_all());
            }
            Removal::Key(key) => {
                let Some(hash) = self.function.hash_key(key) else { return };
                self.function.observe_removal(hash);
                self.pending.extend(memory.end(hash, key));
            }
        }
    }
}

impl<K: Keep> Drop for Forgotten<'_, K> {
    fn drop(&mut self) {
        if !self.is_empty {
            self.pending.clear();
            self.function.memory.free_removed();
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
