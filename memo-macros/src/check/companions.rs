//! Companions in the impl of a trait, where they cannot stand.

use syn::Visibility;

use crate::errors::Errors;
use crate::parse::arguments::Args;
use crate::parse::function::Function;

/// Whether the function has companions and may stand in the impl of a trait, where nothing has a visibility.
pub(crate) fn may_be_in_impl_of_a_trait(args: &Args, function: &Function) -> bool {
    args.has_companions() && matches!(function.visibility, Visibility::Inherited)
}

/// rustc would say of each companion that it is not a member of the trait.
pub(crate) fn refuse_in_impl_of_a_trait(function: &Function, errors: &mut Errors) {
    errors.at(
        function.name(),
        "the impl of a trait cannot contain companions: write `#[memoize(companion = none)]`, \
         or memoize a function outside of it",
    );
}
