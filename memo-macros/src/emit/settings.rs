//! The settings of the cache, as the input of the runtime's macro.

use std::time::Duration;

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};

use crate::emit::expansion::Expansion;
use crate::emit::hygiene::first_span;
use crate::emit::key;
use crate::parse::arguments::{Args, Given};
use crate::parse::values::duration::TimeSpan;
use crate::parse::values::keyword::{Policy, Write};
use crate::parse::values::size::Size;
use crate::parse::values::weight::Weight;

pub(super) fn settings(expansion: &Expansion<'_>) -> TokenStream {
    let (args, output) = (expansion.args, expansion.function.output());
    let here = args.is_per_thread().then(|| quote!(here));
    let errors = args.cache_err.as_ref().map(|_| quote!(errors));
    // These come first, because they change the type of the settings.
    let cheap_clone = args.cheap_clone.as_ref().map(|_| quote!(.cheap_clone()));
    let advise = args.advise.as_ref().map(|_| quote!(.advise()));
    let tagged = args.tags.as_ref().map(|_| quote!(.tagged()));
    let values = [
        call("max", &args.max),
        call("shards", &args.shards),
        call("ttl_with", &args.ttl_with),
        call("tags_with", &args.tags_with),
        call("jitter", &args.jitter),
        call("refresh_ahead", &args.refresh_ahead),
        call("version", &args.version),
    ];
    let max_bytes = size("max_bytes", &args.max_bytes);
    let weigh = args.max_bytes.as_ref().map(|_| weigh(expansion));
    let times = [
        time("ttl", &args.ttl),
        time("stale", &args.stale),
        time("idle", &args.idle),
        time("wait_limit", &args.wait_limit),
    ];
    let policy = args.policy.as_ref().and_then(|given| match given.value {
        Policy::Lru => None,
        Policy::Adaptive => Some(quote!(.adaptive())),
        Policy::Cost => Some(quote!(.by_cost())),
    });
    let stale_if_error = args.stale_if_error.as_ref().map(|given| {
        let value = given.value;
        quote!(.stale_if_error(#value))
    });
    let error_ttl = args.cache_err.as_ref().and_then(|given| given.value);
    let error_ttl = error_ttl.map(|ttl| time_span("error_ttl", &TimeSpan::Literal(ttl)));
    let explain = args.explain.as_ref().map(|given| {
        let (departures, names) = (&given.value, key::names(expansion));
        quote!(.explain(#departures, &#names))
    });
    let on_evict = args.on_evict.as_ref().map(|given| {
        let (listener, names) = (&given.value, key::names(expansion));
        quote!(.on_evict(&#names, #listener))
    });
    let (disk, tier) = (disk(args), tier(args));
    quote! {
        [#here #errors #output] #cheap_clone #advise #max_bytes #weigh #policy #(#values)* #(#times)*
        #tagged #stale_if_error #error_ttl #explain #on_evict #disk #tier
    }
}

/// The calls about a directory.
fn disk(args: &Args) -> TokenStream {
    let persist = args.persist.as_ref().map(|given| &given.value);
    let persist = persist.map(|place| stored("persist", &quote!((#place)), args));
    let durability = args.durability.as_ref().map(|given| {
        let mode = &given.value;
        quote!(.durability(__memokit::Durability::#mode))
    });
    let max_disk = size("max_disk", &args.max_disk);
    let max_value = size("max_value", &args.max_value);
    quote!(#persist #durability #max_disk #max_value)
}

/// The calls about a tier that machines share.
fn tier(args: &Args) -> TokenStream {
    // A cache of an isolation does not connect.
    let remote = args.remote.as_ref().map(|given| {
        let tier = &given.value;
        quote!((if __memokit::is_isolated() { __memokit::Option::None } else { __memokit::Option::Some(#tier) }))
    });
    let remote = remote.map(|tier| stored("remote", &tier, args));
    let waits = args.write.as_ref().is_some_and(|given| given.value == Write::Through);
    let write = waits.then(|| quote!(.write_through()));
    let limit = time("remote_limit", &args.remote_limit);
    let stale = time("stale_while_disconnected", &args.stale_while_disconnected);
    quote!(#remote #write #limit #stale)
}

/// The call that says where results are stored, with the codec that makes bytes of them. `place`: in parentheses.
fn stored(name: &str, place: &TokenStream, args: &Args) -> TokenStream {
    let Some(codec) = args.codec.as_ref().map(|given| &given.value) else {
        let name = Ident::new(name, Span::mixed_site());
        return quote!(.#name #place);
    };
    let how = if args.evolves.is_some() { "evolving" } else { "by" };
    let name = format_ident!("{name}_{how}");
    quote!(.#name::<#codec, _> #place)
}

/// The call that passes on an argument, if it is given.
fn call(name: &str, given: &Option<Given<syn::Expr>>) -> Option<TokenStream> {
    let value = &given.as_ref()?.value;
    let name = Ident::new(name, Span::mixed_site());
    Some(quote!(.#name(#value)))
}

/// The call that passes on a duration, if it is given.
fn time(name: &str, given: &Option<Given<TimeSpan>>) -> Option<TokenStream> {
    Some(time_span(name, &given.as_ref()?.value))
}

/// The call that passes on a duration.
fn time_span(name: &str, time: &TimeSpan) -> TokenStream {
    let name = Ident::new(name, Span::mixed_site());
    match time {
        TimeSpan::Expression(time) => quote!(.#name(#time)),
        TimeSpan::Literal(time) => {
            let name = format_ident!("{name}_millis");
            let millis = millis(*time);
            quote!(.#name(#millis))
        }
    }
}

/// The call that passes on a number of bytes, if it is given.
fn size(name: &str, given: &Option<Given<Size>>) -> Option<TokenStream> {
    let name = Ident::new(name, Span::mixed_site());
    Some(match &given.as_ref()?.value {
        Size::Expression(size) => quote!(.#name(#size)),
        Size::Literal(size) => {
            let size = Literal::u64_unsuffixed(*size);
            quote!(.#name(#size))
        }
    })
}

/// The call that says what an entry weighs. A result type that does not say what it owns is reported under it.
fn weigh(expansion: &Expansion<'_>) -> TokenStream {
    match expansion.args.weigh.as_ref().map(|given| &given.value) {
        Some(Weight::Function(weigh)) => quote!(.weigh(#weigh)),
        Some(Weight::Shallow) => quote!(.weigh_shallow()),
        None => {
            let span = first_span(expansion.function.output());
            quote_spanned!(span=> .weigh_deep())
        }
    }
}

fn millis(time: Duration) -> Literal {
    let millis = u64::try_from(time.as_millis()).expect("durations are counted in u64 millis");
    Literal::u64_unsuffixed(millis)
}
