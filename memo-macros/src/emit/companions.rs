//! The functions beside an annotated one.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{FnArg, ReturnType, Signature};

use crate::emit::attributes;
use crate::emit::body::{Asking, Course, Plan};
use crate::syntax::type_walk::{Found, walk};

impl Plan<'_> {
    /// The companions, or nothing where there are to be none.
    pub(crate) fn companions(&self) -> TokenStream {
        let (names, handle, key) = (self.names(), self.handle(), self.key(Asking::Companion));
        let handle = self.memo_companion(&quote!({ #names #handle }));
        let key = self.key_companion(&quote!({ #names __memokit::key(&#key) }));
        let uncached = match Course::of(self.function, self.args) {
            Course::Closure => self.copied_body(),
            Course::Inner | Course::Companion => self.uncached_companion(None),
        };
        quote!(#handle #key #uncached)
    }

    /// Companions that only have to type check, for a function that is not to be memoized.
    pub(crate) fn stand_ins(&self) -> TokenStream {
        let never = quote!({ loop {} });
        let handle = self.returns_nameable().then(|| self.memo_companion(&never));
        let key = self.key_companion(&never);
        let uncached = self.uncached_companion(None);
        quote!(#handle #key #uncached)
    }

    fn returns_nameable(&self) -> bool {
        let ReturnType::Type(_, ty) = &self.function.signature.output else { return true };
        let mut nameable = !matches!(**ty, syn::Type::Never(_));
        walk(ty, &mut |found| {
            nameable &= match found {
                Found::Reference(reference, elides) => reference.lifetime.is_some() || !elides,
                Found::Lifetime(_) | Found::Opaque(_) => false,
                Found::Path(_) => true,
            };
        });
        nameable
    }

    fn memo_companion(&self, body: &TokenStream) -> Option<TokenStream> {
        let name = self.companion("memo")?;
        let function = self.function.plain_name();
        let doc = format!(" The cache of `{function}`: what is in it, and how it is doing.");
        let (output, facade) = (self.function.output(), self.facade());
        let generics = self.function.named(self.function.signature.clone()).of_a_handle();
        let filter = &generics.where_clause;
        let item = quote!(fn #name #generics() -> #facade::Memo<#output> #filter #body);
        Some(self.companion_item(&doc, &item))
    }

    fn key_companion(&self, body: &TokenStream) -> Option<TokenStream> {
        let name = self.companion("key")?;
        let function = self.function.plain_name();
        let doc = format!(" The key under which the result of this call of `{function}` is kept.");
        let written = self.function.signature(self.args.key.is_some());
        let written = self.function.named(written).signature;
        let (generics, filter) = (&written.generics, &written.generics.where_clause);
        let inputs = self.key_inputs(&written);
        let facade = self.facade();
        Some(self.companion_item(
            &doc,
            &quote!(fn #name #generics (#inputs) -> #facade::Key #filter #body),
        ))
    }

    /// The inputs of a call, none of which the key changes.
    fn key_inputs(&self, written: &syn::Signature) -> TokenStream {
        let mut inputs = written.inputs.clone();
        if let Some(FnArg::Receiver(receiver)) = inputs.first_mut() {
            receiver.mutability = None;
        }
        inputs.to_token_stream()
    }

    /// A companion of ours: no lint is to speak of it, and the user's own about the types that it
    /// names hold. Inline, so that it is no code where nobody calls it.
    fn companion_item(&self, doc: &str, item: &TokenStream) -> TokenStream {
        let attributes = attributes::shared(&self.function.attributes);
        let visibility = &self.function.visibility;
        quote! {
            #attributes
            #[doc = #doc]
            #[allow(unused, unreachable_pub, non_snake_case, clippy::all, clippy::pedantic)]
            #[inline]
            #visibility #item
        }
    }

    /// With the body as the function has it: what is wrong with both is reported once if they are alike.
    fn copied_body(&self) -> Option<TokenStream> {
        let function = self.function;
        let (signature, body) = if function.signature.asyncness.is_some() {
            (self.task_signature(Course::Closure), self.future(Course::Closure))
        } else {
            (
                function.signature(self.args.key.is_some()),
                self.unsafely(self.copy(Asking::Companion)),
            )
        };
        self.uncached_companion(Some((signature, quote!({ #body }))))
    }

    /// A copy of an unsafe function's body, of which rustc says no second time where it is unsafe.
    fn unsafely(&self, body: TokenStream) -> TokenStream {
        match self.function.signature.safety {
            syn::Safety::Unsafe(_) => quote!({ unsafe { #body } }),
            _ => body,
        }
    }

    /// The signature as written.
    fn written(&self) -> Signature {
        let mut signature = self.function.signature.clone();
        let mut parameters = self.function.parameters.iter();
        for input in &mut signature.inputs {
            if let FnArg::Typed(typed) = input {
                parameters.next().into_iter().for_each(|parameter| *typed = self.typed(parameter));
            }
        }
        signature
    }

    /// The function as written, or with another signature and body that do the same.
    fn uncached_companion(&self, other: Option<(Signature, TokenStream)>) -> Option<TokenStream> {
        let name = self.companion("uncached")?;
        let function = self.function;
        let doc = format!(
            " `{}` as written: computes, and neither reads nor fills the cache.",
            function.plain_name()
        );
        let attributes = attributes::of_body(&function.attributes);
        let inline = (!attributes::has(&function.attributes, "inline")).then(|| quote!(#[inline]));
        let braces = function.given_braces();
        let lints = match Course::of(function, self.args) {
            // The body is in the function too, and its lints are reported there.
            Course::Inner | Course::Closure => quote! {
                #[allow(unused, overflowing_literals, arithmetic_overflow, unconditional_panic)]
                #[allow(unreachable_pub, non_snake_case, clippy::all, clippy::pedantic, clippy::nursery)]
                #[allow(clippy::restriction)]
            },
            Course::Companion => quote! {
                #braces
                #[allow(dead_code, unreachable_pub, non_snake_case, clippy::missing_safety_doc)]
                #[allow(clippy::missing_const_for_fn, clippy::missing_panics_doc)]
                #[allow(clippy::missing_errors_doc)]
            },
        };
        let (signature, body) = other.unwrap_or_else(|| {
            let body = function.body.to_token_stream();
            let copied = Course::of(function, self.args) == Course::Inner;
            let body = if copied { self.unsafely(body) } else { body };
            (self.written(), body)
        });
        let deprecated = attributes::has(&function.attributes, "deprecated")
            .then(|| quote!(#[allow(deprecated)]));
        let visibility = &function.visibility;
        let named = function.named(signature).signature;
        let signature = Signature { ident: name, ..named };
        Some(quote! {
            #attributes
            #[doc = #doc]
            #lints
            #deprecated
            #inline
            #visibility #signature #body
        })
    }
}
