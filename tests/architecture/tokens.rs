//! Finds the paths in the tokens of a macro. The grammar of the tokens is not known.

use proc_macro2::{TokenStream, TokenTree};
use syn::ItemUse;
use syn::ext::IdentExt;
use syn::visit::Visit;

use crate::references::{Kind, References};

/// Reports whether the tokens of this macro are code that `#[memoize]` emits into another crate.
pub(crate) fn is_emitted(name: &[String]) -> bool {
    let quoting = ["quote", "quote_spanned", "parse_quote", "parse_quote_spanned"];
    name.last().is_some_and(|name| quoting.contains(&&**name))
}

pub(crate) fn scan(tokens: TokenStream, references: &mut References) {
    let tokens: Vec<_> = tokens.into_iter().collect();
    let mut at = 0;
    while at < tokens.len() {
        at = match &tokens[at] {
            TokenTree::Group(group) => {
                scan(group.stream(), references);
                at + 1
            }
            TokenTree::Ident(word) if word == "use" => {
                scan_use(&tokens, at, references).unwrap_or(at + 1)
            }
            TokenTree::Ident(_) => scan_path(&tokens, at, references),
            _ => at + 1,
        };
    }
}

/// Scans a `use`. Returns where the tokens continue, or `None` if it contains variables of a macro.
fn scan_use(tokens: &[TokenTree], at: usize, references: &mut References) -> Option<usize> {
    let end = at + tokens[at..].iter().position(|token| is(Some(token), ';'))?;
    let item: ItemUse = syn::parse2(tokens[at..=end].iter().cloned().collect()).ok()?;
    references.visit_item_use(&item);
    Some(end + 1)
}

/// Scans a path. Returns where the tokens continue after it and after the macro call that it may begin.
fn scan_path(tokens: &[TokenTree], at: usize, references: &mut References) -> usize {
    let before = at.checked_sub(1).map(|before| &tokens[before]);
    let mut words = Vec::new();
    let mut end = at;
    while let Some(TokenTree::Ident(word)) = tokens.get(end) {
        words.push(word.unraw().to_string());
        end += 1;
        if !(is(tokens.get(end), ':') && is(tokens.get(end + 1), ':')) {
            break;
        }
        end += 2;
    }
    let after_dollar = is(before, '$');
    if after_dollar && words[0] == "crate" {
        words[0].insert(0, '$');
    }
    let calls = is_call(tokens, end);
    // `$variable`, `'lifetime`, `.field`, `::other_crate`
    let is_variable = after_dollar && words[0] != "$crate";
    if !is_variable && !['\'', '.', ':'].iter().any(|&sign| is_joined(tokens, at, sign)) {
        let kind = if calls { Kind::Macro } else { Kind::Path };
        references.add_path(&words, tokens[at].span().start().line, kind);
    }
    if calls && is_emitted(&words) { end + 2 } else { end }
}

/// Reports whether `sign` is directly before the word. A colon has to be there twice.
fn is_joined(tokens: &[TokenTree], at: usize, sign: char) -> bool {
    let back = |steps| at.checked_sub(steps).map(|place| &tokens[place]);
    // `..end` is a range and not a field.
    let twice = is(back(2), sign);
    is(back(1), sign) && (sign == '\'' || twice == (sign == ':'))
}

fn is_call(tokens: &[TokenTree], at: usize) -> bool {
    is(tokens.get(at), '!') && matches!(tokens.get(at + 1), Some(TokenTree::Group(_)))
}

fn is(token: Option<&TokenTree>, sign: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == sign)
}
