//! Hashes of tokens that are the same in every build.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens;

use crate::parse::arguments::Args;
use crate::parse::function::Function;

/// FNV-1a, 128 bits wide.
struct Fingerprint(u128);

impl Fingerprint {
    fn new() -> Self {
        Self(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d)
    }

    fn text(&mut self, text: &str) {
        for byte in text.bytes() {
            self.byte(byte);
        }
        // No text contains this byte, so different sequences of texts never hash the same bytes.
        self.byte(0xff);
    }

    fn byte(&mut self, byte: u8) {
        self.0 =
            (self.0 ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
    }

    /// Hashes tokens. Lint attributes, docs and the spacing of punctuation do not count, since they do not change what
    /// the code computes.
    fn code(&mut self, tokens: TokenStream) {
        let mut tokens = tokens.into_iter().peekable();
        // A macro is given the attributes in its input, so they count there.
        let mut in_call = false;
        while let Some(token) = tokens.next() {
            let called = std::mem::take(&mut in_call);
            match token {
                TokenTree::Group(group) if called => self.group(group.delimiter(), |this| {
                    this.verbatim(group.stream());
                }),
                TokenTree::Group(group) => self.group(group.delimiter(), |this| {
                    this.code(group.stream());
                }),
                TokenTree::Punct(mark) if mark.as_char() == '#' => {
                    // `#[..]` or `#![..]`
                    let inner = tokens.next_if(
                        |next| matches!(next, TokenTree::Punct(mark) if mark.as_char() == '!'),
                    );
                    match tokens.next_if(is_attribute) {
                        Some(TokenTree::Group(group)) if changes_code(&group.stream()) => {
                            self.verbatim(group.stream());
                        }
                        Some(_) => {}
                        None => self.text(if inner.is_some() { "#!" } else { "#" }),
                    }
                }
                TokenTree::Punct(mark) => {
                    in_call = mark.as_char() == '!';
                    self.text(mark.to_string().as_str());
                }
                other => self.text(&other.to_string()),
            }
        }
    }

    fn verbatim(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Group(group) => self.group(group.delimiter(), |this| {
                    this.verbatim(group.stream());
                }),
                other => self.text(&other.to_string()),
            }
        }
    }

    /// An invisible group comes from a `macro_rules!`. It is not code, so only its content counts.
    fn group(&mut self, delimiter: Delimiter, content: impl FnOnce(&mut Self)) {
        let (open, close) = match delimiter {
            Delimiter::Parenthesis => ("(", ")"),
            Delimiter::Brace => ("{", "}"),
            Delimiter::Bracket => ("[", "]"),
            Delimiter::None => return content(self),
        };
        self.text(open);
        content(self);
        self.text(close);
    }

    fn finish(&self) -> u128 {
        self.0
    }

    /// The hash in 64 bits.
    fn fold(&self) -> u64 {
        let [high, low] = [self.0 >> 64, self.0 & u128::from(u64::MAX)];
        u64::try_from(high ^ low).expect("both halves have 64 bits")
    }
}

fn is_attribute(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Bracket)
}

/// Attributes that do not change what the code computes. All others may, such as `default`, `repr` and `serde`.
const WITHOUT_EFFECT: [&str; 13] = [
    "allow",
    "clippy",
    "cold",
    "deny",
    "deprecated",
    "doc",
    "expect",
    "forbid",
    "inline",
    "must_use",
    "rustfmt",
    "track_caller",
    "warn",
];

fn changes_code(attribute: &TokenStream) -> bool {
    match attribute.clone().into_iter().next() {
        Some(TokenTree::Ident(name)) => WITHOUT_EFFECT.iter().all(|without| name != without),
        _ => true,
    }
}

/// The number of an expansion. The seed tells apart expansions of the same tokens.
pub(crate) fn of_expansion(arguments: &TokenStream, item: &TokenStream, seed: &[&str]) -> u64 {
    let mut hash = Fingerprint::new();
    for text in seed {
        hash.text(text);
    }
    hash.code(arguments.clone());
    hash.code(item.clone());
    hash.fold()
}

/// The fingerprint of what a function computes, and of which part of that it caches.
pub(super) fn of_code(function: &Function, args: &Args) -> u128 {
    let mut hash = Fingerprint::new();
    for (name, tokens) in counted(function, args) {
        if let Some(name) = name {
            hash.text(&name);
        }
        hash.code(tokens);
    }
    hash.finish()
}

/// The code that decides what a function computes, and which part of that it caches, with a name for each but the
/// signature.
pub(super) fn counted(function: &Function, args: &Args) -> Vec<(Option<String>, TokenStream)> {
    let mut counted = vec![(None, function.signature.to_token_stream())];
    let arguments = [
        args.key.as_ref().map(|given| (&given.name, &given.tokens)),
        args.skip.as_ref().map(|given| (&given.name, &given.tokens)),
        args.tags.as_ref().map(|given| (&given.name, &given.tokens)),
        args.tags_with.as_ref().map(|given| (&given.name, &given.tokens)),
        args.cache_if.as_ref().map(|given| (&given.name, &given.tokens)),
        args.cache_err.as_ref().map(|given| (&given.name, &given.tokens)),
    ];
    for (name, tokens) in arguments.into_iter().flatten() {
        counted.push((Some(name.to_string()), tokens.clone()));
    }
    if args.version.is_none() {
        counted.push((Some("body".to_owned()), function.body.stream()));
    }
    counted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(args: &str, function: &str) -> u128 {
        let mut errors = crate::errors::Errors::default();
        let args = Args::parse(args.parse().unwrap(), &mut errors);
        assert!(errors.is_empty(), "{:?}", errors.messages());
        of_code(&syn::parse_str(function).unwrap(), &args)
    }

    #[test]
    fn the_hash_is_frozen() {
        assert_eq!(code("", "fn f(a: u32) -> u32 { a + 1 }"), FROZEN);
    }

    const FROZEN: u128 = 247_417_886_343_925_951_325_231_747_180_456_906_531;

    #[test]
    fn what_does_not_count() {
        let plain = code("", "fn f(a: u32) -> u32 { let b = &mut a.clone(); *b && c }");
        for (args, same) in [
            (
                "",
                "/// Doc.\n#[inline] pub fn f(#[allow(x)] a: u32) -> u32 { let b = &mut a.clone(); *b && c }",
            ),
            ("", "fn f(a:u32)->u32{ /* c */ #[allow(x)] let b=&mut a.clone();*b&&c }"),
            (
                "max = 5, ttl = \"1s\", name = \"n\"",
                "fn f(a: u32) -> u32 { let b = &mut a.clone(); *b && c }",
            ),
        ] {
            assert_eq!(code(args, same), plain, "{args} {same}");
        }
    }

    #[test]
    fn what_counts() {
        let base = "fn f(a: u32) -> u32 { a + 1 }";
        let all = [
            code("", base),
            code("", "fn f(a: u64) -> u32 { a + 1 }"),
            code("", "fn f(a: u32) -> u64 { a + 1 }"),
            code("", "fn f(a: u32) -> u32 { a + 2 }"),
            code("", "fn f(a: u32) -> u32 { (a + 1) }"),
            code("", "fn f(a: u32) -> u32 { #[cfg(x)] a + 1 }"),
            code("", "fn f(a: u32) -> u32 { #[repr(u8)] enum E { A } a + 1 }"),
            code("", "fn f(a: u32) -> u32 { #[repr(u16)] enum E { A } a + 1 }"),
            code("", "fn f(a: u32) -> u32 { enum E { #[default] A, B } a + 1 }"),
            code("", "fn f(a: u32) -> u32 { enum E { A, #[default] B } a + 1 }"),
            code("", "fn f(a: u32) -> u32 { q!(#[x] a + 1) }"),
            code("", "fn f(a: u32) -> u32 { q!(a + 1) }"),
            code("key = a", base),
            code("key = a + 1", base),
            code("skip(a)", base),
            code("cache_err", base),
            code("cache_err = \"2s\"", base),
            code("cache_if = ok", base),
            code("version = 1", base),
        ];
        for (at, one) in all.iter().enumerate() {
            assert!(!all[..at].contains(one), "{at}");
        }
    }

    #[test]
    fn version_replaces_the_body() {
        let one = code("version = 1", "fn f(a: u32) -> u32 { a + 1 }");
        assert_eq!(one, code("version = 2", "fn f(a: u32) -> u32 { a + 2 }"));
        assert_ne!(one, code("version = 1", "fn f(a: u64) -> u32 { a + 1 }"));
    }
}
