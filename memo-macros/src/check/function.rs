//! What a memoized function cannot be, one function for each rule.

use quote::{ToTokens, quote};
use syn::{ReceiverKind, ReturnType, Type, TypeParamBound};

use crate::errors::Errors;
use crate::parse::function::Function;
use crate::syntax::type_walk::{Found, last_segment, walk};

/// Reports everything about a function that cannot be memoized.
pub(crate) fn refuse(function: &Function, errors: &mut Errors) {
    receiver(function, errors);
    parameters(function, errors);
    output(function, errors);
    qualifiers(function, errors);
    callers(function, errors);
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
    if is_future(ty) {
        return errors.at(ty, future_is_kept(ty));
    }
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

fn future_is_kept(ty: &Type) -> &'static str {
    let mut made_by_a_macro = false;
    walk(ty, &mut |found| {
        made_by_a_macro |= matches!(found, Found::Lifetime(lifetime) if lifetime.ident.to_string().starts_with("async_"));
    });
    if made_by_a_macro {
        "another attribute has made this a function that returns a boxed future, which can be awaited \
         once: move the body to an `async fn` without that attribute, memoize that and call it here"
    } else {
        "a future can be awaited once, so there is nothing to keep: memoize an `async fn` that returns \
         what the future resolves to"
    }
}

/// Functions that no other calls, and attributes that do not know what is made of an `async fn`.
fn callers(function: &Function, errors: &mut Errors) {
    let output = match &function.signature.output {
        ReturnType::Default => String::new(),
        ReturnType::Type(_, ty) => ty.to_token_stream().to_string().replace(' ', ""),
    };
    let ends = ["Result<()", "ExitCode", "implTermination"].iter().any(|end| output.contains(end));
    let by_name = function.name() == "main" && function.signature.inputs.is_empty();
    if by_name && (output.is_empty() || ends) {
        return errors.at(
            function.name(),
            "`main` runs once, so a memo of it is of no use: memoize what it calls",
        );
    }
    for attribute in &function.attributes {
        let Some(last) = attribute.path().segments.last() else { continue };
        let message = match &*last.ident.to_string() {
            "main" => "what this attribute calls runs once: memoize what it calls",
            "test" | "bench" => {
                "a memoized test would pass once and not run again: memoize what it calls"
            }
            "async_recursion" => {
                "a memoized `async fn` calls itself as `Box::pin(name(..)).await`: \
                 write that and drop this attribute"
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
        syn::Item::Macro(item) => {
            return Some(syn::Error::new_spanned(
                &item.mac.path,
                "`#[memoize]` goes on functions and cannot see what this macro makes: \
                 write it on the function inside the macro",
            ));
        }
        other => quote!(#other),
    };
    Some(syn::Error::new_spanned(keyword, message))
}
