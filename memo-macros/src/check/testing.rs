//! Helpers for the tests of rules.

use crate::errors::Errors;
use crate::parse::arguments::Args;
use crate::parse::function::Function;

/// The messages of `check` about a function.
pub(super) fn messages(
    check: impl Fn(&Args, &Function, &mut Errors),
    args: &str,
    function: &str,
) -> Vec<String> {
    let mut errors = Errors::default();
    let args = Args::parse(args.parse().unwrap(), &mut errors);
    check(&args, &syn::parse_str(function).unwrap(), &mut errors);
    errors.messages()
}

/// Asserts that there is one error, and that it contains `message`.
#[track_caller]
pub(super) fn refused(found: &[String], message: &str) {
    assert!(found.len() == 1 && found[0].contains(message), "{message}: {found:?}");
}
