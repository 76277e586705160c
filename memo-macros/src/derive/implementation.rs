//! The implementation of `Weigh` for a type: the sum over its fields.

use std::collections::BTreeMap;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::{Generics, Type, parse_quote};

use crate::derive::input::{Input, Variant};
use crate::emit::hygiene::{first_span, local};
use crate::errors::Errors;
use crate::syntax::type_walk::{Found, walk};

/// Expands `#[derive(Weigh)] item`.
pub(crate) fn derive(item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let Some(input) = Input::parse(item, &mut errors) else { return errors.into_tokens() };
    let facade = input.facade.as_ref().map_or_else(|| quote!(::memokit), ToTokens::to_token_stream);
    // After an error the type is `Weigh` all the same, so that rustc does not report that too.
    let method = errors.is_empty().then(|| heap_size(&input, &facade));
    let errors = errors.into_tokens();
    let (name, generics) = (&input.name, bounded(&input, &facade));
    let (parameters, arguments, conditions) = generics.split_for_impl();
    quote! {
        #[automatically_derived]
        impl #parameters #facade::Weigh for #name #arguments #conditions {
            #method
        }
        #errors
    }
}

fn heap_size(input: &Input, facade: &TokenStream) -> TokenStream {
    let body = if input.variants.is_empty() {
        quote!(match *self {})
    } else {
        let arms = input.variants.iter().map(|variant| arm(variant, facade));
        quote!(match self { #(#arms)* })
    };
    quote! {
        fn heap_size(&self) -> ::core::primitive::usize {
            #body
        }
    }
}

/// The arm of a variant. A field whose type is not `Weigh` is reported under its type.
fn arm(Variant { constructor, fields }: &Variant, facade: &TokenStream) -> TokenStream {
    let (patterns, sizes): (Vec<_>, Vec<_>) = fields
        .iter()
        .enumerate()
        .map(|(index, (member, ty))| {
            let field = local(&format!("field_{index}"));
            let span = first_span(ty.to_token_stream());
            let size = quote_spanned!(span=> <#ty as #facade::Weigh>::heap_size(#field));
            (quote!(#member: #field), size)
        })
        .unzip();
    quote!(#constructor { #(#patterns,)* .. } => 0_usize #(.saturating_add(#sizes))*,)
}

/// The generics of the type, with a bound for each type parameter, and each associated type of one, in the fields.
fn bounded(input: &Input, facade: &TokenStream) -> Generics {
    // By their texts, so that each gets one bound.
    let mut bounded = BTreeMap::new();
    let fields = input.variants.iter().flat_map(|variant| &variant.fields);
    for (_, ty) in fields.filter(|(_, ty)| !is_phantom(ty)) {
        walk(ty, &mut |found| {
            if let Found::Path(path) = found {
                let first = path.segments.first().map(|segment| &segment.ident);
                let is_parameter =
                    input.generics.type_params().any(|parameter| Some(&parameter.ident) == first);
                if is_parameter && path.leading_colon.is_none() {
                    bounded.insert(path.to_token_stream().to_string(), path);
                }
            }
        });
    }
    let mut generics = input.generics.clone();
    if !bounded.is_empty() {
        let conditions = generics.make_where_clause();
        let bounds = bounded.into_values().map(|path| parse_quote!(#path: #facade::Weigh));
        conditions.predicates.extend::<Vec<syn::WherePredicate>>(bounds.collect());
    }
    generics
}

/// A `PhantomData` owns nothing, whatever its argument is.
fn is_phantom(ty: &Type) -> bool {
    matches!(ty, Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == "PhantomData"))
}
