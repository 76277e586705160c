//! The function that looks into its cache first.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

use crate::check::body_location::BodyLocation;
use crate::emit::async_function;
use crate::emit::attributes;
use crate::emit::body;
use crate::emit::cache::followed;
use crate::emit::expansion::{Expansion, Item};
use crate::emit::hygiene::{first_span, local};
use crate::emit::key::key;
use crate::emit::lints::{given_braces, used_underscores};
use crate::emit::signature;

/// The annotated function.
pub(crate) fn function(expansion: &Expansion<'_>) -> TokenStream {
    if expansion.function.is_async() {
        return async_function::function(expansion);
    }
    let function = expansion.function;
    let location = BodyLocation::of(function, expansion.args);
    let attributes = attributes::without_expect(&function.attributes);
    let (visibility, signature) = (&function.visibility, signature::of_lookup(expansion, location));
    let (lint, braces) = (used_underscores(function), given_braces(function));
    let found = local("found");
    let cache = followed(expansion);
    let (lookup, value) = (lookup(expansion), value(expansion, location));
    let lookup = expansion.with_names(&quote!(#cache.#lookup));
    // The lookup is a statement of its own, so that what `key` borrows or locks is released before the body runs.
    quote! {
        #attributes
        #braces
        #visibility #signature {
            #lint
            let #found = #lookup;
            #value
        }
    }
}

/// The value of the call, from what was found.
fn value(expansion: &Expansion<'_>, location: BodyLocation) -> TokenStream {
    let (names, store) = (expansion.names(), store(expansion, location));
    let (found, hit, miss) = (local("found"), local("hit"), local("miss"));
    let Some(spawn) = &expansion.args.spawn else {
        return quote! {
            match #found {
                #names::Lookup::Hit(#hit) => #hit.value(),
                #names::Lookup::Miss(#miss) => #miss.#store,
            }
        };
    };
    let (value, refresh, spawn) = (local("value"), local("refresh"), &spawn.value);
    quote! {
        match #found.behind(move |#miss| #miss.#store) {
            #names::Behind::Value(#value) => #value,
            #names::Behind::Refresh(#hit, #refresh) => {
                #names::hand_over(move || #refresh.run(), #spawn);
                #hit.value()
            }
        }
    }
}

/// The call that looks into the cache.
fn lookup(expansion: &Expansion<'_>) -> TokenStream {
    let key = key(expansion, Item::Function);
    match &expansion.args.verify {
        Some(given) => {
            let share = &given.value;
            quote!(lookup_or_verify(&#key, #share))
        }
        None => quote!(lookup(&#key)),
    }
}

/// The call that stores what the body computes.
fn store(expansion: &Expansion<'_>, location: BodyLocation) -> TokenStream {
    let computed = body::computation(expansion, location);
    match &expansion.args.cache_if {
        Some(cache_if) => {
            let (cache_if, span) = (&cache_if.value, first_span(cache_if.tokens.clone()));
            quote_spanned!(span=> store_if(#computed, #cache_if))
        }
        None => quote!(store(#computed)),
    }
}
