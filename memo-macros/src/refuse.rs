//! What a memoized function cannot be, one function for each rule.

use quote::{ToTokens, quote};
use syn::{GenericParam, ReceiverKind, ReturnType, Type};

use crate::errors::Errors;
use crate::function::Function;
use crate::types::{Found, walk};

/// Reports everything about a function that cannot be memoized.
pub(crate) fn refuse(function: &Function, errors: &mut Errors) {
    receiver(function, errors);
    parameters(function, errors);
    output(function, errors);
    qualifiers(function, errors);
    generics(function, errors);
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
            Found::Opaque(opaque) => errors.at(
                opaque,
                "this version of memokit does not have `impl Trait` arguments yet: name the type",
            ),
            Found::Reference(..) | Found::Lifetime(_) => {}
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
        Found::Reference(..) => {}
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

fn generics(function: &Function, errors: &mut Errors) {
    for param in &function.signature.generics.params {
        let (name, what) = match param {
            GenericParam::Type(param) => (&param.ident, "type"),
            GenericParam::Const(param) => (&param.ident, "const"),
            GenericParam::Lifetime(_) => continue,
        };
        errors.at(
            name,
            format!(
                "this version of memokit does not have {what} parameters yet: \
                 memoize one function for each `{name}` in use"
            ),
        );
    }
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
