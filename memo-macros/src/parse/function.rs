//! The annotated function, taken apart.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, FnArg, Pat, PatType, Receiver, ReturnType, Signature, Token, Visibility};

use crate::emit::attributes;

/// A function with a body, which stays the tokens it was written as.
pub(crate) struct Function {
    /// Outer attributes, and the inner ones of the body turned outer.
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) signature: Signature,
    pub(crate) parameters: Vec<Parameter>,
    /// The block with its braces.
    pub(crate) body: Group,
}

/// A parameter other than `self`.
pub(crate) struct Parameter {
    /// Its name, or one made up for a pattern.
    pub(crate) name: Ident,
    pub(crate) shape: Shape,
    pub(crate) typed: PatType,
}

/// How a parameter is bound.
#[derive(PartialEq)]
pub(crate) enum Shape {
    Plain,
    Mutable,
    Pattern,
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut attributes = input.call(Attribute::parse_outer)?;
        let visibility = input.parse()?;
        let mut signature: Signature = input.parse()?;
        if input.peek(Token![;]) {
            return Err(syn::Error::new_spanned(
                &signature.ident,
                "there is no body here to memoize: annotate each function that has one \
                 (in the impl of a trait with `companion = none`), or one that calls this",
            ));
        }
        let (inner, body) = input.parse::<Body>()?.parts();
        attributes.extend(inner);
        signature.inputs.iter_mut().for_each(|input| {
            let attributes = attributes_of(input);
            *attributes = attributes.drain(..).map(attributes::without_expectation).collect();
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

fn holds_given_block(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Group(group) if group.delimiter() == Delimiter::None => {
            matches!(group.stream().into_iter().next(), Some(TokenTree::Group(block)) if block.delimiter() == Delimiter::Brace)
                || holds_given_block(group.stream())
        }
        TokenTree::Group(group) => holds_given_block(group.stream()),
        _ => false,
    })
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
    typed.enumerate().map(|(at, typed)| parameter(at, typed)).collect()
}

fn parameter(at: usize, typed: &PatType) -> Parameter {
    let (name, shape) = match &*typed.pat {
        Pat::Ident(plain) if plain.by_ref.is_none() && plain.subpat.is_none() => {
            let mutable = plain.mutability.is_some();
            (plain.ident.clone(), if mutable { Shape::Mutable } else { Shape::Plain })
        }
        pattern => {
            let span = syn::spanned::Spanned::span(pattern);
            let span = Span::mixed_site().located_at(span);
            (format_ident!("__memokit_{at}", span = span), Shape::Pattern)
        }
    };
    Parameter { name, shape, typed: typed.clone() }
}

impl Parameter {
    /// The attributes that a use of the parameter shares with it.
    pub(crate) fn condition(&self) -> TokenStream {
        let conditions = self.conditions();
        quote!(#(#conditions)*)
    }

    pub(crate) fn conditions(&self) -> impl Iterator<Item = &Attribute> {
        self.typed.attrs.iter().filter(|attribute| attribute.path().is_ident("cfg"))
    }

    /// Whether it was named as what is not used, which clippy then says of every use.
    pub(crate) fn is_underscored(&self) -> bool {
        self.shape != Shape::Pattern && self.name.to_string().starts_with('_')
    }

    pub(crate) fn conditional(&self) -> bool {
        attributes::has(&self.typed.attrs, "cfg")
    }
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

    /// The return type, `()` where none is written.
    pub(crate) fn output(&self) -> TokenStream {
        match &self.signature.output {
            ReturnType::Default => quote!(()),
            ReturnType::Type(_, ty) => ty.to_token_stream(),
        }
    }

    /// The signature with `rename`d parameters, each without `mut`; patterns stay if `patterns`.
    pub(crate) fn signature(&self, patterns: bool) -> Signature {
        let mut signature = self.signature.clone();
        let typed = signature.inputs.iter_mut().filter_map(|input| match input {
            FnArg::Typed(typed) => Some(typed),
            FnArg::Receiver(_) => None,
        });
        for (typed, parameter) in typed.zip(&self.parameters) {
            if parameter.shape == Shape::Pattern && patterns {
                continue;
            }
            let name = &parameter.name;
            *typed.pat = Pat::Ident(syn::PatIdent {
                attrs: Vec::new(),
                by_ref: None,
                mutability: None,
                ident: name.clone(),
                subpat: None,
            });
        }
        signature
    }

    /// The parameters as arguments of a call.
    pub(crate) fn arguments(&self) -> TokenStream {
        let receiver = self.receiver().map(|receiver| {
            let this = receiver.self_token;
            quote!(#this,)
        });
        let rest = self.parameters.iter().map(|parameter| {
            let (condition, name) = (parameter.condition(), &parameter.name);
            let lint = parameter.is_underscored().then(used_underscore);
            quote!(#condition #lint #name)
        });
        quote!(#receiver #(#rest),*)
    }

    /// An attribute for a body with a block that a `macro_rules!` was given: in an expansion rustc says that its braces
    /// are not needed.
    pub(crate) fn given_braces(&self) -> Option<TokenStream> {
        holds_given_block(self.body.stream()).then(|| quote!(#[allow(unused_braces)]))
    }

    /// Whether the function shows that it stands in an impl or a trait.
    ///
    /// `Self` of an item inside the body is that item's own.
    pub(crate) fn shows_self(&self) -> bool {
        self.receiver().is_some()
            || mentions_self(self.signature.to_token_stream())
            || mentions_self(self.body.stream())
    }
}

/// An attribute for what uses an underscored parameter in our name.
pub(crate) fn used_underscore() -> TokenStream {
    quote!(#[allow(clippy::used_underscore_binding)])
}

/// Whether `Self` occurs in tokens, other than in an item among them.
pub(crate) fn mentions_self(tokens: TokenStream) -> bool {
    let mut tokens = tokens.into_iter();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Ident(word) if word == "Self" => return true,
            TokenTree::Ident(word) if opens_item(&word) => {
                tokens.by_ref().find(closes_item);
            }
            TokenTree::Group(group) if mentions_self(group.stream()) => return true,
            _ => {}
        }
    }
    false
}

/// Whether the value `self` occurs in tokens, as opposed to the module in `self::`.
pub(crate) fn mentions_receiver(tokens: TokenStream) -> bool {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let colon =
            |next: &TokenTree| matches!(next, TokenTree::Punct(mark) if mark.as_char() == ':');
        match token {
            TokenTree::Ident(word) if word == "self" && !tokens.peek().is_some_and(colon) => {
                return true;
            }
            TokenTree::Group(group) if mentions_receiver(group.stream()) => return true,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn function(text: &str) -> Function {
        syn::parse_str(text).unwrap()
    }

    #[test]
    fn self_is_seen_where_it_is_the_functions() {
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
        let function = function("fn f(&self, a: u8, mut b: u8, (c, d): (u8, u8), _: u8) {}");
        let names: Vec<_> = function.parameters.iter().map(|p| p.name.to_string()).collect();
        assert_eq!(names, ["a", "b", "__memokit_2", "__memokit_3"]);
        let signature = function.signature(false).to_token_stream().to_string();
        let expected =
            "fn f (& self , a : u8 , b : u8 , __memokit_2 : (u8 , u8) , __memokit_3 : u8)";
        assert_eq!(signature, expected);
        let calls = function.arguments().to_string();
        assert_eq!(calls, "self , a , b , __memokit_2 , __memokit_3");
    }

    #[test]
    fn inner_attributes_leave_the_body() {
        let function = function("fn f() { #![allow(unused)] 1; }");
        assert_eq!(function.attributes.len(), 1);
        assert_eq!(function.body.stream().to_string(), "1 ;");
    }
}
