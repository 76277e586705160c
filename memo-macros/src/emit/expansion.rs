//! What all parts of one expansion are made of.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};

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
    /// The path of the facade.
    pub(super) fn facade(&self) -> TokenStream {
        match &self.args.krate {
            Some(given) => given.value.to_token_stream(),
            None => quote!(::memokit),
        }
    }

    /// The name of a companion. None if there are no companions.
    pub(super) fn companion_name(&self, suffix: &str) -> Option<Ident> {
        let stem = match &self.args.companion {
            Some(Given { value: Companion::None, .. }) => return None,
            Some(Given { value: Companion::Stem(stem), .. }) => stem,
            None => self.function.name(),
        };
        Some(format_ident!("{stem}_{suffix}", span = self.function.name().span()))
    }

    /// A constant beside the function, which has the name in no other expansion. In an impl this name is not found.
    pub(super) fn sibling(&self) -> Ident {
        format_ident!("__MEMOKIT_NOT_IN_IMPL_{}", self.number, span = self.function.name().span())
    }

    /// `Self`, with the span of `in_impl` if that is given: an error about it is reported there.
    pub(super) fn self_type(&self) -> TokenStream {
        match &self.args.in_impl {
            Some(given) => quote_spanned!(given.name.span()=> <Self>),
            None => quote!(Self),
        }
    }

    /// The import of the runtime's names. It goes into a block of its own, so that the body does not see them.
    pub(super) fn import(&self) -> TokenStream {
        let facade = self.facade();
        quote!(use #facade::__private::{self as __memokit, probe::*};)
    }
}
