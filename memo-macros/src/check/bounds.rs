//! Rules about the bounds of type parameters.
//!
//! A trait that is not known here may imply any other. A parameter that has such a bound is left to rustc.

use syn::{Generics, Ident, ReturnType, Type, TypeParamBound, WherePredicate};

use crate::check::stores;
use crate::errors::Errors;
use crate::parse::arguments::Args;
use crate::parse::function::Function;
use crate::syntax::type_parts::{cached_part, parts};
use crate::syntax::type_walk::{Found, walk};

/// Traits that imply none of the bounds that are required, and no `'static`.
const KNOWN: [&str; 48] = [
    "Clone",
    "Copy",
    "Send",
    "Sync",
    "Sized",
    "Debug",
    "Display",
    "Default",
    "PartialEq",
    "Eq",
    "PartialOrd",
    "Ord",
    "Hash",
    "Serialize",
    "DeserializeOwned",
    "Deserialize",
    "Unpin",
    "AsRef",
    "AsMut",
    "Borrow",
    "Deref",
    "Into",
    "From",
    "TryInto",
    "TryFrom",
    "ToString",
    "FromStr",
    "ToOwned",
    "Fn",
    "FnMut",
    "FnOnce",
    "Iterator",
    "IntoIterator",
    "DoubleEndedIterator",
    "ExactSizeIterator",
    "FromIterator",
    "Extend",
    "Add",
    "Sub",
    "Mul",
    "Div",
    "Rem",
    "Neg",
    "Sum",
    "Product",
    "Index",
    "Read",
    "Write",
];

/// A cached result outlives the call, goes to other threads, and is read from where it is stored.
pub(super) fn results_can_be_cached(args: &Args, function: &Function, errors: &mut Errors) {
    let ReturnType::Type(_, output) = &function.signature.output else { return };
    let generics = &function.signature.generics;
    for param in generics.type_params() {
        let name = &param.ident;
        let Some(bounds) = Bounds::known(generics, name) else { continue };
        let missing = missing_bounds(args, output, name, &bounds);
        if missing.is_empty() {
            continue;
        }
        let read = if missing.contains(&"DeserializeOwned") {
            format!(" and is read from {}", stores::source(args))
        } else {
            String::new()
        };
        let missing = missing.join(" + ");
        errors.at(
            name,
            format!(
                "the cached value outlives the arguments{read}, and the result holds a `{name}`: \
                 add the bound `{name}: {missing}`"
            ),
        );
    }
}

/// The bounds that a type parameter of the result lacks.
fn missing_bounds(args: &Args, output: &Type, name: &Ident, bounds: &Bounds) -> Vec<&'static str> {
    let mut missing = Vec::new();
    if holds(cached_part(output, args.cache_err.is_some()), name) {
        let lacks = |all: &[&'static str]| {
            all.iter().copied().filter(|one| !bounds.name(one)).collect::<Vec<_>>()
        };
        if !bounds.name("Copy") {
            missing.extend(lacks(&["Clone"]));
        }
        if !args.is_per_thread() {
            missing.extend(lacks(&["Send", "Sync"]));
        }
        if args.is_stored() && args.codec.is_none() && !bounds.name("Deserialize") {
            missing.extend(lacks(&["Serialize", "DeserializeOwned"]));
        }
    }
    if is_part(output, name) && !bounds.lifetime {
        missing.push("'static");
    }
    missing
}

pub(super) fn arguments_make_a_key(args: &Args, function: &Function, errors: &mut Errors) {
    if args.is_written("key") {
        return;
    }
    for parameter in function.parameters.iter().filter(|parameter| !args.skips(&parameter.name)) {
        let mut found = None;
        parts(&parameter.typed.ty, &mut |part| {
            found = found.take().or_else(|| not_serialize(part, &function.signature.generics));
        });
        if let Some((part, fix)) = found {
            let name = &parameter.name;
            errors.at(
                &parameter.typed.pat,
                format!(
                    "this argument is a part of the key, and {part} need not be `Serialize`: {fix}, \
                     leave it out with `skip({name})`, or say what makes the key with `key = ...`"
                ),
            );
        }
    }
}

/// If a part of an argument may not be serializable: a description of the part, and what to add.
fn not_serialize(part: &Type, generics: &Generics) -> Option<(String, String)> {
    if let Type::ImplTrait(opaque) = part {
        let bounds = Bounds::of(opaque.bounds.iter())?;
        return (!bounds.name("Serialize"))
            .then(|| ("an `impl Trait`".to_owned(), "add `+ serde::Serialize`".to_owned()));
    }
    let name =
        generics.type_params().map(|param| &param.ident).find(|name| is_named(part, name))?;
    let bounds = Bounds::known(generics, name)?;
    (!bounds.name("Serialize"))
        .then(|| (format!("a `{name}`"), format!("add the bound `{name}: serde::Serialize`")))
}

/// The bounds of a type parameter.
struct Bounds {
    names: Vec<String>,
    /// Whether one of them is a lifetime.
    lifetime: bool,
}

impl Bounds {
    /// The bounds of a parameter, if they are known traits and so imply no others.
    fn known(generics: &Generics, name: &Ident) -> Option<Self> {
        let own = generics.type_params().filter(|param| param.ident == *name);
        let own = own.flat_map(|param| &param.bounds);
        let mut all: Vec<&TypeParamBound> = own.collect();
        let filters = generics.where_clause.iter().flat_map(|filter| &filter.predicates);
        for predicate in filters {
            match predicate {
                WherePredicate::Type(filter) if is_named(&filter.bounded_ty, name) => {
                    all.extend(&filter.bounds);
                }
                WherePredicate::Type(filter) if is_part(&filter.bounded_ty, name) => return None,
                _ => {}
            }
        }
        Self::of(all.into_iter())
    }

    fn of<'a>(bounds: impl Iterator<Item = &'a TypeParamBound>) -> Option<Self> {
        let mut all = Self { names: Vec::new(), lifetime: false };
        for bound in bounds {
            match bound {
                TypeParamBound::Trait(bound) => {
                    let name = bound.path.segments.last()?.ident.to_string();
                    if !KNOWN.contains(&&*name) {
                        return None;
                    }
                    all.names.push(name);
                }
                TypeParamBound::Lifetime(_) => all.lifetime = true,
                _ => return None,
            }
        }
        Some(all)
    }

    fn name(&self, name: &str) -> bool {
        self.names.iter().any(|known| known == name)
    }
}

/// Whether a value of the type certainly holds a value of the type parameter.
fn holds(ty: &Type, name: &Ident) -> bool {
    let mut holds = false;
    parts(ty, &mut |part| holds |= is_named(part, name));
    holds
}

/// Whether the type parameter occurs in a type. Its associated types do not count.
fn is_part(ty: &Type, name: &Ident) -> bool {
    let mut part = false;
    walk(ty, &mut |found| {
        part |= matches!(found, Found::Path(path) if path.is_ident(name));
    });
    part
}

fn is_named(ty: &Type, name: &Ident) -> bool {
    matches!(ty, Type::Path(path) if path.qself.is_none() && path.path.is_ident(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing;

    fn check(args: &Args, function: &Function, errors: &mut Errors) {
        results_can_be_cached(args, function, errors);
        arguments_make_a_key(args, function, errors);
    }

    fn messages(args: &str, function: &str) -> Vec<String> {
        testing::messages(check, args, function)
    }

    #[track_caller]
    fn refused(args: &str, function: &str, message: &str) {
        testing::refused(&messages(args, function), message);
    }

    #[test]
    fn bounds_that_are_written_or_may_be_implied_are_accepted() {
        for (args, function) in [
            ("", "fn f<T: Serialize + Copy + Send + Sync + 'static>(a: T) -> Vec<T> {}"),
            ("", "fn f<T: Mine>(a: &[T]) -> T {}"),
            ("", "fn f<T>(a: Mine<T>) -> u32 {}"),
            ("", "fn f<T: 'static>(a: u8) -> Arc<T> {}"),
            ("", "fn f<T: Clone + Send + Sync + 'static, E: 'static>() -> Result<T, E> {}"),
            ("", "fn f<T>(a: u8) -> <T as Of>::Item where T: Clone {}"),
            ("skip(a)", "fn f<T>(a: &T) -> u32 {}"),
            ("key = a.len()", "fn f<T>(a: &[T], b: impl Fn()) -> usize {}"),
            ("scope = \"thread\"", "fn f<T: Clone + 'static>() -> T {}"),
            ("", "fn f<T>(a: T) -> u32 where T: Serialize {}"),
            ("", "fn f<T>(a: Vec<T>) -> u32 where Vec<T>: Serialize {}"),
            ("remote = t(), codec = C", "fn f<T: Clone + Send + Sync + 'static>() -> T {}"),
        ] {
            assert_eq!(messages(args, function), [""; 0], "{args} {function}");
        }
    }

    #[test]
    fn missing_bounds_are_named() {
        refused("", "fn f<T: Send>() -> (u8, T) {}", "`T: Clone + Sync + 'static`");
        refused("", "fn f<T>() -> Result<Arc<T>, u8> {}", "`T: 'static`");
        refused("cache_err", "fn f<E: 'static>() -> Result<u8, E> {}", "`E: Clone + Send + Sync`");
        refused(
            "persist = \"x\"",
            "fn f<T: Clone + Send + Sync + 'static>() -> Option<T> {}",
            "read from disk, and the result holds a `T`: add the bound `T: Serialize + DeserializeOwned`",
        );
        refused(
            "remote = redis()",
            "fn f<T: Clone + Send + Sync + 'static>() -> Option<T> {}",
            "read from the tier, and the result holds a `T`: add the bound `T: Serialize + DeserializeOwned`",
        );
        refused("", "fn f<T: Debug>(a: &[T]) -> u32 {}", "`T: serde::Serialize`");
        refused("", "fn f(a: Option<impl Fn()>) -> u32 {}", "add `+ serde::Serialize`");
    }
}
