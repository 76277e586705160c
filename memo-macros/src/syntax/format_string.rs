//! The variables that a format string captures: `{name}`, `{:width$}`.

use proc_macro2::{Ident, Literal};
use quote::ToTokens;
use syn::LitStr;

/// The captured names, with the span of the string. A literal that is no string has none.
pub(crate) fn names(literal: &Literal) -> Vec<Ident> {
    let Ok(text) = syn::parse2::<LitStr>(literal.to_token_stream()) else { return Vec::new() };
    let value = text.value().replace("{{", "");
    let placeholders = value.split('{').skip(1).filter_map(|rest| rest.split_once('}'));
    let names = placeholders.flat_map(|(placeholder, _)| {
        let (name, spec) = placeholder.split_once(':').unwrap_or((placeholder, ""));
        // A `$` follows a name, before which there may be a fill, a sign or a point.
        let counts = spec.split('$').rev().skip(1).map(|before| {
            let start = before.rfind(|char: char| !is_part_of_a_name(char));
            start.map_or(before, |at| before[at..].trim_start_matches(|c| !is_part_of_a_name(c)))
        });
        std::iter::once(name.trim()).chain(counts)
    });
    names.filter_map(|name| identifier(name, &text)).collect()
}

fn identifier(name: &str, text: &LitStr) -> Option<Ident> {
    // A width may begin with the zero that asks for padding.
    let name = name.trim_start_matches('0');
    syn::parse_str::<Ident>(name).ok().map(|mut name| {
        name.set_span(text.span());
        name
    })
}

fn is_part_of_a_name(char: char) -> bool {
    char.is_alphanumeric() || char == '_'
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_are_found_in_every_place() {
        for (text, names) in [
            ("\"a/{b}/{c:?}\"", &["b", "c"][..]),
            ("r#\"{ b }{0}{}\"#", &["b"]),
            ("\"{{a}} {{{b}}}\"", &["b"]),
            ("\"{a:*>width$.digits$} {:0w$} {:+.p$e} {:1$}\"", &["a", "width", "digits", "w", "p"]),
            ("\"a {b\"", &[]),
            ("\"{a-b} {a.b} {type}\"", &[]),
            ("b\"{a}\"", &[]),
            ("7", &[]),
        ] {
            let found = super::names(&text.parse().unwrap());
            let mut found: Vec<_> = found.iter().map(ToString::to_string).collect();
            let mut names = names.to_vec();
            found.sort();
            names.sort();
            assert_eq!(found, names, "{text}");
        }
    }
}
