//! Attributes of the function that do not go with `#[memoize]`.

use proc_macro2::{Ident, TokenStream, TokenTree};

use crate::check::body_location::BodyLocation;
use crate::errors::Errors;
use crate::parse::arguments::Args;
use crate::parse::function::Function;

/// `#[track_caller]` works for a body that is called by name, not for one in a closure.
pub(super) fn tracked_caller_reaches_the_body(
    args: &Args,
    function: &Function,
    errors: &mut Errors,
) {
    let tracked = function.attributes.iter().find(|attr| attr.path().is_ident("track_caller"));
    // rustc does not track the caller of an `async fn` either.
    let Some(tracked) = tracked.filter(|_| !function.is_async()) else { return };
    if args.spawn.is_some() {
        errors.at(tracked, "a refresh by `spawn` has no caller: drop `#[track_caller]`");
        return;
    }
    if !matches!(BodyLocation::of(function, args), BodyLocation::Closure) {
        return;
    }
    let fix = if args.has_companions() {
        "drop `#[track_caller]`, or take patterns apart in the body"
    } else {
        "drop `#[track_caller]`, or memoize a function outside the impl"
    };
    errors.at(tracked, format!("the caller cannot be passed on to this body: {fix}"));
}

pub(super) fn memoize_is_given_once(function: &Function, errors: &mut Errors) {
    for attribute in further_memoize(function) {
        errors.at(attribute, "the function is memoized twice: keep one `#[memoize]`");
    }
}

/// Attributes of the crate cached, which would keep the results a second time.
pub(super) fn results_are_cached_once(function: &Function, errors: &mut Errors) {
    for attribute in &function.attributes {
        let path = attribute.path();
        let names: Vec<_> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        // A bare `once` may belong to another crate.
        if let ["cached" | "io_cached" | "concurrent_cached"] | ["cached", ..] = &names[..] {
            errors
                .at(path, "the results would be cached twice: keep this attribute or `#[memoize]`");
        }
    }
}

/// A shim takes and returns what a foreign caller does, and another attribute has written it.
pub(super) fn shims_are_not_memoized(function: &Function, errors: &mut Errors) -> bool {
    let name = function.plain_name();
    let is_foreign = function.signature.abi.is_some();
    // The names that wasm_bindgen and napi give.
    let is_shim =
        is_foreign && (name.starts_with("__wasm_bindgen") || name.ends_with("_c_callback"));
    if is_shim {
        errors.at(
            function.name(),
            "another attribute has copied `#[memoize]` to the function that foreign code calls: write \
             `#[memoize]` above that attribute, or memoize a function that this one calls",
        );
    }
    is_shim
}

/// enum_dispatch copies the attributes of a trait's function to one that only picks a variant.
pub(super) fn skipped_self_picks_no_variant(args: &Args, function: &Function, errors: &mut Errors) {
    let Some(receiver) = function.receiver() else { return };
    let tokens: Vec<TokenTree> = function.body.stream().into_iter().collect();
    let [TokenTree::Ident(word), TokenTree::Ident(this), TokenTree::Group(arms)] = &tokens[..]
    else {
        return;
    };
    let skipped = args.skips(&Ident::new("self", receiver.self_token.span));
    let picks = word == "match" && this == "self" && calls_by_path(arms.stream(), function.name());
    if skipped && picks {
        errors.at(
            function.name(),
            "another attribute has copied `#[memoize]` to a function that picks a variant by `self`, and `skip(self)` \
             would let one variant answer for another: memoize a function that the variants' functions call",
        );
    }
}

/// Whether tokens hold `::name(..)`.
fn calls_by_path(tokens: TokenStream, name: &Ident) -> bool {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let calls = tokens.windows(3).any(|part| {
        matches!(part, [TokenTree::Punct(mark), TokenTree::Ident(called), TokenTree::Group(_)]
            if mark.as_char() == ':' && called == name)
    });
    calls
        || tokens.into_iter().any(
            |token| matches!(token, TokenTree::Group(group) if calls_by_path(group.stream(), name)),
        )
}

/// Further `#[memoize]` on the function. Each of them brings companions with the same names.
pub(crate) fn further_memoize(function: &Function) -> impl Iterator<Item = &syn::Attribute> {
    let last = |path: &syn::Path| path.segments.last().map(|last| last.ident.to_string());
    function.attributes.iter().filter(move |attr| last(attr.path()).as_deref() == Some("memoize"))
}
