//! Rules about arguments that need or exclude each other.

use crate::errors::Errors;
use crate::parse::arguments::{Args, Given};
use crate::parse::function::Function;

pub(super) fn freshness_needs_ttl(args: &Args, errors: &mut Errors) {
    let stale = args.stale.as_ref().map(|given| &given.name);
    let refresh_ahead = args.refresh_ahead.as_ref().map(|given| &given.name);
    let stale_if_error = args.stale_if_error.as_ref().map(|given| &given.name);
    let ends = args.is_written("ttl") || args.is_written("ttl_with");
    for name in [stale, refresh_ahead, stale_if_error].into_iter().flatten().filter(|_| !ends) {
        let message = format!("`{name}` applies to the end of the `ttl`: add `ttl = \"30s\"`");
        errors.at(name, message);
    }
}

/// A thread that misses can do nothing but compute or wait. A task may be dropped while it waits.
pub(super) fn spawn_outlives_its_caller(args: &Args, function: &Function, errors: &mut Errors) {
    let Some(spawn) = args.spawn.as_ref().map(|given| &given.name) else { return };
    if !function.is_async() && !args.is_written("stale") && !args.is_written("refresh_ahead") {
        let message = "in a `fn`, `spawn` applies to results that are computed again while the older one is served: \
                       add `stale = \"1m\"` or `refresh_ahead = 0.8`";
        errors.at(spawn, message);
    }
    if let Some(scope) = args.scope.as_ref().filter(|_| args.is_per_thread()) {
        errors.at(
            &scope.name,
            "with `spawn` another thread may compute, and it cannot fill the cache of this one: \
             leave `scope` out, or leave `spawn` out",
        );
    }
    if let Some(given) = &args.stale_if_error {
        errors.at(
            &given.name,
            "with `spawn` the call that finds an older result always returns it: leave `stale_if_error` out",
        );
    }
}

pub(super) fn weights_need_a_bound(args: &Args, errors: &mut Errors) {
    let Some(weigh) = args.weigh.as_ref().filter(|_| !args.is_written("max_bytes")) else { return };
    let message =
        "`weigh` applies to a limit on bytes: add `max_bytes = \"64MiB\"`, or leave it out";
    errors.at(&weigh.name, message);
}

pub(super) fn each_shard_has_an_entry(args: &Args, errors: &mut Errors) {
    let number = |given: &Option<Given<syn::Expr>>| match &given.as_ref()?.value {
        syn::Expr::Lit(literal) => match &literal.lit {
            syn::Lit::Int(number) => number.base10_parse::<u64>().ok(),
            _ => None,
        },
        _ => None,
    };
    let (Some(max), Some(shards)) = (number(&args.max), number(&args.shards)) else { return };
    if let Some(given) = args.shards.as_ref().filter(|_| max > 0 && shards > max) {
        let most = 1_u64 << max.ilog2();
        let message = format!(
            "{shards} shards cannot share {max} entries: write `shards = {most}` or less, or leave it out"
        );
        errors.at(&given.tokens, message);
    }
}

pub(super) fn key_excludes_skip(args: &Args, errors: &mut Errors) {
    let Some(skip) = &args.skip else { return };
    if args.is_written("key") {
        errors.at(&skip.name, "`key` already says what makes the key: leave `skip` out");
    }
}
