//! All caches of the process.

use std::any::TypeId;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, DefaultHasher};
use std::sync::Arc;

use once_cell::sync::OnceCell;

use crate::error::Error;
use crate::function::any_cache::AnyCache;
use crate::function::family::Family;
use crate::function::function_cache::{FunctionCache, Statistics};
use crate::function::instance::InstanceName;
use crate::function::origin::Origin;
#[cfg(feature = "remote")]
use crate::function::tier_types::Tier;
use crate::key::Tag;
use crate::platform::erased::{Erased, Label};
use crate::platform::exit::at_exit;
use crate::platform::sync::Mutex;
#[cfg(feature = "report")]
use crate::statistics::details::Inspect;
#[cfg(feature = "report")]
use crate::statistics::samples::Sample;
use crate::statistics::stats::Stats;
use crate::value::keep::Keep;

impl<K: Keep<Held: Send + Sync>> AnyCache for Arc<FunctionCache<K>> {
    fn registered(&'static self) {
        self.mark_static();
        if self.is_stored() {
            at_exit(|| all().into_iter().for_each(AnyCache::flush_if_open));
        }
    }

    fn is_used(&self) -> bool {
        true
    }

    fn stats(&self) -> Stats {
        FunctionCache::stats(self)
    }

    fn flush(&self) -> Result<(), Error> {
        if self.is_stored() { FunctionCache::flush(self) } else { Ok(()) }
    }

    fn flush_if_open(&self) {
        FunctionCache::flush_if_open(self);
    }

    fn clear(&self) {
        FunctionCache::clear(self);
    }

    fn remove_tag(&self, tag: Tag) {
        FunctionCache::remove_tag(self, tag);
    }

    #[cfg(feature = "remote")]
    fn tagged_tier(&self) -> Option<&Tier> {
        self.shared.as_ref().filter(|_| self.memory.is_tagged()).map(|shared| shared.tier())
    }

    #[cfg(feature = "report")]
    fn sample(&self) -> Sample {
        FunctionCache::sample(self)
    }

    #[cfg(feature = "report")]
    fn inspected(&self) -> Arc<dyn Inspect> {
        Arc::<FunctionCache<K>>::clone(self)
    }
}

/// The caches of all objects. Nothing of them is stored.
impl<K: Keep<Held: Send + Sync>> AnyCache for Arc<Family<K>> {
    fn registered(&'static self) {}

    fn is_used(&self) -> bool {
        Family::is_used(self)
    }

    fn stats(&self) -> Stats {
        Statistics::stats(&**self)
    }

    fn flush(&self) -> Result<(), Error> {
        Ok(())
    }

    fn flush_if_open(&self) {}

    fn clear(&self) {
        Family::clear(self);
    }

    fn remove_tag(&self, _: Tag) {}

    #[cfg(feature = "remote")]
    fn tagged_tier(&self) -> Option<&Tier> {
        None
    }

    #[cfg(feature = "report")]
    fn sample(&self) -> Sample {
        Family::sample(self)
    }

    #[cfg(feature = "report")]
    fn inspected(&self) -> Arc<dyn Inspect> {
        Arc::<Family<K>>::clone(self)
    }
}

/// A registered cache, in two forms.
#[derive(Clone, Copy)]
struct Registered {
    /// For a caller that knows the type of the cache.
    typed: Erased,
    /// For the functions that visit all caches.
    any: &'static dyn AnyCache,
}

/// What is registered of an instance of a function.
#[derive(Default)]
struct Cell {
    made: OnceCell<Registered>,
    /// What isolations find as long as the instance was only called within. It holds no entries, and nobody visits it.
    stand_in: OnceCell<Erased>,
}

/// An instance of a function.
struct InstanceEntry<C> {
    /// None until the function itself, and not only a companion, has looked for the instance.
    id: Option<TypeId>,
    name: InstanceName,
    /// A shared cell. With it, one caller makes the cache while the lock of the map is not held.
    cache: C,
}

/// The instances of one function.
pub(crate) struct InstanceList<C>(Vec<InstanceEntry<C>>);

impl<C> Default for InstanceList<C> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

type Functions = HashMap<Origin, InstanceList<Arc<Cell>>, BuildHasherDefault<DefaultHasher>>;

/// All functions, in shards: a companion looks for its instance at each call, and those of different functions should
/// not wait for each other.
static CACHES: [Mutex<Functions>; 16] =
    [const { Mutex::new(HashMap::with_hasher(BuildHasherDefault::new())) }; 16];

/// Returns the cache of an instance, or the family of the caches of objects, and makes it with `make` if there is none.
/// Returns `None` if it has another type. It lives as long as the process. `make` gets a number that no other instance
/// has.
pub(crate) fn find_or_make<T: Send + Sync + 'static>(
    origin: &Origin,
    id: Option<TypeId>,
    name: &InstanceName,
    make: impl FnOnce(usize) -> Arc<T>,
) -> Option<&'static T>
where
    Arc<T>: AnyCache,
{
    let label = Label::of::<()>();
    let mut make = Some(make);
    let registered = registered(origin, id, name, &mut |number| {
        let make = make.take().expect("a cell makes one cache");
        let cache: &'static Arc<T> = Box::leak(Box::new(make(number)));
        cache.registered();
        Registered { typed: Erased::new(label, &**cache), any: cache }
    });
    registered.typed.get(label)
}

/// Returns the cache of an instance for a call in an isolation. If none was made, returns one that only leads to what
/// stands in for it, and makes that with `make`: a call in an isolation reads no directory and leaves no trace.
pub(crate) fn find_or_stand_in<K: Keep<Held: Send + Sync>>(
    origin: &Origin,
    id: Option<TypeId>,
    name: &InstanceName,
    make: impl FnOnce(usize) -> Arc<FunctionCache<K>>,
) -> Option<&'static FunctionCache<K>> {
    let (label, cell) = (Label::of::<()>(), cell(origin, id, name));
    if let Some(registered) = cell.made.get() {
        return registered.typed.get(label);
    }
    let stand_in = cell.stand_in.get_or_init(|| {
        let cache: &'static Arc<FunctionCache<K>> = Box::leak(Box::new(make(number_of(&cell))));
        cache.mark_static();
        Erased::new(label, &**cache)
    });
    stand_in.get(label)
}

/// Not generic, so that the code of the map, which is large, is compiled once and not for each type of cache.
#[inline(never)]
fn registered(
    origin: &Origin,
    id: Option<TypeId>,
    name: &InstanceName,
    make: &mut dyn FnMut(usize) -> Registered,
) -> Registered {
    let cell = cell(origin, id, name);
    *cell.made.get_or_init(|| make(number_of(&cell)))
}

fn cell(origin: &Origin, id: Option<TypeId>, name: &InstanceName) -> Arc<Cell> {
    let shard = &CACHES[origin.choose(CACHES.len())];
    shard.lock().entry(*origin).or_default().find(id, name)
}

/// Returns a number that no other instance has, since cells are never dropped.
fn number_of(cell: &Arc<Cell>) -> usize {
    Arc::as_ptr(cell).addr()
}

impl<C: Clone + Default> InstanceList<C> {
    /// Returns the cell of an instance, and adds the instance if it is not in the list. A function is identified by the
    /// id of its closure's type. A companion does not know that id and is identified by `name`. If a companion comes
    /// first, the function later takes over the instance that the companion added.
    ///
    /// # Panics
    /// Panics if `id` is `None` and two instances have this name.
    pub(crate) fn find(&mut self, id: Option<TypeId>, name: &InstanceName) -> C {
        let same_id = self.0.iter().find(|instance| id.is_some() && instance.id == id);
        if let Some(instance) = same_id {
            return instance.cache.clone();
        }
        let mut same_name = self.0.iter_mut().filter(|instance| instance.name == *name);
        // A function that is not generic has one instance, whatever its closure: another macro may copy the function.
        let found = if id.is_some() && name.is_generic() {
            same_name.find(|instance| instance.id.is_none())
        } else {
            same_name.next()
        };
        if let Some(instance) = found {
            instance.id = id.or(instance.id);
            let cache = instance.cache.clone();
            assert!(
                id.is_some() || same_name.next().is_none(),
                "two instances are called {name}: add `in_impl` to the function's `#[memoize]`, or give their types \
                 other names",
            );
            return cache;
        }
        let cache = C::default();
        self.0.push(InstanceEntry { id, name: name.clone(), cache: cache.clone() });
        cache
    }
}

/// Returns all caches that were used outside of isolations.
pub(super) fn all() -> Vec<&'static dyn AnyCache> {
    let mut caches = Vec::new();
    for shard in &CACHES {
        for function in shard.lock().values() {
            let made = function.0.iter().filter_map(|instance| instance.cache.made.get());
            caches.extend(made.map(|registered| registered.any).filter(|cache| cache.is_used()));
        }
    }
    caches
}

/// Returns a number that no other cache has. Caches live as long as the process.
#[cfg(any(feature = "metrics", feature = "report"))]
pub(super) fn number(cache: &'static dyn AnyCache) -> usize {
    std::ptr::from_ref(cache).cast::<()>().addr()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use super::*;
    use crate::function::instance::Caller;

    fn find<C>(
        list: &mut InstanceList<Rc<Cell<u8>>>,
        closure: &C,
        is_companion: bool,
    ) -> Rc<Cell<u8>> {
        let caller =
            if is_companion { Caller::companion(closure) } else { Caller::function(closure) };
        let instance = caller.instance();
        list.find(instance.id, &instance.name())
    }

    #[test]
    fn copies_of_a_function_and_its_companion_have_one_cache() {
        fn copy(list: &mut InstanceList<Rc<Cell<u8>>>) -> Rc<Cell<u8>> {
            find(list, &|| (), false)
        }
        let mut list = InstanceList::default();
        let (function, copy) = (find(&mut list, &|| (), false), copy(&mut list));
        let companion = find(&mut list, &|| (), true);
        assert!(Rc::ptr_eq(&function, &copy) && Rc::ptr_eq(&function, &companion));
    }

    #[test]
    fn instances_of_a_generic_function_have_a_cache_each() {
        fn generic<T>(list: &mut InstanceList<Rc<Cell<u8>>>) -> Rc<Cell<u8>> {
            find(list, &|| size_of::<T>(), false)
        }
        let mut list = InstanceList::default();
        let caches =
            [generic::<u8>(&mut list), generic::<u16>(&mut list), generic::<u8>(&mut list)];
        assert!(Rc::ptr_eq(&caches[0], &caches[2]) && !Rc::ptr_eq(&caches[0], &caches[1]));
    }
}
