//! The functions beside an annotated one.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::ReturnType;

use crate::attributes;
use crate::emit::{Asking, Course, Plan};
use crate::types::{Found, walk};

impl Plan<'_> {
    /// The companions, or nothing where there are to be none.
    pub(crate) fn companions(&self) -> TokenStream {
        let (site, handle, key) = (self.site(), self.handle(), self.key(Asking::Companion));
        let facade = self.facade();
        let handle = self.memo_companion(&quote!({ #site #handle }));
        let key = self.key_companion(&quote!({
            use #facade::__private::{self as __memokit, probe::*};
            __memokit::key(&#key)
        }));
        let uncached = self.uncached_companion();
        quote!(#handle #key #uncached)
    }

    /// Companions that only have to type check, for a function that is not to be memoized.
    pub(crate) fn stand_ins(&self) -> TokenStream {
        let never = quote!({ loop {} });
        let handle = self.returns_nameable().then(|| self.memo_companion(&never));
        let key = self.key_companion(&never);
        let uncached = self.uncached_companion();
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
        if let Some(syn::FnArg::Receiver(receiver)) = inputs.first_mut() {
            receiver.mutability = None;
        }
        inputs.to_token_stream()
    }

    /// A companion of ours: no lint is to speak of it, and the user's own about the types that it
    /// names hold.
    fn companion_item(&self, doc: &str, item: &TokenStream) -> TokenStream {
        let attributes = attributes::shared(&self.function.attributes);
        let visibility = &self.function.visibility;
        quote! {
            #attributes
            #[doc = #doc]
            #[allow(unused, unreachable_pub, non_snake_case, clippy::all, clippy::pedantic)]
            #visibility #item
        }
    }

    fn uncached_companion(&self) -> Option<TokenStream> {
        let name = self.companion("uncached")?;
        let function = self.function;
        let doc = format!(
            " `{}` as written: computes, and neither reads nor fills the cache.",
            function.plain_name()
        );
        let attributes = attributes::of_body(&function.attributes);
        let inline = (!attributes::has(&function.attributes, "inline")).then(|| quote!(#[inline]));
        let lints = match Course::of(function, self.args) {
            // The body is in the function too, and its lints are reported there.
            Course::Inner | Course::Closure => quote! {
                #[allow(unused, unreachable_pub, non_snake_case, clippy::all, clippy::pedantic)]
            },
            Course::Companion => quote! {
                #[allow(dead_code, unreachable_pub, non_snake_case, clippy::missing_safety_doc)]
                #[allow(clippy::missing_const_for_fn, clippy::missing_panics_doc)]
                #[allow(clippy::missing_errors_doc)]
            },
        };
        let deprecated = attributes::has(&function.attributes, "deprecated")
            .then(|| quote!(#[allow(deprecated)]));
        let visibility = &function.visibility;
        let named = function.named(function.signature.clone()).signature;
        let signature = syn::Signature { ident: name, ..named };
        let body = &function.body;
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
