//! The instances of a function. There is one for each set of types and constants with which the function and the items
//! around it are used. If none of them is generic, there is one instance.

use std::any::{TypeId, type_name};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;

use crate::function::type_name::{shows_local_type, split_item_name};
use crate::platform::fnv::Fnv;

/// The function or companion that asks for a cache. It is identified by the type `C` of a closure inside it. In a
/// function that type depends on the generic parameters of everything around the closure, so that instances are never
/// confused.
///
/// The closure of a companion has another type. A companion finds the instance by the name of what encloses the
/// function, by the names of the function's own parameters, and by the types that function and companion can both name:
/// the [`Generics`].
///
/// If the function's own parameters share one cache, `C` is the type of the companion `NAME_memo` instead, as both can
/// name it. It has the parameters of everything around the function, and none of the function's own.
pub struct Caller<'a, C> {
    kind: CallerKind,
    generics: Option<&'a dyn Fn() -> Generics>,
    closure: PhantomData<fn() -> C>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CallerKind {
    Function,
    /// A function without companions.
    WithoutCompanions,
    Companion,
    /// A function whose own parameters share one cache, or a companion of it.
    Shared,
}

impl<C> fmt::Debug for Caller<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Caller").field(&self.kind).field(&type_name::<C>()).finish()
    }
}

impl<'a, C> Caller<'a, C> {
    #[inline]
    const fn new(kind: CallerKind) -> Self {
        Self { kind, generics: None, closure: PhantomData }
    }

    /// The function that contains the closure.
    #[inline]
    #[must_use]
    pub const fn function(_: &C) -> Self {
        Self::new(CallerKind::Function)
    }

    /// The function that contains the closure, if it has no companions.
    #[inline]
    #[must_use]
    pub const fn without_companions(_: &C) -> Self {
        Self::new(CallerKind::WithoutCompanions)
    }

    /// The companion that contains the closure.
    #[inline]
    #[must_use]
    pub const fn companion(_: &C) -> Self {
        Self::new(CallerKind::Companion)
    }

    /// A function whose own parameters share one cache, or a companion of it. It is told by the companion `NAME_memo`.
    #[inline]
    #[must_use]
    pub const fn shared(_: &C) -> Self {
        Self::new(CallerKind::Shared)
    }

    /// Adds the types that function and companions can both name.
    #[inline]
    #[must_use]
    pub fn with(self, generics: &'a dyn Fn() -> Generics) -> Self {
        Self { generics: Some(generics), ..self }
    }

    /// Returns the instance that is asked for. It is only made when the closure's type is not enough to find the cache.
    /// A hit does not need it.
    pub(crate) fn instance(self) -> Instance<'a> {
        Instance::new(self.kind, typeid::of::<C>(), type_name::<C>(), self.generics)
    }
}

/// An instance as a function or companion asked for it.
#[derive(Clone, Copy)]
pub(crate) struct Instance<'a> {
    /// The id of the caller's type. None for a companion that finds the instance by name.
    pub(crate) id: Option<TypeId>,
    /// The name of the caller's type.
    item: &'static str,
    generics: Option<&'a dyn Fn() -> Generics>,
    /// Whether the id names the directory: everyone who asks for the instance knows it.
    stored_by_id: bool,
}

impl<'a> Instance<'a> {
    /// Not generic, because each function and companion would have this code.
    fn new(
        kind: CallerKind,
        id: TypeId,
        item: &'static str,
        generics: Option<&'a dyn Fn() -> Generics>,
    ) -> Self {
        let id = (kind != CallerKind::Companion).then_some(id);
        let stored_by_id = matches!(kind, CallerKind::WithoutCompanions | CallerKind::Shared);
        Self { id, item, generics, stored_by_id }
    }

    /// Returns the name, which is the same in the function and in its companions.
    pub(crate) fn name(&self) -> InstanceName {
        let (enclosing, parameters) = split_item_name(self.item);
        InstanceName {
            enclosing,
            parameters,
            generics: self.generics.map_or_else(Generics::new, |generics| generics()),
        }
    }

    /// Returns whether the id of the caller's type names the directory.
    pub(crate) fn is_stored_by_id(&self) -> bool {
        self.stored_by_id
    }

    /// Returns an id that tells this instance from others of the same `name`. It depends on ids of types, which are the
    /// same in every run of one build.
    ///
    /// # Errors
    /// The reason why no id identifies the instance.
    pub(crate) fn stored_id(&self, name: &InstanceName) -> Result<u64, &'static str> {
        let (enclosing, parameters) = name.names();
        if [enclosing, parameters].iter().any(|name| name.contains("{{closure}}")) {
            return Err(
                "the type of a closure is identified by its position among the closures, which an edit changes: give \
                 the function a type with a name",
            );
        }
        // The function's own place is a part of its version.
        let types = &enclosing[enclosing.find('<').unwrap_or(enclosing.len())..];
        if [types, parameters].into_iter().any(shows_local_type) {
            return Err(
                "a type that is local to a function or a constant is identified by its position among those of its \
                 name, which an edit changes: move the type into a module",
            );
        }
        let mut hash = Fnv::new();
        name.names().hash(&mut hash);
        if self.stored_by_id {
            self.id.hash(&mut hash);
        } else if name.is_identified_by_types() {
            name.generics.hash(&mut hash);
        } else {
            return Err(
                "an instance of a generic impl is only stored if the function mentions `Self`: nothing else identifies \
                 its directory",
            );
        }
        Ok(hash.finish())
    }
}

/// The types that a function and its companions can both name: `Self`, and the function's own type parameters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Generics {
    self_type: Option<TypeId>,
    types: Vec<TypeId>,
}

impl Generics {
    /// Makes an empty list.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds `Self`.
    #[must_use]
    pub fn self_type<T: ?Sized>(self) -> Self {
        Self { self_type: Some(typeid::of::<T>()), ..self }
    }

    /// Adds a type parameter. Lifetimes in it are ignored.
    #[must_use]
    pub fn parameter<T: ?Sized>(mut self) -> Self {
        self.types.push(typeid::of::<T>());
        self
    }

    /// Adds the type of an argument. Used if that type has no name.
    #[must_use]
    pub fn argument<T: ?Sized>(self, _: &T) -> Self {
        self.parameter::<T>()
    }
}

/// What identifies an instance among those of its function, as far as function and companions both know it.
#[derive(Debug, Clone)]
pub(crate) struct InstanceName {
    /// The path of what encloses the function: `path::Type<u8>`.
    pub(crate) enclosing: &'static str,
    /// The function's own types and constants: `u8, 3`, or empty. Constants are identified only by it.
    pub(crate) parameters: &'static str,
    generics: Generics,
}

/// A path without generic parameters does not count. Another macro may copy the function to other paths.
impl PartialEq for InstanceName {
    fn eq(&self, other: &Self) -> bool {
        self.names() == other.names() && self.generics == other.generics
    }
}

impl Eq for InstanceName {}

impl InstanceName {
    /// Returns the names that distinguish the instance from others: of what encloses the function, and of the
    /// function's own parameters. Both are empty if there is only one instance.
    pub(crate) fn names(&self) -> (&'static str, &'static str) {
        (if self.is_enclosing_generic() { self.enclosing } else { "" }, self.parameters)
    }

    /// Returns whether the function has several instances.
    pub(crate) fn is_generic(&self) -> bool {
        self.names() != ("", "")
    }

    fn is_enclosing_generic(&self) -> bool {
        self.enclosing.contains('<')
    }

    /// Returns whether the [`Generics`] distinguish the instance from all others.
    fn is_identified_by_types(&self) -> bool {
        self.generics.self_type.is_some() || !self.is_enclosing_generic()
    }
}

impl fmt::Display for InstanceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.enclosing)?;
        if self.parameters.is_empty() { Ok(()) } else { write!(f, "::<{}>", self.parameters) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instance_name<T: Default>() -> String {
        let closure = || T::default();
        Caller::function(&closure).instance().name().to_string()
    }

    #[test]
    fn copies_of_a_function_are_one_instance_unless_it_is_generic() {
        fn dispatch() -> [InstanceName; 2] {
            fn of<C>(closure: &C) -> InstanceName {
                Caller::function(closure).instance().name()
            }
            fn copy() -> InstanceName {
                of(&|| ())
            }
            [of(&|| ()), copy()]
        }
        let [function, copy] = dispatch();
        assert_ne!(function.enclosing, copy.enclosing);
        assert_eq!(function, copy);
        let with = |parameters| InstanceName { parameters, ..copy.clone() };
        assert_ne!(with("u8"), with("u16"));
        let of = |enclosing| InstanceName { enclosing, ..copy.clone() };
        assert_ne!(of("a::Type<u8>"), of("a::Type<u16>"));
    }

    #[test]
    fn names_of_instances_contain_their_types() {
        let here = module_path!();
        assert_eq!(instance_name::<u8>(), format!("{here}::<u8>"));
        assert_eq!(
            instance_name::<Vec<String>>(),
            format!("{here}::<alloc::vec::Vec<alloc::string::String>>")
        );
    }
}
