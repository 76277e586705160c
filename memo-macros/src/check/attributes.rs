//! Attributes of the function that do not go with `#[memoize]`.

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

/// Further `#[memoize]` on the function. Each of them brings companions with the same names.
pub(crate) fn further_memoize(function: &Function) -> impl Iterator<Item = &syn::Attribute> {
    let last = |path: &syn::Path| path.segments.last().map(|last| last.ident.to_string());
    function.attributes.iter().filter(move |attr| last(attr.path()).as_deref() == Some("memoize"))
}
