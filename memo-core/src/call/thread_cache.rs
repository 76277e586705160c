//! Caches that belong to one thread each, for results that other threads must not see.

use std::any::{Any, TypeId};
use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::rc::Rc;
use std::sync::{Arc, Weak};

use crate::call::lookup::Lookup;
use crate::function::function_cache::FunctionCache;
use crate::function::instance::InstanceName;
use crate::function::isolation::Isolation;
use crate::function::origin::Origin;
use crate::handle::memo::LocalHandle;
use crate::handle::registry::InstanceList;
use crate::key::Arguments;
use crate::platform::id_hasher::IdHasher;
use crate::value::keep::Keep;
use crate::value::requirements::Comparable;

/// An `Arc<FunctionCache<K>>` whose type is erased.
type Cache = Rc<dyn Any>;

thread_local! {
    /// The caches of instances that were called, by the instance's id.
    static BY_ID: RefCell<HashMap<TypeId, Cache, BuildHasherDefault<IdHasher>>> =
        RefCell::default();
    /// All caches of this thread, by function.
    static BY_ORIGIN: RefCell<HashMap<Origin, InstanceList<Rc<OnceCell<Cache>>>>> = RefCell::default();
}

/// What this thread has for one isolation, or for none, while it is in another.
#[derive(Default)]
struct Tables {
    by_id: HashMap<TypeId, Cache, BuildHasherDefault<IdHasher>>,
    by_origin: HashMap<Origin, InstanceList<Rc<OnceCell<Cache>>>>,
}

/// The tables that are not in use. Those of no isolation have a reference to none.
type Parked = Vec<(Option<Weak<Isolation>>, Tables)>;

thread_local! {
    static PARKED: RefCell<Parked> = const { RefCell::new(Vec::new()) };
}

/// Replaces the caches that this thread has for one isolation, or for none, by those that it has for another.
#[inline]
pub(super) fn switch(from: Option<&Arc<Isolation>>, to: Option<&Arc<Isolation>>) {
    if from.map(Arc::as_ptr) == to.map(Arc::as_ptr) {
        return;
    }
    // A thread that is ending has no caches any more.
    let _ = PARKED.try_with(|parked| {
        let mut parked = parked.borrow_mut();
        let is_meant =
            |of: &Option<Weak<Isolation>>| of.as_ref().map(Weak::as_ptr) == to.map(Arc::as_ptr);
        let at = parked.iter().position(|(of, _)| is_meant(of));
        let new = at.map_or_else(Tables::default, |at| parked.swap_remove(at).1);
        parked.push((from.map(Arc::downgrade), exchange(new)));
    });
}

/// Puts tables to use, and returns those that were.
#[inline]
fn exchange(new: Tables) -> Tables {
    let by_id = BY_ID.try_with(|caches| caches.replace(new.by_id));
    let by_origin = BY_ORIGIN.try_with(|caches| caches.replace(new.by_origin));
    Tables { by_id: by_id.unwrap_or_default(), by_origin: by_origin.unwrap_or_default() }
}

/// Drops the caches that this thread has for isolations that have ended.
#[inline]
pub(super) fn drop_ended() {
    let has_ended =
        |of: &Option<Weak<Isolation>>| of.as_ref().is_some_and(|of| of.strong_count() == 0);
    let ended: Result<Parked, _> = PARKED.try_with(|parked| {
        let mut parked = parked.borrow_mut();
        let (ended, others) = parked.drain(..).partition(|(of, _)| has_ended(of));
        *parked = others;
        ended
    });
    // The `Drop` of values may call memoized functions.
    drop(ended);
}

/// Returns this thread's cache of an instance that was called before.
pub(crate) fn find<K: Keep>(id: TypeId) -> Option<ThreadCache<K>> {
    BY_ID.try_with(|caches| caches.borrow().get(&id).map(|cache| ThreadCache::of(&**cache))).ok()?
}

/// Returns this thread's cache of an instance. If there is none, `make` makes it. When the thread ends and its caches
/// are already dropped, the new cache is not registered.
pub(crate) fn find_or_make<K: Keep>(
    origin: &Origin,
    id: Option<TypeId>,
    name: &InstanceName,
    make: impl Fn() -> Arc<FunctionCache<K>>,
) -> ThreadCache<K> {
    let cell =
        BY_ORIGIN.try_with(|caches| caches.borrow_mut().entry(*origin).or_default().find(id, name));
    let Ok(cell) = cell else { return ThreadCache(make()) };
    let cache = cell.get_or_init(|| Rc::new(make()));
    if let Some(id) = id {
        let _ = BY_ID.try_with(|caches| caches.borrow_mut().insert(id, Rc::clone(cache)));
    }
    ThreadCache::of(&**cache)
}

/// A thread's own cache whose type is known.
pub struct ThreadCache<K: Keep>(Arc<FunctionCache<K>>);

impl<K: Keep> ThreadCache<K> {
    fn of(cache: &dyn Any) -> Self {
        let cache = cache.downcast_ref().map(Arc::clone);
        Self(cache.expect("one instance has one kind of cache"))
    }

    /// Looks up the result of a call. On a miss, the caller computes it.
    pub fn lookup<A: Arguments>(self, arguments: &A) -> Lookup<K> {
        self.0.lookup(arguments)
    }

    /// Does the same, but for `share` of the hits the caller computes the result again, and it is compared.
    pub fn lookup_or_verify<A: Arguments>(self, arguments: &A, share: f64) -> Lookup<K>
    where
        K::Value: Comparable,
    {
        self.0.lookup_or_verify(arguments, share)
    }

    /// Returns the cache in the form that the companion's handle uses.
    #[must_use]
    pub fn handle(self) -> LocalHandle<K::Return> {
        LocalHandle::new(self.0)
    }
}
