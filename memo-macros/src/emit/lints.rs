//! Attributes that allow what a lint would report in the expansion.

use proc_macro2::TokenStream;
use quote::quote;

use crate::parse::function::Function;
use crate::parse::parameter::Parameter;
use crate::syntax::tokens::holds_given_block;

/// For a use of a parameter whose name begins with `_`.
pub(super) fn used_underscore() -> TokenStream {
    quote!(#[allow(clippy::used_underscore_binding)])
}

/// For the lookup, which uses all parameters.
pub(super) fn used_underscores(function: &Function) -> Option<TokenStream> {
    function.parameters.iter().any(Parameter::is_underscored).then(used_underscore)
}

/// For a body with a block that a `macro_rules!` was given: rustc says in an expansion that its braces are not needed.
pub(super) fn given_braces(function: &Function) -> Option<TokenStream> {
    holds_given_block(function.body.stream()).then(|| quote!(#[allow(unused_braces)]))
}
