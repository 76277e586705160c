//! Where the expansion puts the body. The check of `#[track_caller]` depends on it, so it is decided here.

use crate::parse::arguments::Args;
use crate::parse::function::Function;
use crate::parse::parameter::Binding;
use crate::syntax::attributes;

/// Where the body is that the function runs on a miss.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum BodyLocation {
    /// In the companion `NAME_uncached`, which is called as `Self::NAME_uncached`. `self` or `Self` shows that this
    /// name exists.
    Companion,
    /// In a copy in an inner function, which passes the caller on and cannot name `Self`.
    InnerFunction,
    /// In a copy in a closure, which can name all that the function can name.
    Closure,
}

impl BodyLocation {
    pub(crate) fn of(function: &Function, args: &Args) -> Self {
        // A key takes the pattern apart, and the whole argument cannot be put together again from the bindings.
        let taken_apart =
            args.key.is_some() && function.parameters.iter().any(|p| p.binding == Binding::Pattern);
        match (args.in_impl(function), attributes::has(&function.attributes, "track_caller")) {
            (true, _) if args.has_companions() && !taken_apart => Self::Companion,
            (false, true) if !taken_apart => Self::InnerFunction,
            _ => Self::Closure,
        }
    }
}
