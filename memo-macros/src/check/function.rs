//! Rules about the function alone, one function for each.

use proc_macro2::{Ident, Span};
use quote::ToTokens;
use syn::{ReceiverKind, ReturnType, Type, TypeParamBound};

use crate::errors::Errors;
use crate::parse::arguments::Args;
use crate::parse::function::Function;
use crate::syntax::type_parts::last_segment;
use crate::syntax::type_walk::{Found, walk};

/// Reports everything about the function that cannot be memoized.
pub(super) fn can_be_memoized(args: &Args, function: &Function, errors: &mut Errors) {
    receiver(args, function, errors);
    parameters(args, function, errors);
    output(function, errors);
    qualifiers(function, errors);
    callers(function, errors);
}

/// Whether a parameter of this name is left out of the key, so that the user has said that it does not count.
fn is_left_out(args: &Args, name: &Ident) -> bool {
    args.key.is_some() || args.skips(name)
}

fn receiver(args: &Args, function: &Function, errors: &mut Errors) {
    let Some(receiver) = function.receiver() else { return };
    if is_left_out(args, &Ident::new("self", Span::call_site())) {
        return;
    }
    let mutable = match &receiver.kind {
        ReceiverKind::Reference(_, _, mutable) => mutable.is_some(),
        ReceiverKind::Typed(_, ty) => mentions_mutable_reference(ty),
        _ => false,
    };
    if mutable {
        errors.at(
            receiver,
            "a hit would not repeat what the function does to `self`: take `&self`, memoize a function \
             that computes the new state from `&self`, or, if no result depends on it, leave it out of the key \
             with `skip(self)`",
        );
    }
}

fn mentions_mutable_reference(ty: &Type) -> bool {
    let mut mutable = false;
    walk(ty, &mut |found| {
        mutable |=
            matches!(found, Found::Reference(reference, _) if reference.mutability.is_some());
    });
    mutable
}

fn parameters(args: &Args, function: &Function, errors: &mut Errors) {
    for parameter in function.parameters.iter().filter(|p| !is_left_out(args, &p.name)) {
        walk(&parameter.typed.ty, &mut |found| {
            match found {
            Found::Reference(reference, true) if reference.mutability.is_some() => errors.at(
                reference,
                "a hit would not repeat what the function does through `&mut`: take `&` (with a lock or a cell \
                 inside), memoize a function that returns the change, or, if no result depends on it, leave the \
                 parameter out of the key with `skip(..)`",
            ),
            _ => {}
        }
        });
    }
}

fn output(function: &Function, errors: &mut Errors) {
    let ReturnType::Type(_, ty) = &function.signature.output else { return };
    if is_future(ty) {
        return errors.at(ty, future_as_a_result(ty));
    }
    if let Type::Never(never) = &**ty {
        errors.at(never, "a function that never returns has no result to cache: drop `#[memoize]`");
    }
    walk(ty, &mut |found| match found {
        Found::Reference(reference, true) if reference.lifetime.is_none() => errors.at(
            reference,
            "the cache outlives the arguments, so a result cannot borrow from them: \
             return an owned value (`String`, `Vec<T>`, `Arc<T>`) or `&'static`",
        ),
        Found::Lifetime(lifetime) => errors.at(
            lifetime,
            "the cache outlives the arguments, so a result cannot borrow from them: \
             return a type without a lifetime, or use `'static`",
        ),
        Found::Opaque(opaque) => errors.at(
            opaque,
            "a cached result needs a type with a name that is `Clone`: name it, or return \
             `Arc<dyn Trait + Send + Sync>` or, for an iterator, a `Vec`",
        ),
        Found::Reference(..) | Found::Path(_) => {}
    });
}

/// Whether a type is a future, in a box or not, as far as its spelling shows.
fn is_future(ty: &Type) -> bool {
    let bounds = match ty {
        Type::Group(group) => return is_future(&group.elem),
        Type::Paren(paren) => return is_future(&paren.elem),
        Type::Path(path) => {
            return last_segment(path).is_some_and(|(name, mut arguments)| match &*name {
                "BoxFuture" | "LocalBoxFuture" => true,
                "Pin" | "Box" => arguments.any(is_future),
                _ => false,
            });
        }
        Type::ImplTrait(opaque) => &opaque.bounds,
        Type::TraitObject(object) => &object.bounds,
        _ => return false,
    };
    bounds.iter().any(|bound| match bound {
        TypeParamBound::Trait(bound) => {
            bound.path.segments.last().is_some_and(|last| last.ident == "Future")
        }
        _ => false,
    })
}

fn future_as_a_result(ty: &Type) -> &'static str {
    let mut made_by_an_attribute = false;
    walk(ty, &mut |found| {
        if let Found::Lifetime(lifetime) = found {
            made_by_an_attribute |= lifetime.ident.to_string().starts_with("async_");
        }
    });
    if made_by_an_attribute {
        "another attribute has made this a function that returns a boxed future, which can be awaited \
         once: move the body to an `async fn` without that attribute, memoize that and call it here"
    } else {
        "a future can be awaited once, so there is nothing to cache: memoize an `async fn` that returns \
         what the future resolves to (if it is one, and another attribute has changed it: write `#[memoize]` \
         above that attribute, or move the body to a memoized `async fn` without it)"
    }
}

/// Functions that are called once, and those that a test runner calls.
fn callers(function: &Function, errors: &mut Errors) {
    let output = match &function.signature.output {
        ReturnType::Default => String::new(),
        ReturnType::Type(_, ty) => ty.to_token_stream().to_string().replace(' ', ""),
    };
    let termination =
        ["Result<()", "ExitCode", "implTermination"].iter().any(|ty| output.contains(ty));
    let by_name = function.name() == "main" && function.signature.inputs.is_empty();
    if by_name && (output.is_empty() || termination) {
        return errors.at(
            function.name(),
            "`main` runs once, so it gains nothing from a cache: memoize the functions that it calls",
        );
    }
    for attribute in &function.attributes {
        let Some(last) = attribute.path().segments.last() else { continue };
        let message = match &*last.ident.to_string() {
            "main" => {
                "the function that this attribute calls runs once: memoize the functions that it calls"
            }
            "test" | "bench" => {
                "a memoized test would pass once and not run again: memoize what it calls"
            }
            _ => continue,
        };
        errors.at(attribute.path(), message);
    }
}

fn qualifiers(function: &Function, errors: &mut Errors) {
    if let Some(constness) = &function.signature.constness {
        errors.at(
            constness,
            "a `const fn` cannot look into a cache: drop `const`, or call it from a memoized `fn`",
        );
    }
    if let Some(variadic) = &function.signature.variadic {
        errors.at(
            variadic,
            "variable arguments cannot make a key: call this from a memoized function \
             whose parameters are named",
        );
    }
}
