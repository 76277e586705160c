//! The body of the function, as the expression that computes the result.

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote, quote_spanned};

use crate::check::body_location::BodyLocation;
use crate::emit::attributes;
use crate::emit::expansion::{Expansion, Item};
use crate::emit::generics::{Named, turbofish};
use crate::emit::lints::used_underscore;
use crate::emit::signature::{arguments, parameter_as_written};
use crate::parse::parameter::{Binding, Parameter};
use crate::syntax::type_walk::{Found, walk};

/// The expression that runs the body.
pub(super) fn computation(expansion: &Expansion<'_>, location: BodyLocation) -> TokenStream {
    match location {
        BodyLocation::Companion => call_of_companion(expansion),
        BodyLocation::InnerFunction => inner_function(expansion),
        BodyLocation::Closure => closure(expansion, Item::Function),
    }
}

/// `Self::NAME_uncached(..)`, or `NAME_uncached(..)` after a check that this is the function's own companion.
pub(super) fn call_of_companion(expansion: &Expansion<'_>) -> TokenStream {
    let function = expansion.function;
    let (uncached, arguments) = (expansion.companion_name("uncached"), arguments(function));
    let generics = Named::new(function, function.signature.clone()).turbofish();
    if !expansion.args.in_impl(function) {
        let (call, proof) = (quote!(#uncached #generics(#arguments)), expansion.sibling());
        let call = unsafe_call(expansion, call);
        return quote!({ const _: bool = #proof; #call });
    }
    let this = expansion.self_type();
    unsafe_call(expansion, quote!(#this::#uncached #generics(#arguments)))
}

/// A copy of the function inside it, and its call.
fn inner_function(expansion: &Expansion<'_>) -> TokenStream {
    let (function, arguments) = (expansion.function, arguments(expansion.function));
    let mut signature = function.signature.clone();
    signature.ident = format_ident!("__memokit_{}", function.plain_name());
    attributes::leave_shared_on_parameters(&mut signature);
    let (name, body) = (&signature.ident, &function.body);
    let attributes = attributes::of_body(&function.attributes);
    let generics = turbofish(&signature.generics, 0);
    let call = unsafe_call(expansion, quote!(#name #generics(#arguments)));
    quote!({ #attributes #signature #body #call })
}

fn unsafe_call(expansion: &Expansion<'_>, call: TokenStream) -> TokenStream {
    match expansion.function.signature.safety {
        syn::Safety::Unsafe(_) => quote!(unsafe { #call }),
        _ => call,
    }
}

/// A closure with a copy of the body, and its call.
///
/// Parameters of the function become parameters of the closure if their types can be written, since rustc reports
/// mistakes about parameters as it does in a function. The others are captured.
pub(super) fn closure(expansion: &Expansion<'_>, item: Item) -> TokenStream {
    let (function, output) = (expansion.function, expansion.function.output());
    let (passed, captured): (Vec<_>, Vec<_>) =
        function.parameters.iter().partition(|parameter| is_passed(expansion, parameter));
    let arguments: Vec<_> = passed.iter().map(|p| closure_argument(expansion, p)).collect();
    let parameters: Vec<_> = passed.iter().map(|p| closure_parameter(expansion, p, item)).collect();
    let bindings = captured.iter().filter_map(|parameter| binding(expansion, parameter));
    let bindings: TokenStream = bindings.collect();
    let body = if bindings.is_empty() {
        function.body.to_token_stream()
    } else {
        let body = function.body.stream();
        quote!({ #bindings #body })
    };
    // The span of `fn` makes rustc treat the closure as the function in its messages.
    let head = quote_spanned!(function.signature.fn_token.span=> move |#(#parameters),*| ->);
    quote!((#head #output #body)(#(#arguments),*))
}

fn closure_argument(expansion: &Expansion<'_>, parameter: &Parameter) -> TokenStream {
    // The place where the body would use it.
    let span = expansion.function.body.span().resolved_at(parameter.name.span());
    let (condition, mut name) = (parameter.condition(), parameter.name.clone());
    name.set_span(span);
    let lint = parameter.is_underscored().then(used_underscore);
    quote!(#condition #lint #name)
}

fn closure_parameter(expansion: &Expansion<'_>, parameter: &Parameter, item: Item) -> TokenStream {
    let typed = parameter_as_written(expansion, parameter);
    // It has the name of a parameter of the function.
    let shadows = parameter.binding != Binding::Pattern && matches!(item, Item::Function);
    let lint = shadows.then(|| quote!(#[allow(clippy::shadow_reuse)]));
    quote!(#lint #typed)
}

/// False for a pattern that the key takes apart, and for a type without a name.
fn is_passed(expansion: &Expansion<'_>, parameter: &Parameter) -> bool {
    let mut opaque = false;
    walk(&parameter.typed.ty, &mut |found| opaque |= matches!(found, Found::Opaque(_)));
    let taken_apart = parameter.binding == Binding::Pattern && expansion.args.key.is_some();
    !opaque && !taken_apart
}

/// Binds a captured parameter as it was written, if the function has it under a plain name.
fn binding(expansion: &Expansion<'_>, parameter: &Parameter) -> Option<TokenStream> {
    let rebound = match parameter.binding {
        Binding::Plain => false,
        Binding::Mutable => true,
        Binding::Pattern => expansion.args.key.is_none(),
    };
    let (condition, name) = (parameter.condition(), &parameter.name);
    let pattern = &parameter.typed.pat;
    rebound.then(|| {
        quote! {
            #condition
            #[allow(clippy::ignored_unit_patterns)]
            let #pattern = #name;
        }
    })
}
