//! The caches that one object has for its methods, and how a method finds its own.

use std::any::Any;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::{Arc, Weak};

use crate::call::bypass;
use crate::call::future::AsyncLookup;
use crate::call::instances::Instances;
use crate::call::lookup::Lookup;
use crate::call::site::{EvaluatingSettings, Site};
use crate::function::any_cache::AnyCache;
use crate::function::family::Family;
use crate::function::function_cache::FunctionCache;
use crate::function::instance::{Caller, Instance};
use crate::function::isolation::{self, Twin};
use crate::function::origin::Origin;
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
    #[inline]
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

    /// Returns the part of a function. If there is none, makes it of these settings, and calls `made`.
    fn find_or_make<K: Keep<Held: Send + Sync>>(
        &self,
        family: &'static Family<K>,
        settings: impl FnOnce() -> Settings<K>,
        made: impl FnOnce(&Arc<FunctionCache<K>>),
    ) -> Arc<FunctionCache<K>> {
        if let Some(function) = Self::find(&self.parts.lock(), family) {
            return function;
        }
        // Code of users, which runs while no lock is held. If two threads call a method first, it runs for both.
        let settings = settings();
        let mut parts = self.parts.lock();
        Self::find(&parts, family).unwrap_or_else(|| {
            let function = family.add(settings);
            made(&function);
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
    #[inline]
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

    #[inline]
    fn clear(&self) {
        self.function.twin().as_ref().unwrap_or(&self.function).clear();
    }
}

impl<K: Keep<Held: Send + Sync>> Drop for Part<K> {
    fn drop(&mut self) {
        self.family.remove(&self.function);
        if let Some(isolation) = isolation::current() {
            isolation.forget(number(&*self.function));
        }
    }
}

/// What stands in for a part in an isolation. The family is that of the isolation.
struct TwinPart<K: Keep<Held: Send + Sync>> {
    function: Arc<FunctionCache<K>>,
    family: Arc<Family<K>>,
    /// While it exists, nothing else gets the address of the part.
    _part: Weak<FunctionCache<K>>,
}

impl<K: Keep<Held: Send + Sync>> Drop for TwinPart<K> {
    fn drop(&mut self) {
        self.family.remove(&self.function);
    }
}

/// A number that nothing else has meanwhile.
fn number<T>(reference: &T) -> usize {
    std::ptr::from_ref(reference).addr()
}

/// Lets isolations find what stands in for a part.
fn set_twins<K: Keep<Held: Send + Sync>>(
    part: &Arc<FunctionCache<K>>,
    origin: Origin,
    family: &'static Family<K>,
    settings: fn() -> Settings<K>,
) {
    let (weak, number_of_part) = (Arc::downgrade(part), number(&**part));
    part.set_twins(Box::new(move |isolation| {
        isolation.twin(number_of_part, || {
            let family = isolation.twin(number(family), || {
                let cache = Family::<K>::new(family.name().to_owned(), isolation.number());
                let any: Arc<dyn AnyCache> = Arc::new(Arc::clone(&cache));
                Twin { cache, any: Some(any), _kept: None }
            });
            let _evaluating = EvaluatingSettings::begin(origin);
            let function = Family::add(&family, settings());
            let part =
                TwinPart { function: Arc::clone(&function), family, _part: Weak::clone(&weak) };
            Twin { cache: function, any: None, _kept: Some(Box::new(part)) }
        })
    }));
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

#[diagnostic::do_not_recommend]
impl<F: CacheField + ?Sized> CacheField for &F {
    #[inline]
    fn __memokit_cache(&self) -> &Cache {
        F::__memokit_cache(self)
    }
}

#[diagnostic::do_not_recommend]
impl<F: CacheField + ?Sized> CacheField for Arc<F> {
    #[inline]
    fn __memokit_cache(&self) -> &Cache {
        F::__memokit_cache(self)
    }
}

#[diagnostic::do_not_recommend]
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

impl<'a, C, K: Keep<Held: Send + Sync>> InObject<'a, C, K> {
    /// Says which field of the object has its caches.
    #[inline]
    pub fn of<F: CacheField + ?Sized>(self, field: &F) -> InField<'a, '_, C, K> {
        InField { function: self, cache: field.__memokit_cache() }
    }
}

/// A caller in an isolation.
struct Isolated<C>(PhantomData<C>);

/// A function that looks for its cache in a field of an object.
pub struct InField<'a, 'f, C, K: Keep> {
    function: InObject<'a, C, K>,
    cache: &'f Cache,
}

impl<'f, C, K: Keep<Held: Send + Sync>> InField<'_, 'f, C, K> {
    #[inline]
    fn find(self) -> &'f FunctionCache<K> {
        let (InObject { site, caller, settings }, label) = (self.function, Label::of::<C>());
        let found = self.cache.by_caller.get(label.id()).and_then(|found| found.get(label));
        found.unwrap_or_else(|| {
            // Not noted for calls outside, the first of which notes that the function is used.
            let label = if isolation::is_on() { Label::of::<Isolated<C>>() } else { label };
            first_call(site, self.cache, label, &caller.instance(), settings)
        })
    }

    /// Looks up the result of a call. On a miss, the caller computes it.
    #[inline]
    pub fn lookup<A: Arguments>(self, arguments: &A) -> Lookup<K> {
        self.find().lookup(arguments)
    }

    /// Does the same, but for `share` of the hits the caller computes the result again, and it is compared.
    #[inline]
    pub fn lookup_or_verify<A: Arguments>(self, arguments: &A, share: f64) -> Lookup<K>
    where
        K::Value: Comparable,
    {
        self.find().lookup_or_verify(arguments, share)
    }

    /// Looks up the result of a call of an `async fn`.
    #[inline]
    pub fn begin<A: Arguments>(self, arguments: &A) -> AsyncLookup<K> {
        self.find().begin(arguments)
    }

    /// Does the same, but for `share` of the hits the body computes the result again, and it is compared.
    #[inline]
    pub fn begin_or_verify<A: Arguments>(self, arguments: &A, share: f64) -> AsyncLookup<K>
    where
        K::Value: Comparable,
    {
        self.find().begin_or_verify(arguments, share)
    }

    /// Returns the handle that a companion returns. A companion may be alike for several instances, so the cache is not
    /// noted for it.
    pub fn handle(self) -> Memo<K::Return, OfObject<K::Return>> {
        let InObject { site, caller, settings } = self.function;
        Memo::of_object(find_or_make(site, self.cache, &caller.instance(), settings))
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
    let make = |_| Family::new(site.name(&name), 0);
    let family = registry::find_or_make(&site.origin, instance.id, &name, make)
        .expect("one instance has one kind of cache");
    if !isolation::is_on() {
        family.mark_used();
    }
    let made = |part: &Arc<_>| set_twins(part, site.origin, family, settings);
    cache.find_or_make(family, || site.settings(instance, &name, settings), made)
}
