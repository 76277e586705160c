//! A static in each annotated function, and in its companions, that finds the function's cache.

use std::cell::RefCell;

use once_cell::sync::OnceCell;

use crate::call::bypass;
use crate::call::future::AsyncLookup;
use crate::call::instances::Instances;
use crate::call::lookup::Lookup;
use crate::call::thread_cache;
use crate::function::function_cache::FunctionCache;
use crate::function::instance::{Caller, Instance, InstanceName};
use crate::function::origin::Origin;
use crate::function::settings::Settings;
use crate::handle::memo::Memo;
use crate::handle::registry;
use crate::key::Arguments;
use crate::platform::erased::{Erased, Label};
use crate::value::keep::Keep;
use crate::value::requirements::Comparable;

/// The way to one function's caches.
pub struct Site {
    origin: Origin,
    /// The first instance with an id that was asked for, often the only one.
    first: OnceCell<Erased>,
    others: Instances,
}

impl Site {
    /// A site whose caches are made at first use.
    #[must_use]
    pub const fn new(origin: Origin) -> Self {
        Self { origin, first: OnceCell::new(), others: Instances::new() }
    }

    /// The cache of the instance that is asked for, made with these settings if there is none.
    ///
    /// # Panics
    /// If another choice was made for the same instance, which no expansion does.
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
        TypedCache(self.other(label, &caller.instance(), settings))
    }

    // Built once a kind of result, and not for each closure that asks.
    #[inline(never)]
    fn other<K: Keep<Held: Send + Sync>>(
        &self,
        label: Label<FunctionCache<K>>,
        instance: &Instance<'_>,
        settings: fn() -> Settings<K>,
    ) -> &'static FunctionCache<K> {
        let known = self.others.get(label.id()).and_then(|cache| cache.get(label));
        known.unwrap_or_else(|| self.find(label, instance, settings))
    }

    #[cold]
    fn find<K: Keep<Held: Send + Sync>>(
        &self,
        label: Label<FunctionCache<K>>,
        instance: &Instance<'_>,
        settings: fn() -> Settings<K>,
    ) -> &'static FunctionCache<K> {
        bypass::read_environment();
        EvaluatingSettings::check(&self.origin);
        let name = instance.name();
        let make = || {
            let settings = self.settings(instance, &name, settings);
            settings.shared(self.name(&name), self.origin.code_in(name.enclosing))
        };
        let function = registry::find_or_make(&self.origin, instance.id, &name, make)
            .expect("one instance has one kind of cache");
        let cache = Erased::new(label, function);
        if !bypass::is_on()
            && function.recover()
            && instance.id.is_some()
            && self.first.set(cache).is_err()
        {
            self.others.add(cache);
        }
        function
    }

    /// The calling thread's own cache of the instance that is asked for.
    pub fn local<C, K: Keep>(
        &self,
        caller: Caller<'_, C>,
        settings: fn() -> Settings<K>,
    ) -> thread_cache::ThreadCache<K> {
        let instance = caller.instance();
        let found = instance.id.and_then(thread_cache::known);
        found.unwrap_or_else(|| {
            bypass::read_environment();
            EvaluatingSettings::check(&self.origin);
            let name = instance.name();
            let make = || self.settings(&instance, &name, settings).local(self.name(&name));
            thread_cache::find_or_make(&self.origin, instance.id, &name, make)
        })
    }

    /// The function's name, with what tells the instance from others.
    fn name(&self, name: &InstanceName) -> String {
        let (enclosing, parameters) = name.names();
        let mut name = self.origin.name().to_owned();
        if !parameters.is_empty() {
            name = format!("{name}<{parameters}>");
        }
        if enclosing.is_empty() { name } else { format!("{name} in {enclosing}") }
    }

    /// Each of several instances has a folder of its own.
    fn settings<K: Keep>(
        &self,
        instance: &Instance<'_>,
        name: &InstanceName,
        settings: fn() -> Settings<K>,
    ) -> Settings<K> {
        let _making = EvaluatingSettings::begin(self.origin);
        let settings = settings();
        if name.is_generic() { settings.below(instance.folder(name)) } else { settings }
    }
}

thread_local! {
    static MAKING: RefCell<Vec<Origin>> = const { RefCell::new(Vec::new()) };
}

/// This thread evaluates the settings of a function, which must not call that function. (Not known of a thread that is
/// ending.)
struct EvaluatingSettings;

impl EvaluatingSettings {
    fn begin(origin: Origin) -> Self {
        let _ = MAKING.try_with(|making| making.borrow_mut().push(origin));
        Self
    }

    /// # Panics
    /// Where to go on would be to wait for oneself.
    fn check(origin: &Origin) {
        let within = MAKING.try_with(|making| making.borrow().contains(origin));
        assert!(
            !within.unwrap_or(false),
            "the settings of `{}` call the function that they are for",
            origin.name(),
        );
    }
}

impl Drop for EvaluatingSettings {
    fn drop(&mut self) {
        let _ = MAKING.try_with(|making| making.borrow_mut().pop());
    }
}

/// A cache, its kind known.
pub struct TypedCache<K: Keep>(&'static FunctionCache<K>);

impl<K: Keep<Held: Send + Sync>> TypedCache<K> {
    /// The answer to a call, or the turn to compute it.
    #[inline]
    pub fn lookup<A: Arguments>(self, arguments: &A) -> Lookup<K> {
        self.0.lookup(arguments)
    }

    /// The same, with a share of the hits computed again and compared.
    #[inline]
    pub fn lookup_or_verify<A: Arguments>(self, arguments: &A, share: f64) -> Lookup<K>
    where
        K::Value: Comparable,
    {
        self.0.lookup_or_verify(arguments, share)
    }

    /// The same for a call of an `async fn`.
    #[inline]
    pub fn begin<A: Arguments>(self, arguments: &A) -> AsyncLookup<K> {
        self.0.begin(arguments)
    }

    /// The same, with a share of the hits computed again and compared.
    #[inline]
    pub fn begin_or_verify<A: Arguments>(self, arguments: &A, share: f64) -> AsyncLookup<K>
    where
        K::Value: Comparable,
    {
        self.0.begin_or_verify(arguments, share)
    }

    /// The handle that the companion returns.
    #[must_use]
    pub fn handle(self) -> Memo<K::Return> {
        Memo::shared(self.0)
    }
}
