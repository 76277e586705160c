//! The same for an `async fn`: a function that returns a future of the runtime.
//!
//! An `async fn` that awaited the body would store its arguments twice, or the body. It is emitted only if another
//! macro gets the function: such macros look for `async`, and a future that a plain function returns escapes them.

use proc_macro2::{Delimiter, Group, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::Signature;

use crate::check::body_location::BodyLocation;
use crate::emit::attributes;
use crate::emit::body;
use crate::emit::cache::followed;
use crate::emit::expansion::{Expansion, Item};
use crate::emit::hygiene::{first_span, local};
use crate::emit::key::key;
use crate::emit::lints::{given_braces, used_underscore, used_underscores};
use crate::emit::signature::{self, key_mentions};
use crate::parse::parameter::{Binding, Parameter};
use crate::syntax::attributes::has_macro;

/// The annotated `async fn`.
pub(super) fn function(expansion: &Expansion<'_>) -> TokenStream {
    let function = expansion.function;
    let location = BodyLocation::of(function, expansion.args);
    let attributes = attributes::without_expect(&function.attributes);
    let (visibility, (signature, wait)) = (&function.visibility, form(expansion, location));
    let names = expansion.names();
    let (lint, braces) = (used_underscores(function), given_braces(function));
    let asked = local("asked");
    let cache = followed(expansion);
    let (lookup, compute) = (lookup(expansion), compute(expansion, location));
    let lookup = expansion.with_names(&quote!(#cache.#lookup));
    let call = if expansion.args.spawn.is_some() { quote!(call_spawned) } else { quote!(call) };
    quote! {
        #attributes
        #braces
        #[allow(clippy::double_must_use, clippy::manual_async_fn)]
        #visibility #signature {
            #names::#call(move || {
                #lint
                let #asked = #lookup;
                #asked.#compute
            })#wait
        }
    }
}

/// The signature, and what follows the future in the body.
fn form(expansion: &Expansion<'_>, location: BodyLocation) -> (Signature, Option<TokenStream>) {
    if has_macro(&expansion.function.attributes) {
        return (signature::of_lookup(expansion, location), Some(quote!(.await)));
    }
    (signature::of_async_lookup(expansion, location), None)
}

/// The call that looks into the cache.
fn lookup(expansion: &Expansion<'_>) -> TokenStream {
    let key = key(expansion, Item::Function);
    match &expansion.args.verify {
        Some(given) => {
            let share = &given.value;
            quote!(begin_or_verify(&#key, #share))
        }
        None => quote!(begin(&#key)),
    }
}

/// The call that polls the body's future on a miss, or has it polled, and stores its result.
fn compute(expansion: &Expansion<'_>, location: BodyLocation) -> TokenStream {
    let future = future(expansion, location);
    let spawn = expansion.args.spawn.as_ref().map(|given| &given.value);
    match (&expansion.args.cache_if, spawn) {
        (Some(given), spawn) => {
            let (cache_if, span) = (&given.value, first_span(given.tokens.clone()));
            match spawn {
                Some(spawn) => quote_spanned!(span=> spawn_if(#future, #cache_if, #spawn)),
                None => quote_spanned!(span=> compute_if(#future, #cache_if)),
            }
        }
        (None, Some(spawn)) => quote!(spawn(#future, #spawn)),
        (None, None) => quote!(compute(#future)),
    }
}

/// The body's future, not polled yet.
pub(super) fn future(expansion: &Expansion<'_>, location: BodyLocation) -> TokenStream {
    if location == BodyLocation::Companion {
        return body::call_of_companion(expansion);
    }
    let (function, names) = (expansion.function, expansion.names());
    let (output, body) = (function.output(), function.body.stream());
    let mut returned = local("returned");
    // rustc reports here what the block returns, as the type that was written.
    returned.set_span(
        output.clone().into_iter().next().map_or_else(Span::call_site, |first| first.span()),
    );
    let bindings = function.parameters.iter().filter_map(|p| own(expansion, p));
    // A block cannot declare its type. The first `return` decides it, and later ones are coerced to it. It never runs.
    let mut block = Group::new(
        Delimiter::Brace,
        quote! {
            if let #names::Option::Some(#returned) =
                #names::Option::<#output>::None
            {
                return #returned;
            }
            #(#bindings)*
            #body
        },
    );
    block.set_span(function.body.span());
    quote_spanned!(function.body.span()=> async move #block)
}

/// Makes the body own a parameter until it ends, even if it does not use it, as an `async fn` does.
fn own(expansion: &Expansion<'_>, parameter: &Parameter) -> Option<TokenStream> {
    let (attributes, name) = (attributes::shared(&parameter.typed.attrs), &parameter.name);
    let pattern = &parameter.typed.pat;
    let underscored = parameter.is_underscored().then(|| {
        let used = used_underscore();
        quote!(#used #[allow(clippy::no_effect_underscore_binding)])
    });
    let own = quote! {
        #attributes
        #underscored
        #[allow(clippy::redundant_locals, clippy::shadow_same, clippy::shadow_reuse)]
    };
    let used = key_mentions(expansion, parameter).then(|| quote!(#[allow(unused_variables)]));
    match parameter.binding {
        Binding::Plain => Some(quote!(#own #used let #name = #name;)),
        Binding::Mutable => Some(quote!(#own #used let #pattern = #name;)),
        Binding::Pattern if expansion.args.key.is_none() => {
            Some(quote!(#own let #name = #name; #attributes let #pattern = #name;))
        }
        Binding::Pattern => None,
    }
}
