//! From the arguments to the cache that they ask for.

use std::time::Duration;

use proc_macro2::{Ident, Literal, Span as TokenSpan, TokenStream};
use quote::{format_ident, quote, quote_spanned};

use crate::emit::body::{Asking, Plan, first_span, local};
use crate::parse::arguments::{Bytes, Companion, Given, Span};

impl Plan<'_> {
    /// The cache. What is wrong with the result is reported under its type.
    pub(crate) fn memo(&self, asking: Asking) -> TokenStream {
        let (origin, instance, settings) = (self.origin(), self.instance(asking), self.settings());
        let find = if self.args.is_local() { quote!(local) } else { quote!(memo) };
        let span = first_span(self.function.output());
        quote_spanned!(span=> __memokit::memo!(#find, #origin, #instance, #settings))
    }

    /// The handle of that cache.
    pub(crate) fn handle(&self) -> TokenStream {
        let memo = self.memo(Asking::Companion);
        if !self.args.is_local() {
            return quote!(#memo.handle());
        }
        let facade = self.facade();
        quote!(#facade::Memo::local(|| #memo.reached()))
    }

    /// Generic functions, and those in generic impls, have a cache for each instance. It is told by the type of a
    /// closure, and to a companion by the types that it names.
    fn instance(&self, asking: Asking) -> TokenStream {
        let alone = matches!(&self.args.companion, Some(Given { value: Companion::None, .. }));
        let mark = self.mark(asking);
        match asking {
            Asking::Function if alone => quote!(alone()),
            Asking::Function => quote!(within(#mark)),
            Asking::Companion => quote!(beside(#mark)),
        }
    }

    fn mark(&self, asking: Asking) -> Option<TokenStream> {
        let span =
            self.args.in_impl.as_ref().map_or_else(TokenSpan::call_site, |given| given.name.span());
        let this = (TokenStream::new(), quote_spanned!(span=> .this::<Self>()));
        let this = self.args.in_impl(self.function).then_some(this);
        let types = self.function.named(self.function.signature.clone()).mark(asking);
        let calls: Vec<_> = this.into_iter().chain(types).collect();
        if calls.is_empty() {
            return None;
        }
        if calls.iter().all(|(condition, _)| condition.is_empty()) {
            let calls = calls.iter().map(|(_, call)| call);
            return Some(quote!(.of(&|| __memokit::Mark::new() #(#calls)*)));
        }
        let mark = local("mark");
        let steps =
            calls.iter().map(|(condition, call)| quote!(#condition let #mark = #mark #call;));
        Some(quote!(.of(&|| { let #mark = __memokit::Mark::new(); #(#steps)* #mark })))
    }

    fn settings(&self) -> TokenStream {
        let output = self.function.output();
        let here = self.args.is_local().then(|| quote!(here));
        let errors = self.args.cache_err.as_ref().map(|_| quote!(errors));
        let args = self.args;
        let values = [
            call("max", &args.max),
            call("weigh", &args.weigh),
            call("shards", &args.shards),
            call("ttl_with", &args.ttl_with),
            call("jitter", &args.jitter),
            call("refresh_ahead", &args.refresh_ahead),
            call("version", &args.version),
        ];
        let max_bytes = args.max_bytes.as_ref().map(|given| bytes(&given.value));
        let weigh = (args.max_bytes.is_some() && args.weigh.is_none()).then(|| quote!(weigh));
        let times = [
            ("ttl", &args.ttl),
            ("stale", &args.stale),
            ("idle", &args.idle),
            ("wait_limit", &args.wait_limit),
        ];
        let times = times.map(|(name, given)| given.as_ref().map(|given| span(name, &given.value)));
        let error_ttl = args.cache_err.as_ref().and_then(|given| given.value);
        let error_ttl = error_ttl.map(|ttl| span("error_ttl", &Span::Text(ttl)));
        let persist = match (&args.persist, &args.codec) {
            (Some(dir), Some(codec)) => {
                let (dir, codec) = (&dir.value, &codec.value);
                Some(quote!(.persist_by::<#codec, _>(#dir)))
            }
            (dir, _) => call("persist", dir),
        };
        let durability = args.durability.as_ref().map(|given| {
            let mode = &given.value;
            quote!(.durability(__memokit::Durability::#mode))
        });
        quote!(#weigh [#here #errors #output] #max_bytes #(#values)* #(#times)* #error_ttl #persist #durability)
    }
}

/// A call that hands on what an argument says, if it was given.
fn call(name: &str, given: &Option<Given<syn::Expr>>) -> Option<TokenStream> {
    let value = &given.as_ref()?.value;
    let name = Ident::new(name, TokenSpan::mixed_site());
    Some(quote!(.#name(#value)))
}

/// The same of a time.
fn span(name: &str, time: &Span) -> TokenStream {
    let name = Ident::new(name, TokenSpan::mixed_site());
    match time {
        Span::Expression(time) => quote!(.#name(#time)),
        Span::Text(time) => {
            let name = format_ident!("{name}_millis");
            let millis = millis(*time);
            quote!(.#name(#millis))
        }
    }
}

fn bytes(max: &Bytes) -> TokenStream {
    match max {
        Bytes::Expression(max) => quote!(.max_bytes(#max)),
        Bytes::Text(max) => {
            let max = Literal::u64_unsuffixed(*max);
            quote!(.max_bytes(#max))
        }
    }
}

fn millis(time: Duration) -> Literal {
    let millis = u64::try_from(time.as_millis()).expect("durations are counted in u64 millis");
    Literal::u64_unsuffixed(millis)
}
