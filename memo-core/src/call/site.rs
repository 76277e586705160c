//! A static in each annotated function, and in its companions, that finds the function's cache.

use std::cell::RefCell;
use std::sync::Arc;

use once_cell::sync::OnceCell;

use crate::call::bypass;
use crate::call::future::AsyncLookup;
use crate::call::instances::Instances;
use crate::call::lookup::Lookup;
use crate::call::thread_cache;
use crate::function::any_cache::AnyCache;
use crate::function::function_cache::FunctionCache;
use crate::function::instance::{Caller, Instance, InstanceName};
use crate::function::isolation::{self, Twin};
use crate::function::origin::Origin;
use crate::function::settings::Settings;
use crate::handle::memo::Memo;
use crate::handle::registry;
use crate::key::Arguments;
use crate::platform::erased::{Erased, Label};
use crate::value::keep::Keep;
use crate::value::requirements::Comparable;

/// Finds the caches of one function.
pub struct Site {
    pub(super) origin: Origin,
    /// The cache of the first instance with an id that was found here. Often it is the only one.
    first: OnceCell<Erased>,
    /// The caches of the other instances with an id.
    others: Instances<Erased>,
}

impl Site {
    /// Makes a site whose caches are made at first use.
    #[must_use]
    pub const fn new(origin: Origin) -> Self {
        Self { origin, first: OnceCell::new(), others: Instances::new() }
    }

    /// Returns the cache of the instance that `caller` asks for. If there is none, makes it with these settings.
    ///
    /// # Panics
    /// If the cache of this instance was made with another `K`. No expansion does this.
    #[inline]
    pub fn cache<C, K: Keep<Held: Send + Sync>>(
        &self,
        caller: Caller<'_, C>,
        settings: fn() -> Settings<K>,
    ) -> TypedCache<K> {
        let label = Label::of::<C>();
        if let Some(first) = self.first.get() {
            if let Some(function) = first.get(label) {
                return TypedCache(function);
            }
        }
        TypedCache(self.find_other(label, &caller.instance(), settings))
    }

    // Compiled once for each `K`, and not for each type of closure that asks.
    #[inline(never)]
    fn find_other<K: Keep<Held: Send + Sync>>(
        &self,
        label: Label<FunctionCache<K>>,
        instance: &Instance<'_>,
        settings: fn() -> Settings<K>,
    ) -> &'static FunctionCache<K> {
        let known = self.others.get(label.id()).and_then(|cache| cache.get(label));
        known.unwrap_or_else(|| self.find_or_make(label, instance, settings))
    }

    #[cold]
    fn find_or_make<K: Keep<Held: Send + Sync>>(
        &self,
        label: Label<FunctionCache<K>>,
        instance: &Instance<'_>,
        settings: fn() -> Settings<K>,
    ) -> &'static FunctionCache<K> {
        bypass::read_environment();
        EvaluatingSettings::check(&self.origin);
        let name = instance.name();
        let isolated = isolation::is_on();
        let function = if isolated {
            let stand_in =
                |number| self.with_twins(number, self.stand_in(&name, settings), &name, settings);
            registry::find_or_stand_in(&self.origin, instance.id, &name, stand_in)
        } else {
            let make = |number| {
                let made = self.settings(instance, &name, settings);
                let made = made.shared(self.name(&name), self.code(instance, &name));
                self.with_twins(number, made, &name, settings)
            };
            registry::find_or_make(&self.origin, instance.id, &name, make)
        };
        let function = function.expect("one instance has one kind of cache");
        let cache = Erased::new(label, function);
        if !isolated
            && !bypass::is_on()
            && function.recover()
            && instance.id.is_some()
            && self.first.set(cache).is_err()
        {
            self.others.add(cache);
        }
        function
    }

    /// Returns the calling thread's own cache of the instance that `caller` asks for. If there is none, makes it with
    /// these settings.
    pub fn local<C, K: Keep>(
        &self,
        caller: Caller<'_, C>,
        settings: fn() -> Settings<K>,
    ) -> thread_cache::ThreadCache<K> {
        let instance = caller.instance();
        let found = instance.id.and_then(thread_cache::find);
        found.unwrap_or_else(|| {
            bypass::read_environment();
            EvaluatingSettings::check(&self.origin);
            let name = instance.name();
            let make = || self.settings(&instance, &name, settings).local(self.name(&name));
            thread_cache::find_or_make(&self.origin, instance.id, &name, make)
        })
    }

    /// Makes a cache for calls in isolations.
    fn stand_in<K: Keep<Held: Send + Sync>>(
        &self,
        name: &InstanceName,
        settings: fn() -> Settings<K>,
    ) -> Arc<FunctionCache<K>> {
        let _evaluating = EvaluatingSettings::begin(self.origin);
        settings().isolated(self.name(name))
    }

    /// Lets isolations find what stands in for `function`. `number`: that of the instance.
    fn with_twins<K: Keep<Held: Send + Sync>>(
        &self,
        number: usize,
        function: Arc<FunctionCache<K>>,
        name: &InstanceName,
        settings: fn() -> Settings<K>,
    ) -> Arc<FunctionCache<K>> {
        let (origin, name) = (self.origin, self.name(name));
        function.set_twins(Box::new(move |isolation| {
            isolation.twin(number, || {
                let _evaluating = EvaluatingSettings::begin(origin);
                let cache = settings().isolated(name.clone());
                let any: Arc<dyn AnyCache> = Arc::new(Arc::clone(&cache));
                Twin { cache, any: Some(any), _kept: None }
            })
        }));
        function
    }

    /// Returns the function's name, with what distinguishes the instance from others.
    pub(super) fn name(&self, name: &InstanceName) -> String {
        let (enclosing, parameters) = name.names();
        let mut name = self.origin.name().to_owned();
        if !parameters.is_empty() {
            name = format!("{name}<{parameters}>");
        }
        if enclosing.is_empty() { name } else { format!("{name} in {enclosing}") }
    }

    /// Evaluates the settings of an instance, and chooses where it stores its results: each function and each instance
    /// has a folder of its own.
    pub(super) fn settings<K: Keep>(
        &self,
        instance: &Instance<'_>,
        name: &InstanceName,
        settings: fn() -> Settings<K>,
    ) -> Settings<K> {
        let _evaluating = EvaluatingSettings::begin(self.origin);
        let settings = settings();
        #[cfg(feature = "persist")]
        let settings = {
            let id = || if name.is_generic() { instance.stored_id(name) } else { Ok(0) };
            settings.at(|| self.origin.path_in(name), id).written_at(|| self.origin.place())
        };
        #[cfg(not(feature = "persist"))]
        let _ = (instance, name);
        settings
    }

    /// Returns the fingerprint of the function's code, which tells apart what was stored.
    #[cfg(feature = "persist")]
    fn code(&self, instance: &Instance<'_>, name: &InstanceName) -> u128 {
        self.origin.code_in(instance, name)
    }

    /// Nothing is stored.
    #[cfg(not(feature = "persist"))]
    fn code(&self, _: &Instance<'_>, _: &InstanceName) -> u128 {
        0
    }
}

thread_local! {
    /// The functions whose settings this thread evaluates.
    static EVALUATING: RefCell<Vec<Origin>> = const { RefCell::new(Vec::new()) };
}

/// Exists while this thread evaluates the settings of a function. The settings must not call that function. A thread
/// that is ending may have no thread-local data any more, and then this is not checked.
pub(super) struct EvaluatingSettings;

impl EvaluatingSettings {
    pub(super) fn begin(origin: Origin) -> Self {
        let _ = EVALUATING.try_with(|origins| origins.borrow_mut().push(origin));
        Self
    }

    /// Checks that this thread does not evaluate the settings of this function. If it does, the caller would wait for
    /// itself.
    ///
    /// # Panics
    /// If this thread evaluates the settings of this function.
    pub(super) fn check(origin: &Origin) {
        let evaluates = EVALUATING.try_with(|origins| origins.borrow().contains(origin));
        assert!(
            !evaluates.unwrap_or(false),
            "the settings of `{}` call the function that they are for",
            origin.name(),
        );
    }
}

impl Drop for EvaluatingSettings {
    fn drop(&mut self) {
        let _ = EVALUATING.try_with(|origins| origins.borrow_mut().pop());
    }
}

/// A cache whose type is known.
pub struct TypedCache<K: Keep>(&'static FunctionCache<K>);

impl<K: Keep<Held: Send + Sync>> TypedCache<K> {
    /// Removes from memory what other processes have removed. Calls of functions that store their results begin with
    /// this.
    #[cfg(feature = "persist")]
    #[inline]
    #[must_use]
    pub fn followed(self) -> Self {
        self.0.follow_removals();
        self
    }

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

    /// Returns the handle that a companion returns.
    #[must_use]
    pub fn handle(self) -> Memo<K::Return> {
        Memo::shared(self.0)
    }
}
