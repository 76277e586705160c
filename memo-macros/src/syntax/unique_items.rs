//! Items in a body that must not exist in two copies of it.

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};

use crate::syntax::tokens::mentions_identifier;

/// Attributes that give an item a symbol, or a place in a list that the linker makes.
const LINKED: [&str; 5] = ["no_mangle", "export_name", "link_section", "ctor", "distributed_slice"];

/// Macros that make an item of that kind.
const REGISTERING: [&str; 2] = ["global_asm", "submit"];

/// The word that shows the first such item: a `static`, an `impl` for a type and a trait from outside the body, or an
/// item that the linker sees.
pub(crate) fn first_in(body: &TokenStream) -> Option<Ident> {
    let mut local = Vec::new();
    collect_types(body.clone(), &mut local);
    find(body.clone(), true, &local)
}

/// The names of the types and traits that are declared in a body.
fn collect_types(tokens: TokenStream, into: &mut Vec<String>) {
    let mut declares = false;
    for token in tokens {
        match token {
            TokenTree::Ident(word) if declares => {
                into.push(word.to_string());
                declares = false;
            }
            TokenTree::Ident(word) => {
                let word = word.to_string();
                declares = ["struct", "enum", "union", "trait", "type"].contains(&&*word);
            }
            TokenTree::Group(group) => collect_types(group.stream(), into),
            _ => declares = false,
        }
    }
}

/// `of_statements`: the tokens are statements or items, and not the inside of parentheses.
fn find(tokens: TokenStream, of_statements: bool, local: &[String]) -> Option<Ident> {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    (0..tokens.len()).find_map(|at| match &tokens[at] {
        TokenTree::Ident(word) if is_static(&tokens, at) => Some(word.clone()),
        TokenTree::Ident(word) if word == "impl" && of_statements => (begins_item(&tokens[..at])
            && !mentions_any(&header(&tokens[at..]), local))
        .then(|| word.clone()),
        TokenTree::Ident(word) if REGISTERING.iter().any(|name| word == name) => {
            is_mark(tokens.get(at + 1), '!').then(|| word.clone())
        }
        TokenTree::Group(group) if at > 0 && is_mark(tokens.get(at - 1), '#') => {
            linked(group.stream())
        }
        TokenTree::Group(group) => {
            find(group.stream(), group.delimiter() == Delimiter::Brace, local)
        }
        _ => None,
    })
}

/// Whether the word declares a static, also one of `thread_local!` and `lazy_static!`. `'static` and `static ||` do
/// not.
fn is_static(tokens: &[TokenTree], at: usize) -> bool {
    let word = |at: usize| match tokens.get(at) {
        Some(TokenTree::Ident(word)) => Some(word.to_string()),
        _ => None,
    };
    let after_quote = at > 0 && is_mark(tokens.get(at - 1), '\'');
    let skipped = usize::from(matches!(word(at + 1).as_deref(), Some("mut" | "ref")));
    word(at).as_deref() == Some("static")
        && !after_quote
        && word(at + 1 + skipped).is_some()
        && is_mark(tokens.get(at + 2 + skipped), ':')
}

/// Whether an item may begin after these tokens.
fn begins_item(before: &[TokenTree]) -> bool {
    match before.last() {
        None => true,
        Some(TokenTree::Punct(mark)) => mark.as_char() == ';',
        Some(TokenTree::Ident(word)) => word == "unsafe" || word == "default",
        Some(TokenTree::Group(group)) => match group.delimiter() {
            Delimiter::Brace => true,
            Delimiter::Bracket => before.len() > 1 && is_mark(before.get(before.len() - 2), '#'),
            _ => false,
        },
        Some(TokenTree::Literal(_)) => false,
    }
}

/// The tokens of an item before its braces.
fn header(item: &[TokenTree]) -> TokenStream {
    let is_body = |token: &TokenTree| matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace);
    item.iter().take_while(|token| !is_body(token)).cloned().collect()
}

fn mentions_any(tokens: &TokenStream, names: &[String]) -> bool {
    names.iter().any(|name| mentions_identifier(tokens.clone(), name))
}

/// The word in an attribute that shows the linker's part in it.
fn linked(attribute: TokenStream) -> Option<Ident> {
    attribute.into_iter().find_map(|token| match token {
        TokenTree::Ident(word) => LINKED.iter().any(|name| word == name).then_some(word),
        TokenTree::Group(group) => linked(group.stream()),
        _ => None,
    })
}

fn is_mark(token: Option<&TokenTree>, mark: char) -> bool {
    matches!(token, Some(TokenTree::Punct(found)) if found.as_char() == mark)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_that_must_exist_once_are_found() {
        for (body, expected) in [
            ("static N: AtomicU32 = AtomicU32::new(0);", Some("static")),
            ("if a { #[used] static mut N: u32 = 0; }", Some("static")),
            ("thread_local! { static N: Cell<u32> = Cell::new(0) }", Some("static")),
            ("lazy_static! { static ref N: u32 = 1; }", Some("static")),
            ("fn g() { static N: u32 = 0; } g()", Some("static")),
            ("impl Show for Outside { fn show(&self) {} } 1", Some("impl")),
            ("let a = 1; #[cfg(unix)] unsafe impl Send for Outside {}", Some("impl")),
            ("#[unsafe(no_mangle)] extern \"C\" fn g() {}", Some("no_mangle")),
            ("#[export_name = \"g\"] fn g() {}", Some("export_name")),
            ("#[cfg_attr(unix, ctor::ctor)] fn g() {}", Some("ctor")),
            ("inventory::submit! { Plugin }", Some("submit")),
            ("let a: &'static str = b; let c: &'static D; a", None),
            ("struct A; impl Show for A {} impl From<A> for Outside {}", None),
            ("trait Show {} impl Show for u32 {}", None),
            ("fn g(a: impl Fn()) -> impl Copy { a() } g", None),
            ("pool.submit(a); submit(static || 1)", None),
        ] {
            let found = first_in(&body.parse().unwrap()).map(|word| word.to_string());
            assert_eq!(found.as_deref(), expected, "{body}");
        }
    }
}
