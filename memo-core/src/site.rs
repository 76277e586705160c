//! A static in each annotated function, and in its companions, that finds the function's cache.

use std::cell::RefCell;
use std::hash::Hasher;
use std::panic::Location;

use once_cell::sync::OnceCell;

use crate::bypass;
use crate::core::Core;
use crate::erased::{Erased, Label};
use crate::fnv::Fnv;
use crate::instance::{Asking, Instance, Place};
use crate::instances::Instances;
use crate::keep::{Comparable, Keep};
use crate::key::Arguments;
use crate::local;
use crate::memo::Memo;
use crate::registry;
use crate::settings::Settings;
use crate::task::Asked;
use crate::turn::Answer;

/// Which function it is: what the function and its companions agree on and no other function shares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Origin {
    module: &'static str,
    name: &'static str,
    number: u64,
    place: (&'static str, u32, u32),
    code: u128,
}

impl Origin {
    /// The origin of a function of this full name, with a number drawn at expansion and the fingerprint of its code.
    #[must_use]
    #[track_caller]
    pub const fn new(module: &'static str, name: &'static str, number: u64, code: u128) -> Self {
        let place = Location::caller();
        Self { module, name, number, place: (place.file(), place.line(), place.column()), code }
    }

    /// The fingerprint of its code, and of the type or function in which it stands: what has one text may mean another
    /// thing in another.
    fn code_in(&self, around: &str) -> u128 {
        let within = around.strip_prefix(self.module).unwrap_or(around);
        if within.is_empty() {
            return self.code;
        }
        let mut hash = Fnv::new();
        hash.write(within.as_bytes());
        self.code ^ u128::from(hash.finish())
    }
}

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
    pub fn memo<C, K: Keep<Held: Send + Sync>>(
        &self,
        asking: Asking<'_, C>,
        settings: fn() -> Settings<K>,
    ) -> Memoized<K> {
        let label = Label::of::<C>();
        if let Some(first) = self.first.get() {
            if let Some(core) = first.get(label) {
                return Memoized(core);
            }
        }
        Memoized(self.other(label, &asking.instance(), settings))
    }

    // Built once a kind of result, and not for each closure that asks.
    #[inline(never)]
    fn other<K: Keep<Held: Send + Sync>>(
        &self,
        label: Label<Core<K>>,
        instance: &Instance<'_>,
        settings: fn() -> Settings<K>,
    ) -> &'static Core<K> {
        let known = self.others.get(label.id()).and_then(|cache| cache.get(label));
        known.unwrap_or_else(|| self.find(label, instance, settings))
    }

    #[cold]
    fn find<K: Keep<Held: Send + Sync>>(
        &self,
        label: Label<Core<K>>,
        instance: &Instance<'_>,
        settings: fn() -> Settings<K>,
    ) -> &'static Core<K> {
        bypass::read_environment();
        Making::check(&self.origin);
        let place = instance.place();
        let make = || {
            let settings = self.settings(instance, &place, settings);
            Core::new(self.name(&place), self.origin.code_in(place.around), settings)
        };
        let core = registry::find_or_make(&self.origin, instance.id, &place, make)
            .expect("one instance has one kind of cache");
        let cache = Erased::new(label, core);
        if !bypass::is_on()
            && core.recover()
            && instance.id.is_some()
            && self.first.set(cache).is_err()
        {
            self.others.add(cache);
        }
        core
    }

    /// The calling thread's own cache of the instance that is asked for.
    pub fn local<C, K: Keep>(
        &self,
        asking: Asking<'_, C>,
        settings: fn() -> Settings<K>,
    ) -> local::Local<K> {
        let instance = asking.instance();
        let found = instance.id.and_then(local::known);
        found.unwrap_or_else(|| {
            bypass::read_environment();
            Making::check(&self.origin);
            let place = instance.place();
            let make =
                || Core::local(self.name(&place), self.settings(&instance, &place, settings));
            local::find_or_make(&self.origin, instance.id, &place, make)
        })
    }

    /// The function's name, with what tells the instance from others.
    fn name(&self, place: &Place) -> String {
        let (around, parameters) = place.names();
        let mut name = self.origin.name.to_owned();
        if !parameters.is_empty() {
            name = format!("{name}<{parameters}>");
        }
        if around.is_empty() { name } else { format!("{name} in {around}") }
    }

    /// Each of several instances has a folder of its own.
    fn settings<K: Keep>(
        &self,
        instance: &Instance<'_>,
        place: &Place,
        settings: fn() -> Settings<K>,
    ) -> Settings<K> {
        let _making = Making::begin(self.origin);
        let settings = settings();
        if place.is_generic() { settings.below(instance.folder(place)) } else { settings }
    }
}

thread_local! {
    static MAKING: RefCell<Vec<Origin>> = const { RefCell::new(Vec::new()) };
}

/// This thread evaluates the settings of a function, which must not call that function. (Not known of a thread that is
/// ending.)
struct Making;

impl Making {
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
            origin.name,
        );
    }
}

impl Drop for Making {
    fn drop(&mut self) {
        let _ = MAKING.try_with(|making| making.borrow_mut().pop());
    }
}

/// A cache, its kind known.
pub struct Memoized<K: Keep>(&'static Core<K>);

impl<K: Keep<Held: Send + Sync>> Memoized<K> {
    /// The answer to a call, or the turn to compute it.
    #[inline]
    pub fn lookup<A: Arguments>(self, arguments: &A) -> Answer<K> {
        self.0.lookup(arguments)
    }

    /// The same, with a share of the hits computed again and compared.
    #[inline]
    pub fn lookup_or_verify<A: Arguments>(self, arguments: &A, share: f64) -> Answer<K>
    where
        K::Value: Comparable,
    {
        self.0.lookup_or_verify(arguments, share)
    }

    /// The same for a call of an `async fn`.
    #[inline]
    pub fn ask<A: Arguments>(self, arguments: &A) -> Asked<K> {
        self.0.ask(arguments)
    }

    /// The same, with a share of the hits computed again and compared.
    #[inline]
    pub fn ask_or_verify<A: Arguments>(self, arguments: &A, share: f64) -> Asked<K>
    where
        K::Value: Comparable,
    {
        self.0.ask_or_verify(arguments, share)
    }

    /// The handle that the companion returns.
    #[must_use]
    pub fn handle(self) -> Memo<K::Return> {
        Memo::shared(self.0)
    }
}
