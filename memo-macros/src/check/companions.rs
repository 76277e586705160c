//! Companions where they cannot stand, or cannot have the body.

use proc_macro2::Ident;
use quote::format_ident;
use syn::Visibility;

use crate::check::body_location::BodyLocation;
use crate::check::enclosing_item::Enclosing;
use crate::errors::Errors;
use crate::parse::arguments::Args;
use crate::parse::function::Function;
use crate::syntax::type_walk::{Found, walk};

/// Reports companions that cannot stand where the function stands. Whether there are any.
pub(crate) fn refuse_misplaced(
    args: &Args,
    function: &Function,
    enclosing: impl FnOnce() -> Option<Enclosing>,
    errors: &mut Errors,
) -> bool {
    // Nothing in the impl of a trait has a visibility.
    let may_be_in_a_trait =
        args.has_companions() && matches!(function.visibility, Visibility::Inherited);
    if !may_be_in_a_trait && !must_be_free(args, function) {
        return false;
    }
    let Some(enclosing) = enclosing() else { return false };
    let misplaced = may_be_in_a_trait && enclosing == Enclosing::ImplOfATrait;
    if misplaced {
        errors.at(
            function.name(),
            "the impl of a trait cannot contain companions: write `#[memokit::companions]` above it, which \
             puts them beside it, or `#[memoize(companion = none)]`",
        );
    } else {
        refuse_bare_names(args, function, errors);
    }
    misplaced
}

/// Whether the function names a companion without `Self`, which it can only do if it is free.
pub(crate) fn must_be_free(args: &Args, function: &Function) -> bool {
    BodyLocation::needs_free_function(function, args).is_some()
        || finds_its_cache_by_a_bare_name(args, function)
}

fn finds_its_cache_by_a_bare_name(args: &Args, function: &Function) -> bool {
    args.shares_instances() && !args.in_impl(function)
}

/// Reports what the function needs a companion for, if it stands in an impl and cannot name the companion.
fn refuse_bare_names(args: &Args, function: &Function, errors: &mut Errors) {
    let fix = "write `#[memoize(in_impl)]`, since the function is in an impl and mentions neither \
               `self` nor `Self`";
    if let Some(item) = BodyLocation::needs_free_function(function, args) {
        refuse_to_copy(function, &item, fix, errors);
    }
    if let Some(instances) = &args.instances {
        if finds_its_cache_by_a_bare_name(args, function) {
            let message = format!(
                "the instances find their cache by the companion `{}_memo`, which has no name here: {fix}",
                function.plain_name()
            );
            errors.at(&instances.tokens, message);
        }
    }
}

/// A companion that does not stand beside its function is told by its type, which the function has to write.
pub(crate) fn companions_apart_have_nameable_types(
    args: &Args,
    function: &Function,
    errors: &mut Errors,
) {
    if args.companions_apart().is_none() || args.shares_instances() {
        return;
    }
    for parameter in &function.parameters {
        if has_opaque_type(&parameter.typed.ty) {
            errors.at(
                &parameter.typed.ty,
                "`#[companions]` needs a name for this type: give the function a type parameter, in its trait too, or \
                 write `#[memoize(companion = none)]`",
            );
        }
    }
}

fn has_opaque_type(ty: &syn::Type) -> bool {
    let mut is_opaque = false;
    walk(ty, &mut |found| is_opaque |= matches!(found, Found::Opaque(_)));
    is_opaque
}

/// A body that is copied to `NAME_uncached` cannot contain an item that must exist once.
pub(super) fn unique_items_are_not_copied(args: &Args, function: &Function, errors: &mut Errors) {
    let copied = BodyLocation::of(function, args) != BodyLocation::Companion;
    if let Some(item) = function.unique_item().filter(|_| copied && args.has_companions()) {
        let fix = "name the parameters and take the patterns apart in the body";
        refuse_to_copy(function, &item, fix, errors);
    }
}

fn refuse_to_copy(function: &Function, item: &Ident, fix: &str, errors: &mut Errors) {
    let uncached = format_ident!("{}_uncached", function.plain_name());
    errors.at(item, format!("this `{item}` would exist twice, here and in `{uncached}`: {fix}"));
}
