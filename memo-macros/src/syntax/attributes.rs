//! A selection of attributes, in which `expect` becomes `allow` and `cfg_attr` is searched too.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::{Attribute, Meta, Token};

pub(crate) fn has(attributes: &[Attribute], name: &str) -> bool {
    attributes.iter().any(|attribute| attribute.path().is_ident(name))
}

/// The attributes of the compiler that a function can have, without those of tools such as `rustfmt::skip`.
const BUILT_IN: &[&str] = &[
    "allow",
    "automatically_derived",
    "cfg",
    "cfg_attr",
    "cold",
    "coverage",
    "deny",
    "deprecated",
    "doc",
    "expect",
    "export_name",
    "forbid",
    "inline",
    "instruction_set",
    "link_section",
    "must_use",
    "naked",
    "no_mangle",
    "optimize",
    "target_feature",
    "track_caller",
    "unsafe",
    "warn",
];

const TOOLS: &[&str] = &["clippy", "diagnostic", "miri", "rustdoc", "rustfmt", "rust_analyzer"];

/// Whether another macro will get the function, because one of its attributes is not the compiler's.
pub(crate) fn has_macro(attributes: &[Attribute]) -> bool {
    let is_macro = |meta: &Meta| {
        let path = meta.path();
        let first = path.segments.first().map(|first| first.ident.to_string()).unwrap_or_default();
        let known = if path.segments.len() == 1 { BUILT_IN } else { TOOLS };
        !known.contains(&&*first)
    };
    !select(attributes, is_macro).is_empty()
}

/// The attributes that are `wanted`. Those in a `cfg_attr` are judged one by one.
pub(crate) fn select(attributes: &[Attribute], wanted: impl Fn(&Meta) -> bool) -> TokenStream {
    let metas = attributes.iter().filter_map(|attribute| selected(&attribute.meta, &wanted));
    quote!(#(#[#metas])*)
}

/// The attribute with `allow` instead of `expect`, for a parameter of which there will be copies.
pub(crate) fn without_expect(mut attribute: Attribute) -> Attribute {
    let allowing = selected(&attribute.meta, &|_| true).and_then(|meta| syn::parse2(meta).ok());
    attribute.meta = allowing.unwrap_or(attribute.meta);
    attribute
}

fn selected(meta: &Meta, wanted: &impl Fn(&Meta) -> bool) -> Option<TokenStream> {
    if meta.path().is_ident("cfg_attr") {
        return selected_in_cfg_attr(meta, wanted);
    }
    wanted(meta).then(|| allow_for_expect(meta))
}

/// A `cfg_attr` with those of its attributes that are wanted.
fn selected_in_cfg_attr(meta: &Meta, wanted: &impl Fn(&Meta) -> bool) -> Option<TokenStream> {
    let parser = Punctuated::<Meta, Token![,]>::parse_terminated;
    // If it does not parse, rustc reports it on the function.
    let parts = parser.parse2(meta.require_list().ok()?.tokens.clone()).ok()?;
    let mut parts = parts.iter();
    let condition = parts.next()?;
    let metas: Vec<_> = parts.filter_map(|part| selected(part, wanted)).collect();
    (!metas.is_empty()).then(|| quote!(cfg_attr(#condition, #(#metas),*)))
}

/// The expansion has copies of the function. The lint fires in one copy, so an `expect` on the others would fail.
fn allow_for_expect(meta: &Meta) -> TokenStream {
    match meta {
        Meta::List(list) if list.path.is_ident("expect") => {
            let lints = &list.tokens;
            quote!(allow(#lints))
        }
        other => other.to_token_stream(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_of_the_compiler_are_no_macros() {
        for (given, expected) in [
            (quote!(#[inline(never)] #[unsafe(no_mangle)] #[doc = "x"] #[rustfmt::skip]), false),
            (quote!(#[cfg_attr(a, allow(b), cfg(c))]), false),
            (quote!(#[instrument]), true),
            (quote!(#[tracing::instrument(skip_all)]), true),
            (quote!(#[cfg_attr(a, allow(b), tracing::instrument)]), true),
            (quote!(#[inline::inline]), true),
        ] {
            let given = Attribute::parse_outer.parse2(given).unwrap();
            assert_eq!(has_macro(&given), expected, "{}", quote!(#(#given)*));
        }
    }

    #[test]
    fn an_expect_on_a_parameter_becomes_allow() {
        for (given, allowing) in [
            (quote!(#[expect(unused)]), quote!(#[allow(unused)])),
            (quote!(#[cfg_attr(a, expect(b), cfg(c))]), quote!(#[cfg_attr(a, allow(b), cfg(c))])),
            (quote!(#[cfg_attr(a)]), quote!(#[cfg_attr(a)])),
            (quote!(#[cfg(a)]), quote!(#[cfg(a)])),
        ] {
            let given = Attribute::parse_outer.parse2(given).unwrap().remove(0);
            assert_eq!(without_expect(given).to_token_stream().to_string(), allowing.to_string());
        }
    }
}
