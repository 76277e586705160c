//! The signatures of the function and of its companions, and the call that they have in common.

use std::iter::once;

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens as _, quote, quote_spanned};
use syn::{FnArg, Pat, PatType, Signature, parse_quote};

use crate::check::body_location::BodyLocation;
use crate::emit::attributes;
use crate::emit::expansion::Expansion;
use crate::emit::generics::keep_used;
use crate::emit::lints::used_underscore;
use crate::parse::function::Function;
use crate::parse::parameter::{Binding, Parameter};
use crate::syntax::tokens::{collect_identifiers, mentions};

/// The signature of the function that looks into its cache.
pub(super) fn of_lookup(expansion: &Expansion<'_>, location: BodyLocation) -> Signature {
    let mut signature = with_plain_names(expansion.function, expansion.args.key.is_some());
    if location == BodyLocation::Companion {
        without_mut_self(&mut signature);
    }
    signature
}

/// The same of an `async fn`, which becomes a function that returns a future.
pub(super) fn of_async_lookup(expansion: &Expansion<'_>, location: BodyLocation) -> Signature {
    let mut signature = of_lookup(expansion, location);
    let (names, output) = (expansion.names(), expansion.function.output());
    // The span gives it the edition of this crate, in which such a type captures all lifetimes of the signature.
    let span = Span::mixed_site();
    let future = quote_spanned!(span=> -> impl #names::Future<Output = #output>);
    signature.asyncness = None;
    signature.output = syn::parse_quote!(#future);
    signature
}

/// The signature as written.
pub(super) fn as_written(expansion: &Expansion<'_>) -> Signature {
    let mut signature = expansion.function.signature.clone();
    let mut parameters = expansion.function.parameters.iter();
    for input in &mut signature.inputs {
        if let FnArg::Typed(typed) = input {
            parameters
                .next()
                .into_iter()
                .for_each(|parameter| *typed = parameter_as_written(expansion, parameter));
        }
    }
    signature
}

/// A parameter as written. If it is a part of the key it counts as used, even if the body does not use it.
pub(super) fn parameter_as_written(expansion: &Expansion<'_>, parameter: &Parameter) -> PatType {
    let mut typed = parameter.typed.clone();
    typed.attrs = attributes::on_copied_parameter(&typed.attrs);
    if key_mentions(expansion, parameter) {
        typed.attrs.push(syn::parse_quote!(#[allow(unused_variables)]));
    }
    typed
}

/// Whether the argument `key` or `tags` mentions a parameter.
pub(super) fn key_mentions(expansion: &Expansion<'_>, parameter: &Parameter) -> bool {
    let args = [&expansion.args.key, &expansion.args.tags];
    args.into_iter().flatten().any(|given| mentions(given.tokens.clone(), &parameter.name))
}

/// The signature with a plain name for each parameter, without `mut`. With `keep_patterns`, patterns stay.
pub(super) fn with_plain_names(function: &Function, keep_patterns: bool) -> Signature {
    let mut signature = function.signature.clone();
    let typed = signature.inputs.iter_mut().filter_map(|input| match input {
        FnArg::Typed(typed) => Some(typed),
        FnArg::Receiver(_) => None,
    });
    for (typed, parameter) in typed.zip(&function.parameters) {
        if parameter.binding == Binding::Pattern && keep_patterns {
            continue;
        }
        let name = &parameter.name;
        *typed.pat = Pat::Ident(syn::PatIdent {
            attrs: Vec::new(),
            by_ref: None,
            mutability: None,
            ident: name.clone(),
            subpat: None,
        });
    }
    signature
}

/// Leaves only the parameters that make the key, with the generics that they and the argument `key` need.
pub(super) fn keep_key_parts(signature: &mut Signature, expansion: &Expansion<'_>) {
    let mut parameters = expansion.function.parameters.iter();
    let inputs = std::mem::take(&mut signature.inputs).into_iter();
    let (kept, removed): (Vec<_>, Vec<_>) = inputs.partition(|input| match input {
        FnArg::Receiver(receiver) => makes_key(expansion, &receiver.self_token.to_token_stream()),
        FnArg::Typed(_) => parameters.next().is_none_or(|parameter| {
            let is_pattern = parameter.binding == Binding::Pattern;
            let (pattern, name) = (&parameter.typed.pat, &parameter.name);
            let keyed = expansion.args.key.is_some();
            makes_key(
                expansion,
                &if is_pattern && keyed { quote!(#pattern) } else { quote!(#name) },
            )
        }),
    });
    let key = expansion.args.key.as_ref().map(|key| key.tokens.clone());
    keep_used(&mut signature.generics, &quote!(#(#kept)* #key), quote!(#(#removed)*));
    signature.inputs = kept.into_iter().collect();
}

/// Whether the key is made of one of these names.
fn makes_key(expansion: &Expansion<'_>, names: &TokenStream) -> bool {
    let mut idents = Vec::new();
    collect_identifiers(names.clone(), &mut idents);
    idents.iter().any(|name| match &expansion.args.key {
        Some(key) => mentions(key.tokens.clone(), name),
        None => !expansion.args.skips(name),
    })
}

/// Makes a method of `&self`.
pub(super) fn borrow_self(signature: &mut Signature) {
    let others = std::mem::take(&mut signature.inputs).into_iter();
    let others = others.filter(|input| !matches!(input, FnArg::Receiver(_)));
    signature.inputs = once(parse_quote!(&self)).chain(others).collect();
}

/// Makes a `mut self` a `self`.
pub(super) fn without_mut_self(signature: &mut Signature) {
    if let Some(FnArg::Receiver(receiver)) = signature.inputs.first_mut() {
        receiver.mutability = None;
    }
}

/// The parameters as the arguments of a call.
pub(super) fn arguments(function: &Function) -> TokenStream {
    let receiver = function.receiver().map(|receiver| {
        let this = receiver.self_token;
        quote!(#this,)
    });
    let rest = function.parameters.iter().map(|parameter| {
        let (condition, name) = (parameter.condition(), &parameter.name);
        let lint = parameter.is_underscored().then(used_underscore);
        quote!(#condition #lint #name)
    });
    quote!(#receiver #(#rest),*)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_have_names() {
        let function: Function =
            syn::parse_str("fn f(&self, a: u8, mut b: u8, (c, d): (u8, u8), _: u8) {}").unwrap();
        let signature = with_plain_names(&function, false).to_token_stream().to_string();
        let expected =
            "fn f (& self , a : u8 , b : u8 , __memokit_2_c_d : (u8 , u8) , __memokit_3_u8 : u8)";
        assert_eq!(signature, expected);
        let call = arguments(&function).to_string();
        assert_eq!(call, "self , a , b , __memokit_2_c_d , __memokit_3_u8");
    }
}
