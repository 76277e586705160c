//! A static in each annotated function, and in its companions, that finds the function's cache.

use std::any::{TypeId, type_name};
use std::panic::Location;

use once_cell::sync::OnceCell;
use serde::Serialize;

use crate::core::Core;
use crate::erased::Erased;
use crate::keep::Keep;
use crate::key::Arguments;
use crate::memo::Memo;
use crate::registry;
use crate::settings::Settings;
use crate::turn::Answer;

/// Which function it is: what the function and its companions agree on and no other function shares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Origin {
    name: &'static str,
    number: u64,
    place: (&'static str, u32, u32),
    pub(crate) code: u128,
}

impl Origin {
    /// The origin of a function of this full name, with a number drawn at expansion and the fingerprint of its code.
    #[must_use]
    #[track_caller]
    pub const fn new(name: &'static str, number: u64, code: u128) -> Self {
        let place = Location::caller();
        Self { name, number, place: (place.file(), place.line(), place.column()), code }
    }
}

/// Which of a function's instances: one for each type that the impl around it is for, one if that is not generic.
#[derive(Debug, Clone, Copy)]
pub struct Instance {
    /// None for a companion that cannot see the type.
    pub(crate) id: Option<TypeId>,
    name: Name,
}

/// A type's name that tells what surrounds the function, generic arguments included.
#[derive(Debug, Clone, Copy)]
enum Name {
    Type(&'static str),
    /// Of a closure in the function.
    Closure(&'static str),
}

impl Instance {
    /// The instance of an impl for `T`, as function and companions both see it.
    #[inline]
    #[must_use]
    pub fn of<T: ?Sized>() -> Self {
        Self { id: Some(typeid::of::<T>()), name: Name::Type(type_name::<T>()) }
    }

    /// The instance in which `closure` was written: its type has the parameters of all that surrounds it.
    #[inline]
    #[must_use]
    pub fn within<C>(_: &C) -> Self {
        Self { id: Some(typeid::of::<C>()), name: Name::Closure(type_name::<C>()) }
    }

    /// The instance beside which a companion with `closure` was written: told by name, since a companion's closure has
    /// a type of its own.
    #[must_use]
    pub fn beside<C>(_: &C) -> Self {
        Self { id: None, name: Name::Closure(type_name::<C>()) }
    }

    /// The names of what surrounds the function.
    pub(crate) fn around(&self) -> &'static str {
        match self.name {
            Name::Type(name) => name,
            Name::Closure(name) => around(name),
        }
    }

    /// What tells this instance of a generic impl from others, by name; `None` where there is but one.
    fn label(&self) -> Option<&'static str> {
        Some(self.around()).filter(|around| around.contains('<'))
    }
}

/// `path::Type<u8>` of `path::Type<u8>::function::{{closure}}`.
fn around(closure: &'static str) -> &'static str {
    let function = closure.rsplit_once("::").map_or(closure, |(function, _)| function);
    function.rsplit_once("::").map_or(function, |(around, _)| around)
}

/// The way to one function's cache.
pub struct Site {
    origin: Origin,
    settings: fn() -> Settings,
    /// The first instance with an id that was asked for, often the only one.
    first: OnceCell<(TypeId, Erased)>,
}

impl Site {
    /// A site whose cache is made at first use.
    #[must_use]
    pub const fn new(origin: Origin, settings: fn() -> Settings) -> Self {
        Self { origin, settings, first: OnceCell::new() }
    }

    /// The cache of `instance`, of the kind that the choice says.
    ///
    /// # Panics
    /// If another choice was made for the same instance, which no expansion does.
    #[inline]
    pub fn memo<K: Keep>(&self, instance: Instance, _: K) -> Memoized<K> {
        let cache = match self.first.get() {
            Some((id, cache)) if Some(*id) == instance.id => *cache,
            _ => self.find::<K>(instance),
        };
        Memoized(cache.get().expect("one instance has one kind of cache"))
    }

    #[cold]
    fn find<K: Keep>(&self, instance: Instance) -> Erased {
        let make =
            || Core::<K>::new(self.name(&instance), self.origin.code, self.settings(&instance));
        let cache = registry::find_or_make(&self.origin, instance, make);
        let core: &Core<K> = cache.get().expect("one instance has one kind of cache");
        if let (true, Some(id)) = (core.recover(), instance.id) {
            // Another instance may have been first.
            let _ = self.first.set((id, cache));
        }
        cache
    }

    fn name(&self, instance: &Instance) -> String {
        match instance.label() {
            None => self.origin.name.to_owned(),
            Some(label) => format!("{} in {label}", self.origin.name),
        }
    }

    /// Each instance of a generic impl has a folder of its own.
    fn settings(&self, instance: &Instance) -> Settings {
        let settings = (self.settings)();
        match instance.label() {
            None => settings,
            Some(label) => settings.below(label),
        }
    }
}

/// A cache, its kind known.
pub struct Memoized<K: Keep>(&'static Core<K>);

impl<K: Keep> Memoized<K> {
    /// The answer to a call, or the turn to compute it.
    #[inline]
    pub fn lookup<A: Arguments>(self, arguments: &A) -> Answer<K> {
        self.0.lookup(arguments)
    }

    /// The same, with a share of the hits computed again and compared.
    #[inline]
    pub fn lookup_or_verify<A: Arguments>(self, arguments: &A, share: f64) -> Answer<K>
    where
        K::Value: Serialize,
    {
        self.0.lookup_or_verify(arguments, share)
    }

    /// The handle that the companion returns.
    #[must_use]
    pub fn handle(self) -> Memo<K::Return> {
        Memo::new(self.0)
    }
}
