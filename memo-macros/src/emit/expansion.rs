//! What all parts of one expansion are made of.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};

use crate::emit::hygiene::first_span;
use crate::parse::arguments::{Args, Given};
use crate::parse::function::Function;
use crate::parse::values::companion::Companion;

/// One function with its arguments.
pub(crate) struct Expansion<'a> {
    pub(crate) function: &'a Function,
    pub(crate) args: &'a Args,
    /// Tells apart expansions of the same tokens.
    pub(crate) number: u64,
}

/// The item that a piece of code is for.
#[derive(Clone, Copy)]
pub(super) enum Item {
    Function,
    Companion,
}

impl Expansion<'_> {
    /// The module of the runtime's names. Every path into the facade begins with it, so that rustc reports a wrong
    /// `crate` once and under it.
    pub(super) fn names(&self) -> TokenStream {
        match &self.args.krate {
            Some(given) => {
                let path = given.value.to_token_stream();
                let span = Span::call_site().located_at(first_span(path.clone()));
                quote_spanned!(span=> #path::__private)
            }
            None => quote!(::memokit::__private),
        }
    }

    /// The name of a companion. None if there are no companions.
    pub(super) fn companion_name(&self, suffix: &str) -> Option<Ident> {
        let stem = match &self.args.companion {
            Some(Given { value: Companion::None, .. }) => return None,
            Some(Given { value: Companion::Stem(stem) | Companion::Apart(stem, _), .. }) => stem,
            None => self.function.name(),
        };
        Some(format_ident!("{stem}_{suffix}", span = self.function.name().span()))
    }

    /// A constant beside the function, which has the name in no other expansion. In an impl this name is not found.
    pub(super) fn sibling(&self) -> Ident {
        format_ident!("__MEMOKIT_NOT_IN_IMPL_{}", self.number, span = self.function.name().span())
    }

    /// Whether the constant tells if the function stands in an impl. The place counts in what is stored.
    pub(super) fn asks_where_it_stands(&self) -> bool {
        self.args.is_stored() && self.args.has_companions() && !self.args.in_impl(self.function)
    }

    /// `Self`, with the span of `in_impl` if that is given: an error about it is reported there.
    pub(super) fn self_type(&self) -> TokenStream {
        match &self.args.in_impl {
            Some(given) => quote_spanned!(given.name.span()=> <Self>),
            None => quote!(Self),
        }
    }

    /// An expression that sees the runtime's names, which the body does not see. A macro imports them, because rustc
    /// reports an import that fails beside the paths that fail.
    pub(super) fn with_names(&self, expression: &TokenStream) -> TokenStream {
        let names = self.names();
        quote!(#names::with_names!(#expression))
    }
}
