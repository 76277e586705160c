//! What code takes from its build: the `cfg` predicates, variables of the environment and files in its tokens.

use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};
use quote::{quote, quote_spanned};

/// Macros whose input is not run where it stands.
const QUOTING: [&str; 5] =
    ["stringify", "quote", "quote_spanned", "parse_quote", "parse_quote_spanned"];

/// Returns, for each of these in `tokens`, the call of `Code` that adds its value.
pub(super) fn calls(tokens: TokenStream) -> TokenStream {
    let mut calls = TokenStream::new();
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        at += 1;
        let rest = &tokens[at..];
        match (token, rest) {
            (TokenTree::Ident(name), [TokenTree::Punct(mark), TokenTree::Group(input), ..])
                if mark.as_char() == '!' =>
            {
                at += 2;
                calls.extend(of_macro(name, input));
            }
            (TokenTree::Punct(mark), _) if mark.as_char() == '#' => {
                let inner =
                    matches!(rest.first(), Some(TokenTree::Punct(mark)) if mark.as_char() == '!');
                if let Some(TokenTree::Group(group)) = rest.get(usize::from(inner)) {
                    at += 1 + usize::from(inner);
                    calls.extend(of_attribute(group.stream()));
                }
            }
            (TokenTree::Group(group), _) => calls.extend(self::calls(group.stream())),
            _ => {}
        }
    }
    calls
}

fn of_macro(name: &Ident, input: &Group) -> TokenStream {
    let (span, tokens) = (name.span(), input.stream());
    match name.to_string().as_str() {
        "cfg" => flag(&tokens),
        "env" | "option_env" => {
            // `option_env!` takes no message, and does not report a second time what is not set.
            let variable = before_comma(tokens);
            if !is_text(&variable) {
                return TokenStream::new();
            }
            quote!(.variable(__memokit::option_env!(#variable)))
        }
        "include" | "include_str" | "include_bytes" => {
            let path = before_comma(tokens);
            if !is_text(&path) {
                return TokenStream::new();
            }
            let file = quote_spanned!(span=> include_bytes!(#path));
            quote!(.bytes(__memokit::#file))
        }
        "file" | "line" | "column" | "module_path" if tokens.is_empty() => {
            let place = quote_spanned!(span=> #name!());
            quote!(.bytes(__memokit::concat!(__memokit::#place).as_bytes()))
        }
        quoting if QUOTING.contains(&quoting) => TokenStream::new(),
        _ => calls(tokens),
    }
}

/// `cfg(predicate)`, and `cfg_attr(predicate, attributes)` with those among its attributes.
fn of_attribute(tokens: TokenStream) -> TokenStream {
    let mut tokens = tokens.into_iter();
    let (Some(TokenTree::Ident(name)), Some(TokenTree::Group(input))) =
        (tokens.next(), tokens.next())
    else {
        return TokenStream::new();
    };
    match name.to_string().as_str() {
        "cfg" => flag(&input.stream()),
        "cfg_attr" => {
            let predicate = before_comma(input.stream());
            let mut calls = flag(&predicate);
            let mut rest = input.stream().into_iter().skip(predicate.into_iter().count() + 1);
            while let Some(token) = rest.next() {
                let attribute = std::iter::once(token)
                    .chain(rest.by_ref().take_while(|token| !is_comma(token)));
                calls.extend(of_attribute(attribute.collect()));
            }
            calls
        }
        _ => TokenStream::new(),
    }
}

fn flag(predicate: &TokenStream) -> TokenStream {
    if is_predicate(predicate) {
        quote!(.flag(__memokit::cfg!(#predicate)))
    } else {
        TokenStream::new()
    }
}

/// Whether rustc takes this as a predicate. What is not one stands in the input of another macro.
fn is_predicate(tokens: &TokenStream) -> bool {
    let tokens: Vec<TokenTree> =
        tokens.clone().into_iter().filter(|token| !is_comma(token)).collect();
    let mut rest = tokens.as_slice();
    while !rest.is_empty() {
        rest = match rest {
            [TokenTree::Ident(_), TokenTree::Punct(mark), TokenTree::Literal(_), rest @ ..]
                if mark.as_char() == '=' =>
            {
                rest
            }
            [TokenTree::Ident(_), TokenTree::Group(group), rest @ ..]
                if group.delimiter() == Delimiter::Parenthesis
                    && (group.stream().is_empty() || is_predicate(&group.stream())) =>
            {
                rest
            }
            [TokenTree::Ident(_), rest @ ..] => rest,
            _ => return false,
        }
    }
    !tokens.is_empty()
}

/// Whether the tokens are a string, or a macro of the standard library that makes one.
fn is_text(tokens: &TokenStream) -> bool {
    let tokens: Vec<TokenTree> = tokens.clone().into_iter().collect();
    match tokens.as_slice() {
        [TokenTree::Literal(text)] => text.to_string().contains('"'),
        [TokenTree::Ident(name), TokenTree::Punct(mark), TokenTree::Group(input)]
            if mark.as_char() == '!' =>
        {
            let mut parts = input.stream().into_iter().peekable();
            (name == "concat" || name == "env")
                && std::iter::from_fn(|| {
                    parts.peek()?;
                    Some(parts.by_ref().take_while(|token| !is_comma(token)).collect())
                })
                .all(|part| is_text(&part))
        }
        _ => false,
    }
}

fn before_comma(tokens: TokenStream) -> TokenStream {
    tokens.into_iter().take_while(|token| !is_comma(token)).collect()
}

fn is_comma(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(mark) if mark.as_char() == ',')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_calls(code: &str, expected: &str) {
        let found = calls(code.parse().unwrap()).to_string();
        assert_eq!(found.replace("__memokit :: ", "").replace(' ', ""), expected, "{code}");
    }

    #[test]
    fn each_input_is_added_in_order() {
        for (code, expected) in [
            ("a + 1", ""),
            ("if cfg!(feature = \"x\") { 1 } else { 2 }", ".flag(cfg!(feature=\"x\"))"),
            ("#[cfg(not(unix))] { b(); #![cfg(test)] }", ".flag(cfg!(not(unix))).flag(cfg!(test))"),
            ("f!(x, std::cfg!(all(a, b = \"c\")))", ".flag(cfg!(all(a,b=\"c\")))"),
            (
                "#[cfg_attr(a, inline, cfg_attr(b, cfg(c)))] d",
                ".flag(cfg!(a)).flag(cfg!(b)).flag(cfg!(c))",
            ),
            ("env!(\"A\", \"why\")", ".variable(option_env!(\"A\"))"),
            ("concat!(env!(\"A\"), \"b\")", ".variable(option_env!(\"A\"))"),
            ("include_str!(\"a\")", ".bytes(include_bytes!(\"a\"))"),
            (
                "include!(concat!(env!(\"OUT_DIR\"), \"/a\"))",
                ".bytes(include_bytes!(concat!(env!(\"OUT_DIR\"),\"/a\")))",
            ),
            ("line!()", ".bytes(concat!(line!()).as_bytes())"),
        ] {
            assert_calls(code, expected);
        }
    }

    #[test]
    fn what_is_no_input_of_the_build_is_left_alone() {
        for code in [
            "quote!(cfg!(a) include_str!(\"b\"))",
            "macro_rules! m { ($($t:tt)*) => { cfg!($($t)*) } }",
            "include_str!($path)",
            "env!(key, default)",
            "#[allow(x)] cfg(a)",
        ] {
            assert_calls(code, "");
        }
    }
}
