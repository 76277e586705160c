//! The companions: the functions beside the annotated one.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{ReturnType, Signature};

use crate::check::body_location::BodyLocation;
use crate::check::companions::must_be_free;
use crate::emit::async_function;
use crate::emit::attributes;
use crate::emit::body;
use crate::emit::cache::handle;
use crate::emit::expansion::{Expansion, Item};
use crate::emit::generics::{Named, without_own_parameters};
use crate::emit::key::{key, names};
use crate::emit::lints::given_braces;
use crate::emit::signature;
use crate::syntax::attributes::has;
use crate::syntax::type_walk::{Found, walk};

/// The companions. Nothing if there are none.
pub(crate) fn companions(expansion: &Expansion<'_>) -> TokenStream {
    let handle_and_key = handle_and_key(expansion);
    let uncached = match BodyLocation::of(expansion.function, expansion.args) {
        BodyLocation::Closure => uncached_with_a_copy(expansion),
        BodyLocation::InnerFunction | BodyLocation::Companion => uncached_as_written(expansion),
    };
    let sibling = sibling(expansion);
    quote!(#handle_and_key #uncached #sibling)
}

/// `NAME_memo` and `NAME_key`. Those of a function in the impl of a trait stand elsewhere, without `NAME_uncached`:
/// that would need a copy of a body which expects the names of the trait around it.
pub(crate) fn handle_and_key(expansion: &Expansion<'_>) -> TokenStream {
    let handle = expansion.with_names(&handle(expansion));
    let handle = handle_companion(expansion, &quote!({ #handle }));
    let (key, argument_names) = (key(expansion, Item::Companion), names(expansion));
    let key = match &expansion.args.tags {
        Some(_) => quote!((#key)),
        None => key,
    };
    let key = expansion.with_names(&quote!(#argument_names #key));
    let key = key_companion(expansion, &quote!({ #key }));
    quote!(#handle #key)
}

/// The constant that shows the function that its companions are beside it.
fn sibling(expansion: &Expansion<'_>) -> Option<TokenStream> {
    if !must_be_free(expansion.args, expansion.function) && !expansion.asks_where_it_stands() {
        return None;
    }
    let (name, attributes) =
        (expansion.sibling(), attributes::shared(&expansion.function.attributes));
    Some(quote!(#attributes #[doc(hidden)] const #name: bool = false;))
}

/// Companions that only have to type check, beside a function that is not memoized because of a mistake. Without them
/// rustc would report each of their uses.
pub(crate) fn stand_ins(expansion: &Expansion<'_>) -> TokenStream {
    let never = quote!({ loop {} });
    let handle = returns_nameable(expansion).then(|| handle_companion(expansion, &never));
    let key = key_companion(expansion, &never);
    let uncached = uncached_as_written(expansion);
    quote!(#handle #key #uncached)
}

/// The same for companions that stand elsewhere.
pub(crate) fn stand_ins_apart(expansion: &Expansion<'_>) -> TokenStream {
    let never = quote!({ loop {} });
    let handle = returns_nameable(expansion).then(|| handle_companion(expansion, &never));
    let key = key_companion(expansion, &never);
    quote!(#handle #key)
}

/// Whether the return type can be written in another function.
fn returns_nameable(expansion: &Expansion<'_>) -> bool {
    let ReturnType::Type(_, ty) = &expansion.function.signature.output else { return true };
    let mut nameable = !matches!(**ty, syn::Type::Never(_));
    walk(ty, &mut |found| {
        nameable &= match found {
            Found::Reference(reference, elides) => reference.lifetime.is_some() || !elides,
            Found::Lifetime(_) | Found::Opaque(_) => false,
            Found::Path(_) => true,
        };
    });
    nameable
}

/// `NAME_memo`, which returns the handle.
fn handle_companion(expansion: &Expansion<'_>, body: &TokenStream) -> Option<TokenStream> {
    let name = expansion.companion_name("memo")?;
    let function = expansion.function;
    let doc =
        format!(" The cache of `{}`: what is in it, and how it is doing.", function.plain_name());
    let (output, names) = (function.output(), expansion.names());
    let generics = if expansion.args.shares_instances() {
        without_own_parameters(&function.signature)
    } else {
        Named::new(function, function.signature.clone()).of_a_handle()
    };
    let filter = &generics.where_clause;
    let (this, memo) = if expansion.args.is_per_object() && function.receiver().is_some() {
        (quote!(&self), quote!(#names::Memo<#output, #names::OfObject<#output>>))
    } else {
        (TokenStream::new(), quote!(#names::Memo<#output>))
    };
    let item = quote!(fn #name #generics(#this) -> #memo #filter #body);
    Some(own_item(expansion, &doc, &item))
}

/// `NAME_key`, which returns the key of a call.
fn key_companion(expansion: &Expansion<'_>, body: &TokenStream) -> Option<TokenStream> {
    let name = expansion.companion_name("key")?;
    let function = expansion.function;
    let doc = format!(
        " The key under which the result of this call of `{}` is kept.",
        function.plain_name()
    );
    let plain = signature::with_plain_names(function, expansion.args.key.is_some());
    let mut named = Named::new(function, plain).signature;
    signature::keep_key_parts(&mut named, expansion);
    // The key changes nothing, so nothing has to be `mut`.
    signature::without_mut_self(&mut named);
    attributes::leave_shared_on_parameters(&mut named);
    if expansion.args.is_per_object() && function.receiver().is_some() {
        signature::borrow_self(&mut named);
    }
    let (generics, filter) = (&named.generics, &named.generics.where_clause);
    let (inputs, names) = (&named.inputs, expansion.names());
    let item = quote!(fn #name #generics (#inputs) -> #names::Key #filter #body);
    Some(own_item(expansion, &doc, &item))
}

/// A companion without user code: no lint reports it. The function's own lint attributes hold too, since it names the
/// user's types. It is inline, so that it costs no code unless it is called.
fn own_item(expansion: &Expansion<'_>, doc: &str, item: &TokenStream) -> TokenStream {
    let attributes = attributes::shared(&expansion.function.attributes);
    let visibility = &expansion.function.visibility;
    quote! {
        #attributes
        #[doc = #doc]
        #[allow(unused, unreachable_pub, non_snake_case, clippy::all, clippy::pedantic)]
        #[inline]
        #visibility #item
    }
}

/// `NAME_uncached` with the body in the same form as in the function: rustc reports a mistake in both once if they are
/// alike.
fn uncached_with_a_copy(expansion: &Expansion<'_>) -> Option<TokenStream> {
    let location = BodyLocation::Closure;
    let (signature, body) = if expansion.function.is_async() {
        (
            signature::of_async_lookup(expansion, location),
            async_function::future(expansion, location),
        )
    } else {
        let body = body::closure(expansion, Item::Companion);
        (signature::of_lookup(expansion, location), in_unsafe(expansion, body))
    };
    uncached(expansion, signature, &quote!({ #body }))
}

/// `NAME_uncached` as the function is written.
fn uncached_as_written(expansion: &Expansion<'_>) -> Option<TokenStream> {
    let body = expansion.function.body.to_token_stream();
    let location = BodyLocation::of(expansion.function, expansion.args);
    let is_copy = location == BodyLocation::InnerFunction;
    let body = if is_copy { in_unsafe(expansion, body) } else { body };
    uncached(expansion, signature::as_written(expansion), &body)
}

/// The copy of an unsafe function's body in an `unsafe` block, so that rustc does not report a second time where it is
/// unsafe.
fn in_unsafe(expansion: &Expansion<'_>, body: TokenStream) -> TokenStream {
    match expansion.function.signature.safety {
        syn::Safety::Unsafe(_) => quote!({ unsafe { #body } }),
        _ => body,
    }
}

fn uncached(
    expansion: &Expansion<'_>,
    signature: Signature,
    body: &TokenStream,
) -> Option<TokenStream> {
    let name = expansion.companion_name("uncached")?;
    let function = expansion.function;
    let doc = format!(
        " `{}` as written: computes, and neither reads nor fills the cache.",
        function.plain_name()
    );
    let attributes = attributes::of_body(&function.attributes);
    let inline = (!has(&function.attributes, "inline")).then(|| quote!(#[inline]));
    let lints = lints_of_uncached(expansion);
    let deprecated = has(&function.attributes, "deprecated").then(|| quote!(#[allow(deprecated)]));
    let visibility = &function.visibility;
    let mut named = Named::new(function, signature).signature;
    attributes::leave_shared_on_parameters(&mut named);
    let signature = Signature { ident: name, ..named };
    Some(quote! {
        #attributes
        #[doc = #doc]
        #lints
        #deprecated
        #inline
        #visibility #signature #body
    })
}

fn lints_of_uncached(expansion: &Expansion<'_>) -> TokenStream {
    match BodyLocation::of(expansion.function, expansion.args) {
        // The function has a copy of the body, and lints report there.
        BodyLocation::InnerFunction | BodyLocation::Closure => quote! {
            #[allow(unused, overflowing_literals, arithmetic_overflow, unconditional_panic)]
            #[allow(unreachable_pub, non_snake_case, clippy::all, clippy::pedantic, clippy::nursery)]
            #[allow(clippy::restriction)]
        },
        BodyLocation::Companion => {
            let braces = given_braces(expansion.function);
            // With `spawn` they have to be values.
            let owned = expansion.args.spawn.as_ref();
            let owned = owned.map(|_| quote!(#[allow(clippy::needless_pass_by_value)]));
            quote! {
                #braces
                #owned
                #[allow(dead_code, unreachable_pub, non_snake_case, clippy::missing_safety_doc)]
                #[allow(clippy::missing_const_for_fn, clippy::missing_panics_doc)]
                #[allow(clippy::missing_errors_doc)]
            }
        }
    }
}
