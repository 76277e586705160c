//! Rules about `scope = "instance"`: each object has a cache, in a field.

use crate::errors::Errors;
use crate::parse::arguments::Args;
use crate::parse::function::Function;
use crate::syntax::tokens::mentions_self_value;

pub(super) fn objects_have_caches(args: &Args, function: &Function, errors: &mut Errors) {
    if let Some(cache) = &args.cache {
        if !args.is_written("scope") {
            errors.at(
                &cache.name,
                "`cache` names the field that has the results of one object: add `scope = \"instance\"`, \
                 or leave it out",
            );
        } else if !mentions_self_value(cache.tokens.clone()) {
            errors.at(&cache.tokens, "`cache` is a field of `self`: `cache = self.state.cache`");
        }
    }
    let Some(scope) = args.scope.as_ref().filter(|_| args.is_per_object()) else { return };
    if function.receiver().is_none() {
        errors.at(
            &scope.tokens,
            "there is no `self` that could have the results: this scope is for methods of a struct with a field \
             `cache: memokit::Cache`",
        );
    }
    for (argument, reason) in EXCLUDED {
        if args.is_written(argument) {
            let message = format!("{reason}: leave `scope` out, or leave `{argument}` out");
            errors.at(&scope.tokens, message);
        }
    }
}

/// The arguments that a cache for each object excludes, and why.
const EXCLUDED: [(&str, &str); 4] = [
    (
        "persist",
        "on disk a result is found by its function and its arguments, so one object would get the results of another",
    ),
    (
        "remote",
        "in a tier a result is found by its function and its arguments, so one object would get the results of another",
    ),
    (
        "instances",
        "instances of a function find the cache that they share by the companion `NAME_memo`, and here that needs an \
         object",
    ),
    ("advise", "advice is about the size of one cache, and here each object has its own"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing;

    #[track_caller]
    fn refused(args: &str, function: &str, message: &str) {
        testing::refused(&testing::messages(objects_have_caches, args, function), message);
    }

    #[test]
    fn methods_have_objects() {
        for (args, function) in [
            ("scope = \"instance\"", "fn f(&self) {}"),
            ("scope = \"instance\", cache = self.state.cache", "fn f(self: Arc<Self>) {}"),
            ("scope = \"instance\", skip(self), explain", "fn f(&self) {}"),
        ] {
            let found = testing::messages(objects_have_caches, args, function);
            assert_eq!(found, [""; 0], "{args} {function}");
        }
    }

    #[test]
    fn what_has_no_object_is_refused() {
        refused("scope = \"instance\"", "fn f(a: u32) {}", "there is no `self`");
        refused("cache = self.cache", "fn f(&self) {}", "add `scope");
        let elsewhere = "scope = \"instance\", cache = CACHE";
        refused(elsewhere, "fn f(&self) {}", "`cache` is a field of `self`");
    }

    #[test]
    fn what_is_not_of_one_object_is_refused() {
        for argument in ["persist = \"x\"", "remote = t()", "instances = \"shared\"", "advise"] {
            let args = format!("scope = \"instance\", {argument}");
            refused(&args, "fn f(&self) {}", "leave `scope` out, or leave");
        }
    }
}
