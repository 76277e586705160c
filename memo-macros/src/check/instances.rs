//! Rules about `instances = "shared"`: what would make the instances of a function differ for one key.
//!
//! The key says all that matters about the arguments, their types included. So a result may depend on a type or const
//! parameter only through the arguments, and not through its name.

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens;
use syn::{GenericParam, Type};

use crate::errors::Errors;
use crate::parse::arguments::{Args, Given};
use crate::parse::function::Function;
use crate::syntax::tokens::mentions;
use crate::syntax::type_walk::{Found, walk};

/// Reports why the instances of a function cannot share a cache.
pub(super) fn can_be_shared(args: &Args, function: &Function, errors: &mut Errors) {
    let Some(instances) = args.instances.as_ref().filter(|_| args.shares_instances()) else {
        return;
    };
    let own: Vec<&Ident> = own_parameters(function).collect();
    if own.is_empty() && !has_opaque_parameters(function) {
        errors.at(
            &instances.tokens,
            "the function has no type parameter, const parameter or `impl Trait` of its own, and the instances of an \
             impl never share a cache: leave `instances` out",
        );
    }
    needs_key_and_companions(args, instances, errors);
    for parameter in own {
        if let Some(reason) = tells_instances_apart(args, function, parameter) {
            errors.at(parameter, format!("with `instances = \"shared\"` {reason}"));
        }
    }
}

fn needs_key_and_companions<T>(args: &Args, instances: &Given<T>, errors: &mut Errors) {
    if !args.is_written("key") {
        errors.at(
            &instances.tokens,
            "instances share a cache if the key says all that matters about the arguments, whatever their types: \
             add `key = ...`",
        );
    }
    if !args.has_companions() && args.companions_apart().is_none() {
        errors.at(
            &instances.tokens,
            "the instances find their cache by the companion `NAME_memo`: drop `companion = none`, or call a memoized \
             function outside of the trait's impl",
        );
    }
}

/// The type and const parameters that the function declares.
fn own_parameters(function: &Function) -> impl Iterator<Item = &Ident> {
    function.signature.generics.params.iter().filter_map(|parameter| match parameter {
        GenericParam::Type(parameter) => Some(&parameter.ident),
        GenericParam::Const(parameter) => Some(&parameter.ident),
        GenericParam::Lifetime(_) => None,
    })
}

fn has_opaque_parameters(function: &Function) -> bool {
    let mut opaque = false;
    for parameter in &function.parameters {
        walk(&parameter.typed.ty, &mut |found| opaque |= matches!(found, Found::Opaque(_)));
    }
    opaque
}

/// Why a result may depend on a parameter of the function apart from the arguments, and what to do about it.
fn tells_instances_apart(args: &Args, function: &Function, name: &Ident) -> Option<String> {
    if mentions(function.output(), name) {
        return Some(format!(
            "the result cannot depend on `{name}`: leave `{name}` out of the return type, or leave `instances` out"
        ));
    }
    if mentions(function.body.to_token_stream(), name) {
        return Some(format!(
            "the body cannot name `{name}`, since the key does not show what it takes from there: use the arguments, \
             or leave `instances` out"
        ));
    }
    let named_by = |(argument, value): &&(Ident, TokenStream)| {
        argument != "key" && mentions(value.clone(), name)
    };
    if let Some((argument, _)) = args.written().find(named_by) {
        return Some(format!(
            "there is one cache for every `{name}`: leave `{name}` out of `{argument}`"
        ));
    }
    let decided = function.parameters.iter().any(|p| decides(&p.typed.ty, name));
    (!decided).then(|| {
        format!(
            "`{name}` must be in the type of an argument, since the key says nothing about what the caller chooses \
             apart from the arguments"
        )
    })
}

/// Whether the type of an argument decides what a parameter of the function is. `T::Item` does not decide `T`, nor does
/// the bound `impl Into<T>`.
fn decides(ty: &Type, name: &Ident) -> bool {
    let (mut is_part, mut is_in_a_bound) = (false, false);
    walk(ty, &mut |found| match found {
        Found::Path(path) => is_part |= path.is_ident(name),
        Found::Opaque(opaque) => is_in_a_bound |= mentions(opaque.to_token_stream(), name),
        Found::Reference(..) | Found::Lifetime(_) => {}
    });
    is_part && !is_in_a_bound
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing;

    const SHARED: &str = "key = a, instances = \"shared\"";

    fn messages(args: &str, function: &str) -> Vec<String> {
        testing::messages(can_be_shared, args, function)
    }

    #[track_caller]
    fn refused(args: &str, function: &str, message: &str) {
        testing::refused(&messages(args, function), message);
    }

    #[test]
    fn parameters_that_the_arguments_decide_are_shared() {
        for (args, function) in [
            (SHARED, "fn f(a: impl Into<impl Sized>) {}"),
            (SHARED, "fn f<T: Debug, const N: usize>(a: &[T; N]) -> usize { a.len() }"),
            (SHARED, "fn f<T, const N: usize>(a: Matrix<T, N>) where T: Into<u8> {}"),
            (SHARED, "fn f<'a, T>(a: Box<dyn Fn(T) + 'a>) {}"),
            ("key = (T::NAME, a), instances = \"shared\"", "fn f<T>(a: T) {}"),
            ("instances = \"separate\"", "fn f<T>() -> T { T::default() }"),
            ("", "fn f(a: u32) {}"),
        ] {
            assert_eq!(messages(args, function), [""; 0], "{args} {function}");
        }
    }

    #[test]
    fn what_a_shared_cache_needs() {
        refused("instances = \"shared\"", "fn f<T>(a: T) {}", "add `key = ...`");
        refused(SHARED, "fn f<'a>(&'a self, a: &'a u8) {}", "leave `instances` out");
        let alone = "key = a, instances = \"shared\", companion = none";
        refused(alone, "fn f<T>(a: T) {}", "drop `companion = none`");
    }

    #[test]
    fn parameters_that_the_result_may_depend_on_are_refused() {
        refused(SHARED, "fn f<T>(a: T) -> Vec<T> {}", "out of the return type");
        refused(SHARED, "fn f<const N: usize>(a: [u8; N]) -> [u8; N] { a }", "out of the return");
        for body in ["T::NAME", "g!(T)", "size_of::<r#T>()", "{ let b: [T; 0] = []; }"] {
            refused(SHARED, &format!("fn f<T>(a: T) {{ {body} }}"), "cannot name `T`");
        }
        refused(SHARED, "fn f<const N: usize>(a: [u8; N]) { print!(\"{N}\") }", "cannot name `N`");
        for given in ["max = size_of::<T>()", "cache_if = is_ok::<T>", "verify = T::SHARE"] {
            let argument = given.split_once(' ').unwrap().0;
            let out = format!("out of `{argument}`");
            refused(&format!("{SHARED}, {given}"), "fn f<T>(a: T) {}", &out);
        }
    }

    #[test]
    fn parameters_that_the_caller_chooses_are_refused() {
        for function in [
            "fn f<T>(a: u8) {}",
            "fn f<T: Iterator>(a: T::Item) {}",
            "fn f<T>(a: <Vec<T> as IntoIterator>::Item) {}",
            "fn f<T>(a: <u8 as Into<T>>::Item) {}",
            "fn f<T>(a: impl Into<T>) {}",
            "fn f<T>(a: Vec<impl Into<T>>) {}",
        ] {
            refused(SHARED, function, "in the type of an argument");
        }
    }
}
