//! The impl of a trait with its memoized functions, and beside it an item with their companions: an inherent impl of
//! the type, or a trait that the type implements.

use proc_macro2::{Group, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::{FnArg, ImplItemFn, Pat, Visibility};

use crate::emit::attributes::shared;
use crate::parse::trait_impl::{Home, TraitImpl};

/// The path by which a function of the impl names a companion, without the name: `Self`, or `<Self as Trait>`.
pub(crate) fn path_to_companions(of: &TraitImpl, home: &Home) -> TokenStream {
    let Some(name) = &home.name else { return quote!(Self) };
    let generics = &of.header.generics;
    let (_, arguments, _) = generics.split_for_impl();
    quote!(<Self as #name #arguments>)
}

/// The impl with these items.
pub(crate) fn filled(of: &TraitImpl, items: &TokenStream) -> TokenStream {
    let mut tokens: Vec<TokenTree> = of.header.to_token_stream().into_iter().collect();
    if let Some(TokenTree::Group(block)) = tokens.pop() {
        tokens.extend(regrouped(&block, items.clone()));
    }
    tokens.into_iter().collect()
}

/// A use of the attribute of the functions, which rustc does not see any more: its import would count as unused.
pub(crate) fn use_of_memoize(of: &TraitImpl) -> TokenStream {
    let path = &of.memoize;
    quote!(const _: () = { #[allow(unused_imports)] use #path as _; };)
}

/// The item with the companions.
pub(crate) fn home_of(of: &TraitImpl, home: &Home, companions: TokenStream) -> TokenStream {
    let companions = with_names_of_the_trait(of, companions);
    let (generics, self_type) = (&of.header.generics, &of.header.self_ty);
    let (parameters, arguments, clause) = generics.split_for_impl();
    let conditions = conditions(of);
    let Some(name) = &home.name else {
        return quote!(#conditions impl #parameters #self_type #clause { #companions });
    };
    let visibility = &home.visibility;
    let declared = declarations(of, &companions);
    let doc = " The companions of memoized functions of a trait.";
    quote! {
        #conditions
        #[doc = #doc]
        #[allow(dead_code, unreachable_pub, private_interfaces, private_bounds)]
        #visibility trait #name #parameters #clause { #declared }
        #conditions
        impl #parameters #name #arguments for #self_type #clause { #companions }
    }
}

/// Whether the impl exists, and its lints.
fn conditions(of: &TraitImpl) -> TokenStream {
    shared(&of.header.attrs)
}

/// The signatures of the companions, as a trait declares them. The type stands in place of `Self`: what its items are
/// is then known.
fn declarations(of: &TraitImpl, companions: &TokenStream) -> TokenStream {
    let Ok(Functions(functions)) = syn::parse2(companions.clone()) else { return quote!() };
    let this = &of.header.self_ty;
    let mut declared = TokenStream::new();
    for ImplItemFn { mut attrs, mut sig, .. } in functions {
        attrs.retain(|attribute| !attribute.path().is_ident("inline"));
        for input in &mut sig.inputs {
            if let FnArg::Typed(typed) = input {
                if !matches!(*typed.pat, Pat::Ident(_)) {
                    *typed.pat = syn::parse_quote!(_);
                }
            }
        }
        let signature = in_place_of_self(sig.to_token_stream(), &quote!(#this));
        declared.extend(quote!(#(#attrs)* #signature;));
    }
    declared
}

struct Functions(Vec<ImplItemFn>);

impl syn::parse::Parse for Functions {
    fn parse(input: syn::parse::ParseStream<'_>) -> syn::Result<Self> {
        let mut functions = Vec::new();
        while !input.is_empty() {
            let mut function: ImplItemFn = input.parse()?;
            function.vis = Visibility::Inherited;
            functions.push(function);
        }
        Ok(Self(functions))
    }
}

fn in_place_of_self(tokens: TokenStream, this: &TokenStream) -> TokenStream {
    let replace = |token| match token {
        TokenTree::Ident(word) if word == "Self" => quote_spanned!(word.span()=> #this),
        TokenTree::Group(group) => regrouped(&group, in_place_of_self(group.stream(), this)),
        other => other.into(),
    };
    tokens.into_iter().map(replace).collect()
}

/// Tokens of the impl, as they are written outside of it: `Self::Error` becomes `<Self as Trait>::Error`.
fn with_names_of_the_trait(of: &TraitImpl, tokens: TokenStream) -> TokenStream {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let is_colon =
        |at: usize| matches!(tokens.get(at), Some(TokenTree::Punct(mark)) if mark.as_char() == ':');
    let names_item = |at: usize| match tokens.get(at) {
        Some(TokenTree::Ident(name)) => of.names.contains(name),
        _ => false,
    };
    let path = &of.of;
    let mut out = TokenStream::new();
    for (at, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Ident(word)
                if word == "Self" && is_colon(at + 1) && is_colon(at + 2) && names_item(at + 3) =>
            {
                out.extend(quote_spanned!(word.span()=> <Self as #path>));
            }
            TokenTree::Group(group) => {
                out.extend(regrouped(group, with_names_of_the_trait(of, group.stream())));
            }
            other => out.extend([other.clone()]),
        }
    }
    out
}

fn regrouped(group: &Group, stream: TokenStream) -> TokenStream {
    let mut regrouped = Group::new(group.delimiter(), stream);
    regrouped.set_span(group.span());
    TokenTree::from(regrouped).into()
}
