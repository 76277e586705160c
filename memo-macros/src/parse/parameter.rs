//! A parameter of the function.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::ext::IdentExt;
use syn::{Attribute, Pat, PatType, Type};

use crate::syntax::attributes;
use crate::syntax::tokens::collect_identifiers;

/// A parameter other than `self`.
pub(crate) struct Parameter {
    /// Its name, or a new one for a pattern.
    pub(crate) name: Ident,
    pub(crate) binding: Binding,
    /// As written.
    pub(crate) typed: PatType,
}

/// How a parameter is bound.
#[derive(PartialEq)]
pub(crate) enum Binding {
    /// `name`
    Plain,
    /// `mut name`
    Mutable,
    /// Any other pattern.
    Pattern,
}

impl Parameter {
    /// The parameter in a position among those that are not `self`.
    pub(crate) fn new(position: usize, typed: &PatType) -> Self {
        let (name, binding) = match &*typed.pat {
            Pat::Ident(plain) if plain.by_ref.is_none() && plain.subpat.is_none() => {
                let mutable = plain.mutability.is_some();
                (plain.ident.clone(), if mutable { Binding::Mutable } else { Binding::Plain })
            }
            pattern => {
                let span = syn::spanned::Spanned::span(pattern);
                let span = Span::mixed_site().located_at(span);
                let words = words(pattern, &typed.ty);
                (format_ident!("__memokit_{position}{words}", span = span), Binding::Pattern)
            }
        };
        Self { name, binding, typed: typed.clone() }
    }

    /// The `cfg` attributes, as tokens for what uses the parameter.
    pub(crate) fn condition(&self) -> TokenStream {
        let conditions = self.conditions();
        quote!(#(#conditions)*)
    }

    pub(crate) fn conditions(&self) -> impl Iterator<Item = &Attribute> {
        self.typed.attrs.iter().filter(|attribute| attribute.path().is_ident("cfg"))
    }

    /// Whether the parameter has a `cfg`.
    pub(crate) fn is_conditional(&self) -> bool {
        attributes::has(&self.typed.attrs, "cfg")
    }

    /// Whether the name begins with `_`. clippy reports every use of such a name.
    pub(crate) fn is_underscored(&self) -> bool {
        self.binding != Binding::Pattern && self.name.to_string().starts_with('_')
    }
}

/// What a pattern without a name is called in messages: its words, or those of its type if it has none.
fn words(pattern: &Pat, ty: &Type) -> String {
    let [pattern, ty] = [pattern.to_token_stream(), ty.to_token_stream()].map(|tokens| {
        let mut words = Vec::new();
        collect_identifiers(tokens, &mut words);
        let words = words.iter().map(|word| word.unraw().to_string().to_lowercase());
        words.filter(|word| word != "_").map(|word| format!("_{word}")).collect::<String>()
    });
    if pattern.is_empty() { ty } else { pattern }
}
