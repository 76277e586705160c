//! A selection of attributes, in which `expect` becomes `allow` and `cfg_attr` is searched too.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::{Attribute, Meta, Token};

pub(crate) fn has(attributes: &[Attribute], name: &str) -> bool {
    attributes.iter().any(|attribute| attribute.path().is_ident(name))
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
