//! Searches for a word in tokens.

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};
use syn::ext::IdentExt;

use crate::syntax::format_string;

/// Whether a word occurs in tokens. A string counts as a format string, since it may be given to a macro.
pub(crate) fn mentions(tokens: TokenStream, word: &Ident) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident.unraw() == word.unraw(),
        TokenTree::Group(group) => mentions(group.stream(), word),
        TokenTree::Literal(literal) => format_string::names(&literal).contains(word),
        TokenTree::Punct(_) => false,
    })
}

/// The identifiers in tokens, in order. Strings do not count.
pub(crate) fn collect_identifiers(tokens: TokenStream, into: &mut Vec<Ident>) {
    for token in tokens {
        match token {
            TokenTree::Ident(ident) => into.push(ident),
            TokenTree::Group(group) => collect_identifiers(group.stream(), into),
            _ => {}
        }
    }
}

/// Whether an identifier occurs in tokens. Strings do not count.
pub(crate) fn mentions_identifier(tokens: TokenStream, word: &str) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == word,
        TokenTree::Group(group) => mentions_identifier(group.stream(), word),
        _ => false,
    })
}

/// Whether `Self` occurs in tokens. An item among them has a `Self` of its own, which does not count.
pub(crate) fn mentions_self_type(tokens: TokenStream) -> bool {
    let mut tokens = tokens.into_iter();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Ident(word) if word == "Self" => return true,
            TokenTree::Ident(word) if opens_item(&word) => {
                tokens.by_ref().find(closes_item);
            }
            TokenTree::Group(group) if mentions_self_type(group.stream()) => return true,
            _ => {}
        }
    }
    false
}

/// Whether the value `self` occurs in tokens, as opposed to the module in `self::`.
pub(crate) fn mentions_self_value(tokens: TokenStream) -> bool {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let colon =
            |next: &TokenTree| matches!(next, TokenTree::Punct(mark) if mark.as_char() == ':');
        match token {
            TokenTree::Ident(word) if word == "self" && !tokens.peek().is_some_and(colon) => {
                return true;
            }
            TokenTree::Group(group) if mentions_self_value(group.stream()) => return true,
            _ => {}
        }
    }
    false
}

fn opens_item(word: &Ident) -> bool {
    ["impl", "trait", "struct", "enum"].iter().any(|keyword| word == keyword)
}

fn closes_item(token: &TokenTree) -> bool {
    match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        TokenTree::Punct(mark) => mark.as_char() == ';',
        _ => false,
    }
}

/// Whether tokens hold a block that a `macro_rules!` was given. Such a block is in an invisible group.
pub(crate) fn holds_given_block(tokens: TokenStream) -> bool {
    let is_block = |token: Option<TokenTree>| match token {
        Some(TokenTree::Group(block)) => block.delimiter() == Delimiter::Brace,
        _ => false,
    };
    tokens.into_iter().any(|token| match token {
        TokenTree::Group(group) => {
            let content = group.stream();
            let invisible = group.delimiter() == Delimiter::None;
            invisible && is_block(content.clone().into_iter().next()) || holds_given_block(content)
        }
        _ => false,
    })
}
