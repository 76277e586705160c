//! The function that looks into its cache first, of an `async fn`: one that returns a future of the runtime's.
//!
//! An `async fn` that awaited the body would store its arguments twice, or the body.

use proc_macro2::{Delimiter, Group, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::FnArg;

use crate::emit::attributes;
use crate::emit::body::{Asking, Course, Plan, first_span, local};
use crate::parse::function::{Parameter, Shape, used_underscore};

impl Plan<'_> {
    pub(crate) fn task(&self) -> TokenStream {
        let function = self.function;
        let attributes = attributes::without_expectations(&function.attributes);
        let (visibility, facade) = (&function.visibility, self.facade());
        let course = Course::of(function, self.args);
        let (names, memo, key) =
            (self.names(), self.memo(Asking::Function), self.key(Asking::Function));
        let (asked, body) = (local("asked"), self.future(course));
        let ask = match &self.args.verify {
            Some(given) => {
                let share = &given.value;
                quote!(ask_or_verify(&#key, #share))
            }
            None => quote!(ask(&#key)),
        };
        let compute = match &self.args.cache_if {
            Some(given) => {
                let (cache_if, span) = (&given.value, first_span(given.tokens.clone()));
                quote_spanned!(span=> compute_if(#body, #cache_if))
            }
            None => quote!(compute(#body)),
        };
        let (signature, lint, braces) =
            (self.task_signature(course), self.lint(), function.given_braces());
        quote! {
            #attributes
            #braces
            #[allow(clippy::double_must_use, clippy::manual_async_fn)]
            #visibility #signature {
                #facade::__private::call(move || {
                    #lint
                    let #asked = {
                        #names
                        #memo.#ask
                    };
                    #asked.#compute
                })
            }
        }
    }

    pub(crate) fn task_signature(&self, course: Course) -> syn::Signature {
        let mut signature = self.function.signature(self.args.key.is_some());
        if let (Course::Companion, Some(FnArg::Receiver(receiver))) =
            (course, signature.inputs.first_mut())
        {
            receiver.mutability = None;
        }
        let (facade, output) = (self.facade(), self.function.output());
        // With the edition of this crate, in which such a type holds all lifetimes of the signature.
        let span = proc_macro2::Span::mixed_site();
        let future = quote_spanned!(span=> -> impl #facade::__private::Future<Output = #output>);
        signature.asyncness = None;
        signature.output = syn::parse_quote!(#future);
        signature
    }

    /// The body's future, not polled yet.
    pub(crate) fn future(&self, course: Course) -> TokenStream {
        let (function, facade) = (self.function, self.facade());
        if course == Course::Companion {
            let (uncached, arguments) = (self.companion("uncached"), function.arguments());
            let generics = function.named(function.signature.clone()).turbofish();
            let this = self.this();
            return self.call(quote!(#this::#uncached #generics(#arguments)));
        }
        let (output, body) = (function.output(), function.body.stream());
        let mut returned = local("returned");
        // Where rustc says what the block returns: as the type that was written.
        returned.set_span(
            output.clone().into_iter().next().map_or_else(Span::call_site, |first| first.span()),
        );
        let bindings = function.parameters.iter().filter_map(|p| self.own(p));
        // The block's type is that of its first `return`, which never runs: later ones are made to fit it.
        let mut block = Group::new(
            Delimiter::Brace,
            quote! {
                if let #facade::__private::Option::Some(#returned) =
                    #facade::__private::Option::<#output>::None
                {
                    return #returned;
                }
                #(#bindings)*
                #body
            },
        );
        block.set_span(function.body.span());
        quote_spanned!(function.body.span()=> async move #block)
    }

    /// Has the body own a parameter, whether it uses it or not, until it ends: as an `async fn` does.
    fn own(&self, parameter: &Parameter) -> Option<TokenStream> {
        let (attributes, name) = (attributes::shared(&parameter.typed.attrs), &parameter.name);
        let pattern = &parameter.typed.pat;
        let underscored = parameter.is_underscored().then(|| {
            let used = used_underscore();
            quote!(#used #[allow(clippy::no_effect_underscore_binding)])
        });
        let own = quote! {
            #attributes
            #underscored
            #[allow(clippy::redundant_locals, clippy::shadow_same, clippy::shadow_reuse)]
        };
        let used = self.is_named_by_key(parameter).then(|| quote!(#[allow(unused_variables)]));
        match parameter.shape {
            Shape::Plain => Some(quote!(#own #used let #name = #name;)),
            Shape::Mutable => Some(quote!(#own #used let #pattern = #name;)),
            Shape::Pattern if self.args.key.is_none() => {
                Some(quote!(#own let #name = #name; #attributes let #pattern = #name;))
            }
            Shape::Pattern => None,
        }
    }
}
