//! All caches of the process.

use std::any::TypeId;
use std::sync::{Arc, LazyLock};

use dashmap::DashMap;
use once_cell::sync::OnceCell;

use crate::error::Error;
use crate::function::function_cache::FunctionCache;
use crate::function::instance::InstanceName;
use crate::function::origin::Origin;
use crate::platform::erased::{Erased, Label};
use crate::platform::exit::at_exit;
use crate::statistics::report::Report;
use crate::statistics::stats::Stats;
use crate::value::keep::Keep;

/// What can be asked of any cache, whatever it holds.
pub(crate) trait AnyCache: Send + Sync {
    fn stats(&self) -> Stats;
    fn flush(&self) -> Result<(), Error>;
    fn flush_if_open(&self);
}

impl<K: Keep<Held: Send + Sync>> AnyCache for Arc<FunctionCache<K>> {
    fn stats(&self) -> Stats {
        FunctionCache::stats(self)
    }

    fn flush(&self) -> Result<(), Error> {
        if self.is_persistent() { FunctionCache::flush(self) } else { Ok(()) }
    }

    fn flush_if_open(&self) {
        if let Some(storage) = &self.storage {
            storage.flush_if_open();
        }
    }
}

/// A cache as itself, for who knows its type, and as what all have in common.
#[derive(Clone, Copy)]
struct Registered {
    typed: Erased,
    listed: &'static dyn AnyCache,
}

/// An instance of a function; its cell lets one caller make the cache while no guard of the map is held.
struct InstanceEntry<C> {
    /// None until the function itself came by.
    id: Option<TypeId>,
    place: InstanceName,
    cache: C,
}

/// The instances of one function.
pub(crate) struct InstanceList<C>(Vec<InstanceEntry<C>>);

impl<C> Default for InstanceList<C> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

static CACHES: LazyLock<DashMap<Origin, InstanceList<Arc<OnceCell<Registered>>>>> =
    LazyLock::new(DashMap::new);

/// The cache of an instance, made by `make` if there is none; nothing if it is of another kind. Caches live as
/// long as the process.
pub(crate) fn find_or_make<K: Keep<Held: Send + Sync>>(
    origin: &Origin,
    id: Option<TypeId>,
    place: &InstanceName,
    make: impl FnOnce() -> Arc<FunctionCache<K>>,
) -> Option<&'static FunctionCache<K>> {
    let own = Label::of::<()>();
    let mut make = Some(make);
    let registered = registered(origin, id, place, &mut || {
        let make = make.take().expect("a cell makes one cache");
        let function: &'static Arc<FunctionCache<K>> = Box::leak(Box::new(make()));
        function.mark_static();
        if function.is_persistent() {
            at_exit(|| all().into_iter().for_each(AnyCache::flush_if_open));
        }
        Registered { typed: Erased::new(own, &**function), listed: function }
    });
    registered.typed.get(own)
}

/// Built once, whatever the caches hold: the map is much code.
#[inline(never)]
fn registered(
    origin: &Origin,
    id: Option<TypeId>,
    place: &InstanceName,
    make: &mut dyn FnMut() -> Registered,
) -> Registered {
    let cell = CACHES.entry(*origin).or_default().find(id, place);
    *cell.get_or_init(make)
}

impl<C: Clone + Default> InstanceList<C> {
    /// What belongs to an instance. A function is told by its type's id. A companion that knows no id is told by its
    /// place, and may come first: the function then takes over what the companion made.
    ///
    /// # Panics
    /// When a companion cannot tell which of two instances of one place is meant.
    pub(crate) fn find(&mut self, id: Option<TypeId>, place: &InstanceName) -> C {
        let known = self.0.iter().find(|member| id.is_some() && member.id == id);
        if let Some(member) = known {
            return member.cache.clone();
        }
        let mut named = self.0.iter_mut().filter(|member| member.place == *place);
        let unclaimed =
            if id.is_some() { named.find(|member| member.id.is_none()) } else { named.next() };
        if let Some(member) = unclaimed {
            member.id = id.or(member.id);
            let cache = member.cache.clone();
            assert!(
                id.is_some() || named.next().is_none(),
                "two instances are called {place}: add `in_impl` to the function's `#[memoize]`, or give their types \
                 other names",
            );
            return cache;
        }
        let cache = C::default();
        self.0.push(InstanceEntry { id, place: place.clone(), cache: cache.clone() });
        cache
    }
}

fn all() -> Vec<&'static dyn AnyCache> {
    let mut listed = Vec::new();
    for function in CACHES.iter() {
        let made = function.value().0.iter().filter_map(|member| member.cache.get());
        listed.extend(made.map(|registered| registered.listed));
    }
    listed
}

/// The statistics of every memoized function that was called or asked for its cache.
#[must_use]
#[inline]
pub fn report() -> Report {
    Report::of(all().into_iter().map(AnyCache::stats).collect())
}

/// Makes the results of every function with `persist` durable.
///
/// # Errors
/// The first failure; all are tried.
pub fn flush_all() -> Result<(), Error> {
    all().into_iter().map(AnyCache::flush).fold(Ok(()), Result::and)
}
