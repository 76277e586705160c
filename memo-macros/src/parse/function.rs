//! The annotated function.

use proc_macro2::{Delimiter, Group, Ident, TokenStream};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, FnArg, Receiver, ReturnType, Signature, Token, Visibility};

use crate::parse::parameter::Parameter;
use crate::syntax::attributes;
use crate::syntax::tokens::mentions_self_type;
use crate::syntax::unique_items;

/// A function with a body. The body stays the tokens that were written.
pub(crate) struct Function {
    /// The outer attributes, and the inner ones of the body as outer ones.
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) signature: Signature,
    pub(crate) parameters: Vec<Parameter>,
    /// The block with its braces.
    pub(crate) body: Group,
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut attributes = input.call(Attribute::parse_outer)?;
        let visibility = input.parse()?;
        let mut signature: Signature = input.parse()?;
        if input.peek(Token![;]) {
            return Err(syn::Error::new_spanned(
                &signature.ident,
                "there is no body here to memoize: annotate each function that has one (in the impl of a trait \
                 with `companion = none`), or a function that calls this one. If another attribute has copied \
                 `#[memoize]` to this declaration, memoize a function that the body calls",
            ));
        }
        let (inner, body) = input.parse::<Body>()?.parts();
        attributes.extend(inner);
        signature.inputs.iter_mut().for_each(|input| {
            let attributes = attributes_of(input);
            *attributes = attributes.drain(..).map(attributes::without_expect).collect();
        });
        let parameters = parameters(&signature);
        Ok(Self { attributes, visibility, signature, parameters, body })
    }
}

struct Body {
    inner: Vec<Attribute>,
    block: Group,
}

impl Body {
    fn parts(self) -> (impl Iterator<Item = Attribute>, Group) {
        let outer = |attribute| Attribute { style: syn::AttrStyle::Outer, ..attribute };
        (self.inner.into_iter().map(outer), self.block)
    }
}

impl Parse for Body {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let content;
        let brace = syn::braced!(content in input);
        let inner = content.call(Attribute::parse_inner)?;
        let mut block = Group::new(Delimiter::Brace, content.parse()?);
        block.set_span(brace.span.join());
        Ok(Self { inner, block })
    }
}

fn attributes_of(input: &mut FnArg) -> &mut Vec<Attribute> {
    match input {
        FnArg::Receiver(receiver) => &mut receiver.attrs,
        FnArg::Typed(typed) => &mut typed.attrs,
    }
}

fn parameters(signature: &Signature) -> Vec<Parameter> {
    let typed = signature.inputs.iter().filter_map(|input| match input {
        FnArg::Typed(typed) => Some(typed),
        FnArg::Receiver(_) => None,
    });
    typed.enumerate().map(|(position, typed)| Parameter::new(position, typed)).collect()
}

impl Function {
    pub(crate) fn name(&self) -> &Ident {
        &self.signature.ident
    }

    /// The name without `r#`.
    pub(crate) fn plain_name(&self) -> String {
        self.name().unraw().to_string()
    }

    pub(crate) fn receiver(&self) -> Option<&Receiver> {
        self.signature.receiver()
    }

    pub(crate) fn is_async(&self) -> bool {
        self.signature.asyncness.is_some()
    }

    /// The return type, `()` if none is written.
    pub(crate) fn output(&self) -> TokenStream {
        match &self.signature.output {
            ReturnType::Default => quote!(()),
            ReturnType::Type(_, ty) => ty.to_token_stream(),
        }
    }

    /// A word that shows an item in the body that must not exist in two copies.
    pub(crate) fn unique_item(&self) -> Option<Ident> {
        unique_items::first_in(&self.body.stream())
    }

    /// Whether `self` or `Self` shows that the function stands in an impl or a trait.
    ///
    /// An item inside the body has a `Self` of its own, which does not count.
    pub(crate) fn shows_self(&self) -> bool {
        self.receiver().is_some()
            || mentions_self_type(self.signature.to_token_stream())
            || mentions_self_type(self.body.stream())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function(text: &str) -> Function {
        syn::parse_str(text).unwrap()
    }

    #[test]
    fn self_counts_where_it_is_the_functions() {
        for (text, shows) in [
            ("fn f(&self) {}", true),
            ("fn f(x: u32) -> Self { x.into() }", true),
            ("fn f(x: u32) -> u32 { vec![Self::A][x] }", true),
            ("fn f(x: u32) -> u32 { x }", false),
            ("fn f(x: self::T) -> u32 { self::g(x) }", false),
            ("fn f() { struct A; impl A { fn g(&self) -> Self { A } } A.g(); }", false),
            ("fn f() { struct A(u8); Self::g() }", true),
            ("fn f() { impl A { fn g(&self) -> Self { A } } Self::g() }", true),
        ] {
            assert_eq!(function(text).shows_self(), shows, "{text}");
        }
    }

    #[test]
    fn parameters_have_names() {
        let function = function(
            "fn f(&self, a: u8, mut b: u8, (c, d): (u8, u8), State(e): T, _: &Context<'_>, _: ()) {}",
        );
        let names: Vec<_> = function.parameters.iter().map(|p| p.name.to_string()).collect();
        let expected = [
            "a",
            "b",
            "__memokit_2_c_d",
            "__memokit_3_state_e",
            "__memokit_4_context",
            "__memokit_5",
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn inner_attributes_leave_the_body() {
        let function = function("fn f() { #![allow(unused)] 1; }");
        assert_eq!(function.attributes.len(), 1);
        assert_eq!(function.body.stream().to_string(), "1 ;");
    }
}
