//! Rules about arguments that do not fit the signature of the function.

use proc_macro2::Ident;
use quote::ToTokens;
use syn::{Receiver, ReceiverKind, ReturnType, Type};

use crate::errors::Errors;
use crate::parse::arguments::Args;
use crate::parse::function::Function;
use crate::parse::parameter::Binding;
use crate::parse::suggestion;
use crate::syntax::tokens::{mentions, mentions_identifier};
use crate::syntax::type_walk::{Found, walk};

pub(super) fn skip_names_parameters(args: &Args, function: &Function, errors: &mut Errors) {
    let Some(skip) = &args.skip else { return };
    let named =
        function.parameters.iter().filter(|parameter| parameter.binding != Binding::Pattern);
    let mut known: Vec<String> = named.map(|parameter| parameter.name.to_string()).collect();
    known.extend(function.receiver().map(|_| "self".to_owned()));
    for name in skip.value.iter().filter(|name| known.iter().all(|known| *name != known)) {
        let text = name.to_string();
        let in_pattern = |word: &str| {
            let patterns = function
                .parameters
                .iter()
                .filter(|parameter| parameter.binding == Binding::Pattern);
            patterns
                .into_iter()
                .any(|parameter| mentions_identifier(parameter.typed.pat.to_token_stream(), word))
        };
        let message = if text == "self" {
            "there is no `self` to skip: this is not a method".to_owned()
        } else if in_pattern(&text) {
            format!(
                "`{text}` is part of a pattern: name the parameter and take it apart in the body"
            )
        } else {
            let near = suggestion::did_you_mean(&text, known.iter().map(String::as_str));
            let near = if near.is_empty() { listed(&known) } else { near };
            format!("there is no parameter `{text}`{near}")
        };
        errors.at(name, message);
    }
}

/// Two calls with one key have one entry, whose tags must not depend on which of them came first.
pub(super) fn tags_are_made_of_the_key(args: &Args, function: &Function, errors: &mut Errors) {
    let Some(tags) = &args.tags else { return };
    let in_key = |name: &Ident| match &args.key {
        Some(key) => mentions(key.tokens.clone(), name),
        None => !args.skips(name),
    };
    let this = function.receiver().map(|receiver| Ident::new("self", receiver.self_token.span));
    let parameters = function.parameters.iter().map(|parameter| parameter.name.clone());
    for name in parameters.chain(this) {
        if mentions(tags.tokens.clone(), &name) && !in_key(&name) {
            let message = format!(
                "calls that differ in `{name}` alone share an entry, which cannot have tags of each: \
                 make `{name}` a part of the key, or leave it out here"
            );
            errors.at(&tags.tokens, message);
        }
    }
}

pub(super) fn cache_err_needs_a_result(args: &Args, function: &Function, errors: &mut Errors) {
    if let (Some(cache_err), ReturnType::Default) = (&args.cache_err, &function.signature.output) {
        errors.at(
            &cache_err.name,
            "the function returns no `Result`, so there is no error to cache: leave `cache_err` out",
        );
    }
}

pub(super) fn scope_excludes_async(args: &Args, function: &Function, errors: &mut Errors) {
    let Some(scope) = args.scope.as_ref().filter(|_| args.is_per_thread()) else { return };
    if function.is_async() {
        errors.at(
            &scope.name,
            "a task may move from thread to thread: leave `scope = \"thread\"` out (and return an `Arc` \
             if the result is an `Rc`), or memoize a function that is not async",
        );
    }
}

/// With `key` a pattern stays in the signature, so the whole argument has no name. The type of an `impl Trait` is found
/// through that name.
pub(super) fn key_excludes_opaque_patterns(args: &Args, function: &Function, errors: &mut Errors) {
    if args.key.is_none() {
        return;
    }
    for parameter in function.parameters.iter().filter(|p| p.binding == Binding::Pattern) {
        walk(&parameter.typed.ty, &mut |found| {
            if let Found::Opaque(opaque) = found {
                errors.at(
                    opaque,
                    "with `key` a pattern cannot hold an `impl Trait`: \
                     name the parameter and take it apart in the body",
                );
            }
        });
    }
}

/// rustc would say of a borrowed argument that it escapes from the function.
pub(super) fn spawned_arguments_are_owned(args: &Args, function: &Function, errors: &mut Errors) {
    if args.spawn.is_none() {
        return;
    }
    let borrows = |receiver: &&Receiver| match &receiver.kind {
        ReceiverKind::Reference(_, lifetime, _) => {
            lifetime.as_ref().is_none_or(|lifetime| lifetime.ident != "static")
        }
        ReceiverKind::Typed(_, ty) => is_borrowed(ty),
        _ => false,
    };
    if let Some(receiver) = function.receiver().filter(borrows) {
        errors.at(
            receiver,
            "`self` is borrowed, and with `spawn` the body may run after the call has returned: \
             take `self: Arc<Self>`, or `self` by value",
        );
    }
    for parameter in function.parameters.iter().filter(|p| is_borrowed(&p.typed.ty)) {
        let pattern = &parameter.typed.pat;
        let name = match parameter.binding {
            Binding::Pattern => pattern.to_token_stream().to_string(),
            Binding::Plain | Binding::Mutable => parameter.name.to_string(),
        };
        errors.at(
            &parameter.typed,
            format!(
                "`{name}` borrows, and with `spawn` the body may run after the call has returned: \
                 take an owned value (`String`, `Vec<T>`, an `Arc`)"
            ),
        );
    }
}

/// Whether a type shows that its values borrow for less than `'static`.
fn is_borrowed(ty: &Type) -> bool {
    let mut borrowed = false;
    walk(ty, &mut |found| match found {
        Found::Reference(reference, elides) => borrowed |= elides && reference.lifetime.is_none(),
        Found::Lifetime(_) => borrowed = true,
        Found::Opaque(_) | Found::Path(_) => {}
    });
    borrowed
}

fn listed(known: &[String]) -> String {
    if known.is_empty() {
        return ": the function has none, leave `skip` out".to_owned();
    }
    let names: Vec<_> = known.iter().map(|name| format!("`{name}`")).collect();
    format!(": there are {}", names.join(", "))
}
