//! The caches that one object has for its methods, and how a method finds its own.

use std::any::Any;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;

use crate::call::bypass;
use crate::call::future::AsyncLookup;
use crate::call::instances::Instances;
use crate::call::lookup::Lookup;
use crate::call::site::{EvaluatingSettings, Site};
use crate::function::family::Family;
use crate::function::function_cache::FunctionCache;
use crate::function::instance::{Caller, Instance};
use crate::function::settings::Settings;
use crate::handle::memo::{Memo, OfObject};
use crate::handle::registry;
use crate::key::Arguments;
use crate::platform::erased::{ErasedArc, Label};
use crate::platform::sync::usual::Mutex;
use crate::value::keep::Keep;
use crate::value::requirements::Comparable;

/// The results of an object's methods that have `scope = "instance"`. It is a field of the object.
///
/// The results are freed with it. One `Cache` serves all methods of the object, each with its own settings. It is empty
/// until a method is called, and then takes 40 bytes in the object and some hundred bytes for each method that was
/// called.
///
/// It is no part of the object's value: all caches are equal and hash alike, and a clone is empty, because the clone of
/// the object may change. (Clones that are to share results can have an `Arc<Cache>`.) So the object can derive
/// `Clone`, `Default`, `PartialEq`, `Hash` and others. With serde's derive, write `#[serde(skip)]` above the field.
pub struct Cache {
    /// By the types of the callers.
    by_caller: Instances<ErasedArc>,
    /// One for each function that was called.
    parts: Mutex<Vec<Arc<dyn AnyPart>>>,
}

impl Cache {
    /// Makes an empty cache.
    #[must_use]
    pub const fn new() -> Self {
        Self { by_caller: Instances::new(), parts: Mutex::new(Vec::new()) }
    }

    /// Removes all results of this object. Values that are being computed are treated as by
    /// [`Memo::invalidate`](crate::handle::memo::Memo::invalidate).
    pub fn clear(&self) {
        // Values are dropped while no lock is held.
        let parts = self.parts.lock().clone();
        parts.iter().for_each(|part| part.clear());
    }

    /// Returns the part of a function, if there is one.
    fn find<K: Keep<Held: Send + Sync>>(
        parts: &[Arc<dyn AnyPart>],
        family: &'static Family<K>,
    ) -> Option<Arc<FunctionCache<K>>> {
        let parts = parts.iter().filter_map(|part| part.as_any().downcast_ref::<Part<K>>());
        parts
            .filter(|part| std::ptr::eq(part.family, family))
            .map(|part| Arc::clone(&part.function))
            .next()
    }

    /// Returns the part of a function. If there is none, makes it of these settings.
    fn find_or_make<K: Keep<Held: Send + Sync>>(
        &self,
        family: &'static Family<K>,
        settings: impl FnOnce() -> Settings<K>,
    ) -> Arc<FunctionCache<K>> {
        if let Some(function) = Self::find(&self.parts.lock(), family) {
            return function;
        }
        // Code of users, which runs while no lock is held. If two threads call a method first, it runs for both.
        let settings = settings();
        let mut parts = self.parts.lock();
        Self::find(&parts, family).unwrap_or_else(|| {
            let function = family.add(settings);
            parts.push(Arc::new(Part { function: Arc::clone(&function), family }));
            function
        })
    }
}

impl Default for Cache {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").field("methods", &self.parts.lock().len()).finish()
    }
}

impl Clone for Cache {
    fn clone(&self) -> Self {
        Self::new()
    }
}

impl PartialEq for Cache {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Cache {}

impl PartialOrd for Cache {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Cache {
    fn cmp(&self, _: &Self) -> Ordering {
        Ordering::Equal
    }
}

impl Hash for Cache {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

// A cache stays consistent if a call panics.
impl UnwindSafe for Cache {}
impl RefUnwindSafe for Cache {}

/// What an object has for one function.
struct Part<K: Keep<Held: Send + Sync>> {
    function: Arc<FunctionCache<K>>,
    family: &'static Family<K>,
}

trait AnyPart: Send + Sync {
    fn as_any(&self) -> &dyn Any;
    fn clear(&self);
}

impl<K: Keep<Held: Send + Sync>> AnyPart for Part<K> {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn clear(&self) {
        self.function.clear();
    }
}

impl<K: Keep<Held: Send + Sync>> Drop for Part<K> {
    fn drop(&mut self) {
        self.family.remove(&self.function);
    }
}

/// A field that has the cache of an object.
#[diagnostic::on_unimplemented(
    message = "`scope = \"instance\"` needs a `memokit::Cache`, and this is a `{Self}`",
    label = "no `memokit::Cache`",
    note = "give the struct a field `cache: memokit::Cache`, or name another field of that type: `cache = self.state.cache`"
)]
pub trait CacheField {
    #[doc(hidden)]
    fn __memokit_cache(&self) -> &Cache;
}

impl CacheField for Cache {
    #[inline]
    fn __memokit_cache(&self) -> &Cache {
        self
    }
}

impl<F: CacheField + ?Sized> CacheField for &F {
    #[inline]
    fn __memokit_cache(&self) -> &Cache {
        F::__memokit_cache(self)
    }
}

impl<F: CacheField + ?Sized> CacheField for Arc<F> {
    #[inline]
    fn __memokit_cache(&self) -> &Cache {
        F::__memokit_cache(self)
    }
}

impl<F: CacheField + ?Sized> CacheField for Box<F> {
    #[inline]
    fn __memokit_cache(&self) -> &Cache {
        F::__memokit_cache(self)
    }
}

/// A function that looks for its cache in an object.
pub struct InObject<'a, C, K: Keep> {
    site: &'static Site,
    caller: Caller<'a, C>,
    settings: fn() -> Settings<K>,
}

impl Site {
    /// Looks for the cache of the instance that `caller` asks for in an object.
    #[inline]
    pub const fn in_object<'a, C, K: Keep<Held: Send + Sync>>(
        &'static self,
        caller: Caller<'a, C>,
        settings: fn() -> Settings<K>,
    ) -> InObject<'a, C, K> {
        InObject { site: self, caller, settings }
    }
}

impl<C, K: Keep<Held: Send + Sync>> InObject<'_, C, K> {
    /// Returns the cache that the object with this field has for the function.
    #[inline]
    pub fn of<F: CacheField + ?Sized>(self, field: &F) -> ObjectCache<'_, K> {
        let (cache, label) = (field.__memokit_cache(), Label::of::<C>());
        if let Some(function) = cache.by_caller.get(label.id()).and_then(|found| found.get(label)) {
            return ObjectCache(function);
        }
        ObjectCache(first_call(self.site, cache, label, &self.caller.instance(), self.settings))
    }

    /// Returns the handle of it, for a companion.
    pub fn handle<F: CacheField + ?Sized>(self, field: &F) -> Memo<K::Return, OfObject<K::Return>> {
        let instance = self.caller.instance();
        Memo::of_object(find_or_make(self.site, field.__memokit_cache(), &instance, self.settings))
    }
}

/// Finds the cache of a function by its name, and notes it for its further calls.
#[cold]
#[inline(never)]
fn first_call<'f, K: Keep<Held: Send + Sync>>(
    site: &'static Site,
    cache: &'f Cache,
    label: Label<FunctionCache<K>>,
    instance: &Instance<'_>,
    settings: fn() -> Settings<K>,
) -> &'f FunctionCache<K> {
    let function = find_or_make(site, cache, instance, settings);
    cache.by_caller.add(ErasedArc::new(label, function));
    let found = cache.by_caller.get(label.id()).and_then(|found| found.get(label));
    found.expect("a label is found once it was added")
}

fn find_or_make<K: Keep<Held: Send + Sync>>(
    site: &'static Site,
    cache: &Cache,
    instance: &Instance<'_>,
    settings: fn() -> Settings<K>,
) -> Arc<FunctionCache<K>> {
    bypass::read_environment();
    EvaluatingSettings::check(&site.origin);
    let name = instance.name();
    let make = || Family::new(site.name(&name));
    let family = registry::find_or_make(&site.origin, instance.id, &name, make)
        .expect("one instance has one kind of cache");
    cache.find_or_make(family, || site.settings(instance, &name, settings))
}

/// The cache that an object has for one function, whose type is known.
pub struct ObjectCache<'f, K: Keep>(&'f FunctionCache<K>);

impl<K: Keep<Held: Send + Sync>> ObjectCache<'_, K> {
    /// Looks up the result of a call. On a miss, the caller computes it.
    #[inline]
    pub fn lookup<A: Arguments>(self, arguments: &A) -> Lookup<K> {
        self.0.lookup(arguments)
    }

    /// Does the same, but for `share` of the hits the caller computes the result again, and it is compared.
    #[inline]
    pub fn lookup_or_verify<A: Arguments>(self, arguments: &A, share: f64) -> Lookup<K>
    where
        K::Value: Comparable,
    {
        self.0.lookup_or_verify(arguments, share)
    }

    /// Looks up the result of a call of an `async fn`.
    #[inline]
    pub fn begin<A: Arguments>(self, arguments: &A) -> AsyncLookup<K> {
        self.0.begin(arguments)
    }

    /// Does the same, but for `share` of the hits the body computes the result again, and it is compared.
    #[inline]
    pub fn begin_or_verify<A: Arguments>(self, arguments: &A, share: f64) -> AsyncLookup<K>
    where
        K::Value: Comparable,
    {
        self.0.begin_or_verify(arguments, share)
    }
}
