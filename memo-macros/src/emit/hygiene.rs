//! Identifiers and spans that user code cannot interfere with.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};

/// A local variable of the expansion. The prefix keeps it apart from a user's static or constant, which the hygiene of
/// locals does not cover.
pub(crate) fn local(name: &str) -> Ident {
    Ident::new(&format!("__memokit_{name}"), Span::mixed_site())
}

/// The place of the first token, with the name resolution of the expansion.
pub(crate) fn first_span(tokens: TokenStream) -> Span {
    let first = tokens.into_iter().next();
    let span = first.map_or_else(Span::call_site, |token: TokenTree| token.span());
    Span::mixed_site().located_at(span)
}
