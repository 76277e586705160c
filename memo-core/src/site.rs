//! A static in each annotated function, and in its companions, that finds the function's cache.

use std::any::{TypeId, type_name};
use std::cell::RefCell;
use std::hash::{Hash, Hasher};
use std::panic::Location;

use once_cell::sync::OnceCell;
use serde::Serialize;

use crate::core::Core;
use crate::erased::Erased;
use crate::fnv::Fnv;
use crate::keep::Keep;
use crate::key::Arguments;
use crate::memo::Memo;
use crate::registry;
use crate::settings::Settings;
use crate::task::Asked;
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

/// Which of a function's instances: one for each set of types that the impl or trait around it is for, one if that is
/// not generic.
///
/// The type of a closure in the function has the parameters of all that surrounds it, so that instances are never
/// confused. A companion's closure is another type; it finds the instance by the closure's name up to the function, and
/// by `Self` where the function shows it.
#[derive(Debug, Clone, Copy)]
pub struct Instance {
    /// None for a companion.
    pub(crate) id: Option<TypeId>,
    pub(crate) this: Option<TypeId>,
    closure: &'static str,
    /// There are no companions.
    alone: bool,
}

impl Instance {
    /// The instance of the function in which `closure` was written.
    #[inline]
    #[must_use]
    pub fn within<C>(_: &C) -> Self {
        let id = Some(typeid::of::<C>());
        Self { id, this: None, closure: type_name::<C>(), alone: false }
    }

    /// The same, of a function without companions.
    #[inline]
    #[must_use]
    pub fn alone<C>(closure: &C) -> Self {
        Self { alone: true, ..Self::within(closure) }
    }

    /// The instance of the function in whose companion `closure` was written.
    #[must_use]
    pub fn beside<C>(_: &C) -> Self {
        Self { id: None, this: None, closure: type_name::<C>(), alone: false }
    }

    /// The same, in an impl for `T`.
    #[inline]
    #[must_use]
    pub fn of<T: ?Sized>(self) -> Self {
        Self { this: Some(typeid::of::<T>()), ..self }
    }

    /// The names of what surrounds the function.
    pub(crate) fn around(&self) -> &'static str {
        around(self.closure)
    }

    /// What tells this instance of a generic impl from others, by name; `None` where there is but one.
    fn label(&self) -> Option<&'static str> {
        Some(self.around()).filter(|around| around.contains('<'))
    }

    /// The same for a folder's name. Two types may share a name, so it takes a type's id, which is the same in every
    /// run of one build; `None` where function and companions share none.
    fn folder(&self, label: &str) -> Option<u64> {
        let id = self.this.or(self.id.filter(|_| self.alone))?;
        let mut hash = Fnv::new();
        (label, id).hash(&mut hash);
        Some(hash.finish())
    }
}

/// `path::Type<u8>` of `path::Type<u8>::function::{{closure}}`.
/// An asynchronous function asks from a closure in a closure.
fn around(closure: &'static str) -> &'static str {
    let function = closure.trim_end_matches("::{{closure}}");
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
        Making::check(&self.origin);
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
        let _making = Making::begin(self.origin);
        let settings = (self.settings)();
        match instance.label() {
            None => settings,
            Some(label) => settings.below(instance.folder(label)),
        }
    }
}

thread_local! {
    static MAKING: RefCell<Vec<Origin>> = const { RefCell::new(Vec::new()) };
}

/// This thread evaluates the settings of a function, which must not call that function.
struct Making;

impl Making {
    fn begin(origin: Origin) -> Self {
        MAKING.with_borrow_mut(|making| making.push(origin));
        Self
    }

    /// # Panics
    /// Where to go on would be to wait for oneself.
    fn check(origin: &Origin) {
        let within = MAKING.with_borrow(|making| making.contains(origin));
        assert!(!within, "the settings of `{}` call the function that they are for", origin.name);
    }
}

impl Drop for Making {
    fn drop(&mut self) {
        MAKING.with_borrow_mut(Vec::pop);
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

    /// The same for a call of an `async fn`.
    #[inline]
    pub fn ask<A: Arguments>(self, arguments: &A) -> Asked<K> {
        self.0.ask(arguments)
    }

    /// The same, with a share of the hits computed again and compared.
    #[inline]
    pub fn ask_or_verify<A: Arguments>(self, arguments: &A, share: f64) -> Asked<K>
    where
        K::Value: Serialize,
    {
        self.0.ask_or_verify(arguments, share)
    }

    /// The handle that the companion returns.
    #[must_use]
    pub fn handle(self) -> Memo<K::Return> {
        Memo::new(self.0)
    }
}
