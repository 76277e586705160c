//! A parameter of the function.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};
use syn::{Attribute, Pat, PatType};

use crate::syntax::attributes;

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
                (format_ident!("__memokit_{position}", span = span), Binding::Pattern)
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
