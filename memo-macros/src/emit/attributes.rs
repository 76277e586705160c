//! Which of a function's attributes its companions share.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::{Attribute, Meta, Token};

/// What an attribute is about, as far as companions care.
enum Kind {
    /// Whether the function exists and which lints it answers to: true of every companion.
    Every,
    /// How the body is compiled: true of the companion that holds the body.
    Body,
    /// An attribute behind a condition.
    Conditional,
    /// The function's alone: docs, symbols, what other macros do. Deprecation too, since a
    /// function and its companions call each other, which rustc would report.
    Own,
}

fn kind(meta: &Meta) -> Kind {
    let Some(name) = meta.path().get_ident() else {
        return Kind::Own;
    };
    match name.to_string().as_str() {
        "cfg" | "allow" | "expect" | "warn" | "deny" | "forbid" => Kind::Every,
        "inline" | "must_use" | "track_caller" | "target_feature" => Kind::Body,
        "cfg_attr" => Kind::Conditional,
        _ => Kind::Own,
    }
}

/// The attributes that every companion shares.
pub(crate) fn shared(attributes: &[Attribute]) -> TokenStream {
    pick(attributes, |kind| matches!(kind, Kind::Every))
}

/// The attributes of the companion that holds the body.
pub(crate) fn of_body(attributes: &[Attribute]) -> TokenStream {
    pick(attributes, |kind| matches!(kind, Kind::Every | Kind::Body))
}

/// All attributes, fit for a function that no longer holds its body.
pub(crate) fn without_expectations(attributes: &[Attribute]) -> TokenStream {
    pick(attributes, |_| true)
}

/// A parameter's attribute, fit for copies of the parameter too.
pub(crate) fn without_expectation(mut attribute: Attribute) -> Attribute {
    let lenient = picked(&attribute.meta, &|_| true).and_then(|meta| syn::parse2(meta).ok());
    attribute.meta = lenient.unwrap_or(attribute.meta);
    attribute
}

pub(crate) fn has(attributes: &[Attribute], name: &str) -> bool {
    attributes.iter().any(|attribute| attribute.path().is_ident(name))
}

fn pick(attributes: &[Attribute], wanted: impl Fn(Kind) -> bool) -> TokenStream {
    let metas = attributes.iter().filter_map(|attribute| picked(&attribute.meta, &wanted));
    quote!(#(#[#metas])*)
}

fn picked(meta: &Meta, wanted: &impl Fn(Kind) -> bool) -> Option<TokenStream> {
    match kind(meta) {
        Kind::Conditional => conditional(meta, wanted),
        kind => wanted(kind).then(|| lenient(meta)),
    }
}

/// A `cfg_attr` with those of its attributes that are wanted.
fn conditional(meta: &Meta, wanted: &impl Fn(Kind) -> bool) -> Option<TokenStream> {
    let parser = Punctuated::<Meta, Token![,]>::parse_terminated;
    // What does not parse is left to rustc's own message on the function.
    let parts = parser.parse2(meta.require_list().ok()?.tokens.clone()).ok()?;
    let mut parts = parts.iter();
    let condition = parts.next()?;
    let metas: Vec<_> = parts.filter_map(|part| picked(part, wanted)).collect();
    (!metas.is_empty()).then(|| quote!(cfg_attr(#condition, #(#metas),*)))
}

/// `expect` as `allow`: the lint fires in one of the copies, and would be missed in the others.
fn lenient(meta: &Meta) -> TokenStream {
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
    use syn::parse_quote;

    #[test]
    fn what_is_expected_of_a_parameter_is_allowed() {
        for (given, lenient) in [
            (quote!(#[expect(unused)]), quote!(#[allow(unused)])),
            (quote!(#[cfg_attr(a, expect(b), cfg(c))]), quote!(#[cfg_attr(a, allow(b), cfg(c))])),
            (quote!(#[cfg_attr(a)]), quote!(#[cfg_attr(a)])),
            (quote!(#[cfg(a)]), quote!(#[cfg(a)])),
        ] {
            let given = Attribute::parse_outer.parse2(given).unwrap().remove(0);
            assert_eq!(
                without_expectation(given).to_token_stream().to_string(),
                lenient.to_string()
            );
        }
    }

    #[test]
    fn each_kind_goes_where_it_belongs() {
        let function: syn::ItemFn = parse_quote! {
            /// Doc.
            #[cfg(unix)]
            #[expect(dead_code, reason = "r")]
            #[deprecated]
            #[must_use]
            #[inline(never)]
            #[unsafe(no_mangle)]
            #[tracing::instrument]
            #[cfg_attr(test, no_mangle, must_use, allow(unused))]
            #[cfg_attr(test, doc = "x")]
            fn f() {}
        };
        let shared = shared(&function.attrs).to_string();
        let expected = quote! {
            #[cfg(unix)] #[allow(dead_code, reason = "r")]
            #[cfg_attr(test, allow(unused))]
        };
        assert_eq!(shared, expected.to_string());
        let body = of_body(&function.attrs).to_string();
        let expected = quote! {
            #[cfg(unix)] #[allow(dead_code, reason = "r")] #[must_use]
            #[inline(never)] #[cfg_attr(test, must_use, allow(unused))]
        };
        assert_eq!(body, expected.to_string());
    }
}
