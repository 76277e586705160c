//! Where the expansion puts the body. The check of `#[track_caller]` depends on it, so it is decided here.

use proc_macro2::Ident;

use crate::parse::arguments::Args;
use crate::parse::function::Function;
use crate::parse::parameter::Binding;
use crate::syntax::attributes;

/// Where the body is that the function runs on a miss.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum BodyLocation {
    /// In the companion `NAME_uncached`. In an impl, which `self` or `Self` shows, it is called as
    /// `Self::NAME_uncached`. Another function is free if its body must exist once, and the companion has its own name.
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
        let in_impl = args.in_impl(function);
        let once = args.has_companions() && (in_impl || function.unique_item().is_some());
        match attributes::has(&function.attributes, "track_caller") {
            _ if once && !taken_apart => Self::Companion,
            true if !in_impl && !taken_apart => Self::InnerFunction,
            _ => Self::Closure,
        }
    }

    /// The item for which the body is in the companion of a function that must be free.
    pub(crate) fn needs_free_function(function: &Function, args: &Args) -> Option<Ident> {
        let by_name = Self::of(function, args) == Self::Companion && !args.in_impl(function);
        function.unique_item().filter(|_| by_name)
    }
}
