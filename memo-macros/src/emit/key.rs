//! The key of a call.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::Expr;
use syn::ext::IdentExt;

use crate::emit::expansion::{Expansion, Item};
use crate::emit::hygiene::{first_span, local};
use crate::parse::parameter::{Binding, Parameter};

/// What makes the key, and the tags if the function has any.
pub(super) fn key(expansion: &Expansion<'_>, item: Item) -> TokenStream {
    let key = elements(expansion, item);
    match &expansion.args.tags {
        Some(given) => {
            let tags = tags(&given.value);
            quote!(__memokit::tagged(#key, || #tags))
        }
        None => key,
    }
}

/// The tags. Each element of a list is made one.
fn tags(value: &Expr) -> TokenStream {
    let Expr::Array(list) = value else { return quote!(__memokit::tags(#value)) };
    let tags = list.elems.iter().map(|element| {
        let span = first_span(element.to_token_stream());
        let element = borrowed(element);
        quote_spanned!(span=> __memokit::tag(&#element))
    });
    quote!(__memokit::tags([#(#tags),*]))
}

/// The key as nested pairs. Each element has the span of its parameter.
fn elements(expansion: &Expansion<'_>, item: Item) -> TokenStream {
    let (function, args) = (expansion.function, expansion.args);
    if let Some(given) = &args.key {
        let value = &borrowed(&given.value);
        let element = element(item, value, &quote!(key: #value));
        return quote!((#element, ()));
    }
    let parameters: Vec<&Parameter> =
        function.parameters.iter().filter(|parameter| !args.skips(&parameter.name)).collect();
    let elements = parameters.iter().map(|p| (p.condition(), element(item, &p.name, &p.name)));
    let this = function.receiver().map(|receiver| receiver.self_token);
    let this = this.filter(|this| !args.skips(&Ident::new("self", this.span)));
    let this = this.map(|this| (TokenStream::new(), element(item, &this, &quote!(self: #this))));
    let elements: Vec<_> = this.into_iter().chain(elements).collect();
    if parameters.iter().any(|parameter| parameter.is_conditional()) {
        return step_by_step(&elements);
    }
    let end = quote!(());
    elements.iter().rev().fold(end, |rest, (_, element)| quote!((#element, #rest)))
}

/// What the elements of the key are called, as a reference to an array.
pub(super) fn names(expansion: &Expansion<'_>) -> TokenStream {
    let (function, args) = (expansion.function, expansion.args);
    if args.key.is_some() {
        return quote!(["key"]);
    }
    let this = function.receiver().map(|receiver| receiver.self_token);
    let this = this.filter(|this| !args.skips(&Ident::new("self", this.span))).map(|_| "self");
    let parameters = function.parameters.iter().filter(|parameter| !args.skips(&parameter.name));
    let names = parameters.map(|parameter| {
        let (condition, pattern) = (parameter.condition(), &parameter.typed.pat);
        let name = match parameter.binding {
            // rustc and proc-macro2 print the space before a comma differently.
            Binding::Pattern => pattern.to_token_stream().to_string().replace(" ,", ","),
            Binding::Plain | Binding::Mutable => parameter.name.unraw().to_string(),
        };
        quote!(#condition #name)
    });
    let this = this.into_iter().map(ToTokens::into_token_stream);
    let names = this.chain(names);
    quote!([#(#names),*])
}

/// Borrows the parameters and fields in a tuple, which would else be moved into it. A reference has the key of its value.
fn borrowed(value: &Expr) -> Expr {
    match value {
        Expr::Tuple(tuple) => {
            let mut tuple = tuple.clone();
            for part in &mut tuple.elems {
                *part = match part {
                    Expr::Tuple(_) => borrowed(part),
                    Expr::Path(path) if path.path.get_ident().is_some() => {
                        syn::parse_quote!(&#part)
                    }
                    Expr::Field(_) => syn::parse_quote!(&#part),
                    _ => continue,
                };
            }
            Expr::Tuple(tuple)
        }
        _ => value.clone(),
    }
}

/// A key with parameters behind a `cfg`. The macro does not know its length, so a `let` adds each element.
fn step_by_step(elements: &[(TokenStream, TokenStream)]) -> TokenStream {
    let key = local("key");
    let steps = elements
        .iter()
        .rev()
        .map(|(condition, element)| quote!(#condition let #key = (#element, #key);));
    quote!({ let #key = (); #(#steps)* #key })
}

/// An element of the key. A mistake in it is reported under it, and not again for a companion.
fn element(item: Item, value: &impl ToTokens, named: &impl ToTokens) -> TokenStream {
    let span = first_span(value.to_token_stream());
    match item {
        Item::Function => quote_spanned!(span=> __memokit::element!(#named)),
        Item::Companion => quote_spanned!(span=> __memokit::quiet!(#value)),
    }
}
