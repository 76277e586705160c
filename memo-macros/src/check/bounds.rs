//! What type parameters have to be, where their bounds say all that there is to know of them.
//!
//! A bound by a trait that is not known here may imply anything: then rustc judges.

use syn::{Generics, Ident, ReturnType, Type, TypeParamBound, WherePredicate};

use crate::errors::Errors;
use crate::parse::arguments::Args;
use crate::parse::function::{Function, Parameter};
use crate::syntax::type_walk::{Found, kept_part, parts, walk};

/// Traits that imply none that we ask for, and nothing of how long a type lives.
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

/// Reports every parameter that falls short.
pub(crate) fn check(args: &Args, function: &Function, errors: &mut Errors) {
    results_are_kept(args, function, errors);
    arguments_make_a_key(args, function, errors);
}

/// A result outlives the call, goes to other threads, and comes back from disk.
fn results_are_kept(args: &Args, function: &Function, errors: &mut Errors) {
    let ReturnType::Type(_, output) = &function.signature.output else { return };
    let generics = &function.signature.generics;
    for param in generics.type_params() {
        let name = &param.ident;
        let Some(bounds) = Bounds::known(generics, name) else { continue };
        let mut missing = Vec::new();
        if holds(kept_part(output, args.cache_err.is_some()), name) {
            let lacks = |all: &[&'static str]| {
                all.iter().copied().filter(|one| !bounds.name(one)).collect::<Vec<_>>()
            };
            if !bounds.name("Copy") {
                missing.extend(lacks(&["Clone"]));
            }
            if !args.is_local() {
                missing.extend(lacks(&["Send", "Sync"]));
            }
            if args.wrote("persist") && args.codec.is_none() && !bounds.name("Deserialize") {
                missing.extend(lacks(&["Serialize", "DeserializeOwned"]));
            }
        }
        if is_part(output, name) && !bounds.lifetime {
            missing.push("'static");
        }
        if !missing.is_empty() {
            let disk =
                if missing.contains(&"DeserializeOwned") { " and is read from disk" } else { "" };
            let missing = missing.join(" + ");
            errors.at(
                name,
                format!(
                    "what is kept outlives the arguments{disk}, and the result holds a `{name}`: \
                     add the bound `{name}: {missing}`"
                ),
            );
        }
    }
}

fn arguments_make_a_key(args: &Args, function: &Function, errors: &mut Errors) {
    let skipped = |parameter: &&Parameter| {
        args.skip.as_ref().is_some_and(|skip| skip.value.contains(&parameter.name))
    };
    if args.wrote("key") {
        return;
    }
    for parameter in function.parameters.iter().filter(|parameter| !skipped(parameter)) {
        let mut guilty = None;
        parts(&parameter.typed.ty, &mut |part| {
            guilty = guilty.take().or_else(|| not_serialize(part, &function.signature.generics));
        });
        if let Some((what, mend)) = guilty {
            let name = &parameter.name;
            errors.at(
                &parameter.typed.pat,
                format!(
                    "this argument is a part of the key, and {what} need not be `Serialize`: {mend}, \
                     leave it out with `skip({name})`, or say what makes the key with `key = ...`"
                ),
            );
        }
    }
}

/// What a part of an argument is that cannot be serialized, and what to add.
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

/// All that is said of a parameter.
struct Bounds {
    names: Vec<String>,
    /// Is it said how long it lives?
    lifetime: bool,
}

impl Bounds {
    /// Those of a parameter, if nothing else follows from them.
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

/// Whether a value of the type surely holds one of the parameter.
fn holds(ty: &Type, name: &Ident) -> bool {
    let mut holds = false;
    parts(ty, &mut |part| holds |= is_named(part, name));
    holds
}

/// Whether a type parameter, and not what belongs to it, is a part of a type.
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
    use crate::errors;

    fn messages(args: &str, function: &str) -> Vec<String> {
        errors::testing::messages(check, args, function)
    }

    #[track_caller]
    fn refused(args: &str, function: &str, message: &str) {
        errors::testing::refused(&messages(args, function), message);
    }

    #[test]
    fn what_is_said_or_may_follow_is_left_alone() {
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
        ] {
            assert_eq!(messages(args, function), [""; 0], "{args} {function}");
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        refused("", "fn f<T: Send>() -> (u8, T) {}", "`T: Clone + Sync + 'static`");
        refused("", "fn f<T>() -> Result<Arc<T>, u8> {}", "`T: 'static`");
        refused("cache_err", "fn f<E: 'static>() -> Result<u8, E> {}", "`E: Clone + Send + Sync`");
        refused(
            "persist = \"x\"",
            "fn f<T: Clone + Send + Sync + 'static>() -> Option<T> {}",
            "read from disk, and the result holds a `T`: add the bound `T: Serialize + DeserializeOwned`",
        );
        refused("", "fn f<T: Debug>(a: &[T]) -> u32 {}", "`T: serde::Serialize`");
        refused("", "fn f(a: Option<impl Fn()>) -> u32 {}", "add `+ serde::Serialize`");
    }
}
