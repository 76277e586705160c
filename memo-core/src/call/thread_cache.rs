//! Caches that each thread has for itself, for results that other threads must not see.

use std::any::{Any, TypeId};
use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::rc::Rc;
use std::sync::Arc;

use crate::call::instances::IdHasher;
use crate::call::lookup::Lookup;
use crate::function::function_cache::FunctionCache;
use crate::function::instance::InstanceName;
use crate::function::origin::Origin;
use crate::handle::memo::LocalHandle;
use crate::handle::registry::InstanceList;
use crate::key::Arguments;
use crate::value::keep::Keep;
use crate::value::requirements::Comparable;

/// Holds an `Arc<FunctionCache<K>>`.
type Cache = Rc<dyn Any>;

thread_local! {
    /// Those of functions that have been called, by the instance's id.
    static KNOWN: RefCell<HashMap<TypeId, Cache, BuildHasherDefault<IdHasher>>> =
        RefCell::default();
    static CACHES: RefCell<HashMap<Origin, InstanceList<Rc<OnceCell<Cache>>>>> = RefCell::default();
}

/// This thread's cache of an instance that was called before.
pub(crate) fn known<K: Keep>(id: TypeId) -> Option<ThreadCache<K>> {
    KNOWN.try_with(|known| known.borrow().get(&id).map(|cache| ThreadCache::of(&**cache))).ok()?
}

/// This thread's cache of an instance, made by `make` if there is none. While the thread's caches are being dropped at
/// its end, one that nothing keeps.
pub(crate) fn find_or_make<K: Keep>(
    origin: &Origin,
    id: Option<TypeId>,
    place: &InstanceName,
    make: impl Fn() -> Arc<FunctionCache<K>>,
) -> ThreadCache<K> {
    let cell =
        CACHES.try_with(|caches| caches.borrow_mut().entry(*origin).or_default().find(id, place));
    let Ok(cell) = cell else { return ThreadCache(make()) };
    let cache = cell.get_or_init(|| Rc::new(make()));
    if let Some(id) = id {
        let _ = KNOWN.try_with(|known| known.borrow_mut().insert(id, Rc::clone(cache)));
    }
    ThreadCache::of(&**cache)
}

/// A thread's cache, its kind known.
pub struct ThreadCache<K: Keep>(Arc<FunctionCache<K>>);

impl<K: Keep> ThreadCache<K> {
    fn of(cache: &dyn Any) -> Self {
        let cache = cache.downcast_ref().map(Arc::clone);
        Self(cache.expect("one instance has one kind of cache"))
    }

    /// The answer to a call, or the turn to compute it.
    pub fn lookup<A: Arguments>(self, arguments: &A) -> Lookup<K> {
        self.0.lookup(arguments)
    }

    /// The same, with a share of the hits computed again and compared.
    pub fn lookup_or_verify<A: Arguments>(self, arguments: &A, share: f64) -> Lookup<K>
    where
        K::Value: Comparable,
    {
        self.0.lookup_or_verify(arguments, share)
    }

    /// What the companion's handle works on.
    #[must_use]
    pub fn handle(self) -> LocalHandle<K::Return> {
        LocalHandle::new(self.0)
    }
}
