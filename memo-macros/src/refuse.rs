//! What a memoized function cannot be, one function for each rule.

use quote::{ToTokens, quote};
use syn::{Ident, ReceiverKind, ReturnType, Type, TypeParamBound};

use crate::errors::Errors;
use crate::function::Function;
use crate::types::{Found, walk};

/// Reports everything about a function that cannot be memoized.
pub(crate) fn refuse(function: &Function, errors: &mut Errors) {
    receiver(function, errors);
    parameters(function, errors);
    output(function, errors);
    qualifiers(function, errors);
    results_live_on(function, errors);
}

fn receiver(function: &Function, errors: &mut Errors) {
    let Some(receiver) = function.receiver() else { return };
    let mutable = match &receiver.kind {
        ReceiverKind::Reference(_, _, mutable) => mutable.is_some(),
        ReceiverKind::Typed(_, ty) => mentions_mutable_reference(ty),
        _ => false,
    };
    if mutable {
        errors.at(
            receiver,
            "a hit would not repeat what the function does to `self`: take `&self`, \
             or memoize a function that computes the new state from `&self`",
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

fn parameters(function: &Function, errors: &mut Errors) {
    for parameter in &function.parameters {
        walk(&parameter.typed.ty, &mut |found| match found {
            Found::Reference(reference, true) if reference.mutability.is_some() => errors.at(
                reference,
                "a hit would not repeat what the function does through `&mut`: take `&` \
                 (with a lock or a cell inside), or memoize a function that returns the change",
            ),
            _ => {}
        });
    }
}

fn output(function: &Function, errors: &mut Errors) {
    let ReturnType::Type(_, ty) = &function.signature.output else { return };
    if let Type::Never(never) = &**ty {
        errors.at(never, "a function that never returns has no result to keep: drop `#[memoize]`");
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
            "a result that is kept needs a type with a name: name it, or return `Box<dyn Trait>`, \
             `Arc<dyn Trait>` or, for an iterator, a `Vec`",
        ),
        Found::Reference(..) | Found::Path(_) => {}
    });
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

/// Traits that say nothing of how long a type lives.
const WITHOUT_LIFETIME: [&str; 16] = [
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
    "Unpin",
];

/// A result outlives the call, and so must its types. Where a bound is of a trait that may say so the judgement is left to rustc.
fn results_live_on(function: &Function, errors: &mut Errors) {
    let ReturnType::Type(_, output) = &function.signature.output else { return };
    let generics = &function.signature.generics;
    for param in generics.type_params().filter(|param| is_part(output, &param.ident)) {
        let filters = generics.where_clause.iter().flat_map(|filter| &filter.predicates);
        let bounds = filters.filter_map(|predicate| match predicate {
            syn::WherePredicate::Type(predicate)
                if is_named(&predicate.bounded_ty, &param.ident) =>
            {
                Some(&predicate.bounds)
            }
            _ => None,
        });
        if bounds.chain([&param.bounds]).flatten().all(says_nothing_of_lifetimes) {
            let name = &param.ident;
            errors.at(
                name,
                format!(
                    "the cache outlives the arguments, and the result holds a `{name}`: \
                     say that it borrows from nothing, `{name}: 'static`"
                ),
            );
        }
    }
}

fn says_nothing_of_lifetimes(bound: &TypeParamBound) -> bool {
    match bound {
        TypeParamBound::Trait(bound) => bound
            .path
            .segments
            .last()
            .is_some_and(|last| WITHOUT_LIFETIME.iter().any(|name| last.ident == name)),
        _ => false,
    }
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

/// The message for an item that is no function, under the word that says what it is.
pub(crate) fn not_a_function(item: &proc_macro2::TokenStream) -> Option<syn::Error> {
    let message = "`#[memoize]` goes on functions: on each that is to be memoized, \
                   not on what holds them";
    let keyword = match syn::parse2::<syn::Item>(item.clone()).ok()? {
        // What has no body is `Verbatim` to syn.
        syn::Item::Fn(_) | syn::Item::Verbatim(_) => return None,
        syn::Item::Impl(item) => item.impl_token.to_token_stream(),
        syn::Item::Struct(item) => item.struct_token.to_token_stream(),
        syn::Item::Enum(item) => item.enum_token.to_token_stream(),
        syn::Item::Trait(item) => item.trait_token.to_token_stream(),
        syn::Item::Mod(item) => item.mod_token.to_token_stream(),
        syn::Item::Static(item) => item.static_token.to_token_stream(),
        syn::Item::Const(item) => item.const_token.to_token_stream(),
        syn::Item::Type(item) => item.type_token.to_token_stream(),
        syn::Item::ForeignMod(item) => item.abi.to_token_stream(),
        other => quote!(#other),
    };
    Some(syn::Error::new_spanned(keyword, message))
}
