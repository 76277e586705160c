//! Which of a function's instances: one for each set of types and constants that the function itself and what surrounds
//! it are for; one, where neither is generic.

use std::any::{TypeId, type_name};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;

use crate::platform::fnv::Fnv;

/// Who asks for a cache: a closure in the function, whose type has the parameters of all that surrounds it, so that
/// instances are never confused.
///
/// A companion's closure is another type. It finds the instance by what surrounds the function, by name, and by those
/// types that function and companion can both name: its [`Generics`].
pub struct Caller<'a, C> {
    by: CallerKind,
    generics: Option<&'a dyn Fn() -> Generics>,
    closure: PhantomData<fn() -> C>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CallerKind {
    Function,
    /// There are no companions.
    Alone,
    Companion,
}

impl<C> fmt::Debug for Caller<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Asking").field(&self.by).field(&type_name::<C>()).finish()
    }
}

impl<'a, C> Caller<'a, C> {
    #[inline]
    const fn by(by: CallerKind) -> Self {
        Self { by, generics: None, closure: PhantomData }
    }

    /// The function in which the closure was written.
    #[inline]
    #[must_use]
    pub const fn function(_: &C) -> Self {
        Self::by(CallerKind::Function)
    }

    /// The same, of a function without companions.
    #[inline]
    #[must_use]
    pub const fn without_companions(_: &C) -> Self {
        Self::by(CallerKind::Alone)
    }

    /// The companion in which it was written.
    #[inline]
    #[must_use]
    pub const fn companion(_: &C) -> Self {
        Self::by(CallerKind::Companion)
    }

    /// The same, of these types.
    #[inline]
    #[must_use]
    pub fn with(self, generics: &'a dyn Fn() -> Generics) -> Self {
        Self { generics: Some(generics), ..self }
    }

    /// The instance that is asked for, where more is wanted than the closure's type: made in memory, which a hit does
    /// without.
    pub(crate) fn instance(self) -> Instance<'a> {
        let id = (self.by != CallerKind::Companion).then(typeid::of::<C>);
        let alone = self.by == CallerKind::Alone;
        Instance { id, closure: type_name::<C>(), generics: self.generics, alone }
    }
}

/// An instance as it was asked for.
#[derive(Clone, Copy)]
pub(crate) struct Instance<'a> {
    /// None for a companion.
    pub(crate) id: Option<TypeId>,
    closure: &'static str,
    generics: Option<&'a dyn Fn() -> Generics>,
    /// There are no companions.
    alone: bool,
}

impl Instance<'_> {
    /// What function and companions agree on.
    pub(crate) fn name(&self) -> InstanceName {
        let (enclosing, parameters) = split(self.closure);
        InstanceName {
            enclosing,
            parameters,
            generics: self.generics.map_or_else(Generics::new, |generics| generics()),
        }
    }

    /// For the name of a folder: two instances may share all their names, so it takes the ids of types, which are the
    /// same in every run of one build.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) fn folder(&self, name: &InstanceName) -> Result<u64, &'static str> {
        let (enclosing, parameters) = name.names();
        if [enclosing, parameters].iter().any(|name| name.contains("{{closure}}")) {
            return Err(
                "a closure is told from others by where it stands among them, which an edit changes: give \
                        the function a type with a name",
            );
        }
        let mut hash = Fnv::new();
        name.names().hash(&mut hash);
        if self.alone {
            self.id.hash(&mut hash);
        } else if name.is_told_by_types() {
            name.generics.hash(&mut hash);
        } else {
            return Err(
                "an instance of a generic impl is stored where the function mentions `Self`: nothing else \
                        tells its folder from another instance's",
            );
        }
        Ok(hash.finish())
    }
}

/// Types that function and companion both name: `Self`, and the function's own parameters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Generics {
    self_type: Option<TypeId>,
    types: Vec<TypeId>,
}

impl Generics {
    /// None as yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// `Self` too.
    #[must_use]
    pub fn self_type<T: ?Sized>(self) -> Self {
        Self { self_type: Some(typeid::of::<T>()), ..self }
    }

    /// A parameter too. Lifetimes in it do not count.
    #[must_use]
    pub fn parameter<T: ?Sized>(mut self) -> Self {
        self.types.push(typeid::of::<T>());
        self
    }

    /// The type of an argument too, where it has no name.
    #[must_use]
    pub fn argument<T: ?Sized>(self, _: &T) -> Self {
        self.parameter::<T>()
    }
}

/// Where an instance stands among those of its function, as far as function and companions both know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InstanceName {
    /// What surrounds the function: `path::Type<u8>`.
    pub(crate) enclosing: &'static str,
    /// The function's own types and constants: `u8, 3`, or nothing. Constants are told by it.
    parameters: &'static str,
    generics: Generics,
}

impl InstanceName {
    /// What tells it from other instances, by name; nothing where there is but one.
    pub(crate) fn names(&self) -> (&'static str, &'static str) {
        (if self.is_enclosing_generic() { self.enclosing } else { "" }, self.parameters)
    }

    /// Is it one of several?
    pub(crate) fn is_generic(&self) -> bool {
        self.names() != ("", "")
    }

    fn is_enclosing_generic(&self) -> bool {
        self.enclosing.contains('<')
    }

    /// Do its types tell it from all others?
    fn is_told_by_types(&self) -> bool {
        self.generics.self_type.is_some() || !self.is_enclosing_generic()
    }
}

impl fmt::Display for InstanceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.enclosing)?;
        if self.parameters.is_empty() { Ok(()) } else { write!(f, "::<{}>", self.parameters) }
    }
}

/// `path::Type<u8>` and `u16` of `path::Type<u8>::function<'_, u16>::{{closure}}`.
fn split(closure: &'static str) -> (&'static str, &'static str) {
    let (mut enclosing, mut name) = split_last(closure);
    while name == "{{closure}}" {
        (enclosing, name) = split_last(enclosing);
    }
    let list = name.split_once('<').map_or("", |(_, list)| list);
    let mut list = list.strip_suffix('>').unwrap_or(list);
    // Lifetimes tell nothing, and not all of a function's are companions'.
    while let Some(rest) = list.strip_prefix("'_") {
        list = rest.strip_prefix(", ").unwrap_or(rest);
    }
    (enclosing, list)
}

/// A path without its last segment, and that.
fn split_last(path: &str) -> (&str, &str) {
    let bytes = path.as_bytes();
    let (mut depth, mut cut) = (0usize, None);
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'<' => depth += 1,
            b'>' if at == 0 || bytes[at - 1] != b'-' => depth = depth.saturating_sub(1),
            b':' if depth == 0 && bytes.get(at + 1) == Some(&b':') => {
                cut = Some(at);
                at += 1;
            }
            b'\'' => at += quoted(&path[at..]),
            _ => {}
        }
        at += 1;
    }
    cut.map_or(("", path), |cut| (&path[..cut], &path[cut + 2..]))
}

/// How many bytes the character after this quote and its closing quote take, such as `<'`; none of a lifetime.
fn quoted(text: &str) -> usize {
    let mut chars = text.char_indices().skip(1);
    let escaped = chars.next().is_some_and(|(_, first)| first == '\\');
    let close = if escaped {
        // Not the quote in `'\''`.
        chars.skip(1).find(|&(_, char)| char == '\'')
    } else {
        chars.next().filter(|&(_, char)| char == '\'')
    };
    close.map_or(0, |(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_comes_apart_between_its_segments() {
        for (closure, enclosing, parameters) in [
            ("it::f::{{closure}}", "it", ""),
            ("it::f<a::String, 3, '<'>::{{closure}}", "it", "a::String, 3, '<'"),
            ("it::f<'_, '_>::{{closure}}", "it", ""),
            ("it::f<'_, &u8>::{{closure}}", "it", "&u8"),
            ("it::f<fn(u8) -> u8, '\\''>::{{closure}}", "it", "fn(u8) -> u8, '\\''"),
            ("it::f<for<'a> fn(&'a u8)>::{{closure}}", "it", "for<'a> fn(&'a u8)"),
            (
                "<it::S<u16> as it::T<u8>>::d<&str>::{{closure}}",
                "<it::S<u16> as it::T<u8>>",
                "&str",
            ),
            ("it::S<u8>::m<it::f::{{closure}}>::{{closure}}", "it::S<u8>", "it::f::{{closure}}"),
            ("it::f::{{closure}}::g::{{closure}}", "it::f::{{closure}}", ""),
            ("it::f<u8>::{{closure}}::{{closure}}", "it", "u8"),
        ] {
            assert_eq!(split(closure), (enclosing, parameters), "{closure}");
        }
    }

    fn id<T: Default>() -> String {
        let closure = || T::default();
        Caller::function(&closure).instance().name().to_string()
    }

    #[test]
    fn names_of_instances_have_their_types() {
        let here = module_path!();
        assert_eq!(id::<u8>(), format!("{here}::<u8>"));
        assert_eq!(
            id::<Vec<String>>(),
            format!("{here}::<alloc::vec::Vec<alloc::string::String>>")
        );
    }
}
