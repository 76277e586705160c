//! Rules about where results are stored: what `persist` and `remote` ask of the other arguments and of the result.

use syn::{ReturnType, Type};

use crate::errors::Errors;
use crate::parse::arguments::Args;
use crate::parse::function::Function;
use crate::parse::values::keyword::Policy;
use crate::syntax::type_parts::{cached_part, parts};

/// Which arguments the features of memokit allow.
pub(super) struct Features {
    pub(super) persist: bool,
    pub(super) remote: bool,
}

pub(super) fn stores_are_features(args: &Args, enabled: &Features, errors: &mut Errors) {
    let stores = [(&args.persist, enabled.persist), (&args.remote, enabled.remote)];
    for (given, _) in stores.into_iter().filter(|(_, enabled)| !enabled) {
        if let Some(name) = given.as_ref().map(|given| &given.name) {
            let message = format!(
                "`{name}` is a feature of memokit: write `features = [\"{name}\"]` at `memokit` in Cargo.toml"
            );
            errors.at(name, message);
        }
    }
}

pub(super) fn settings_need_their_store(args: &Args, errors: &mut Errors) {
    let durability = args.durability.as_ref().map(|given| &given.name);
    let max_disk = args.max_disk.as_ref().map(|given| &given.name);
    let max_value = args.max_value.as_ref().map(|given| &given.name);
    let on_disk = [durability, max_disk, max_value].into_iter().flatten();
    for name in on_disk.filter(|_| !args.is_written("persist")) {
        let message = format!(
            "`{name}` applies to a cache on disk: add `persist = \"...\"`, or leave it out"
        );
        errors.at(name, message);
    }
    let write = args.write.as_ref().map(|given| &given.name);
    let limit = args.remote_limit.as_ref().map(|given| &given.name);
    let stale = args.stale_while_disconnected.as_ref().map(|given| &given.name);
    let in_a_tier = [write, limit, stale].into_iter().flatten();
    for name in in_a_tier.filter(|_| !args.is_written("remote")) {
        let message = format!(
            "`{name}` applies to a tier that machines share: add `remote = ...`, or leave it out"
        );
        errors.at(name, message);
    }
    if let Some(codec) = args.codec.as_ref().filter(|_| !args.is_stored()) {
        errors.at(
            &codec.name,
            "`codec` applies to results that are stored: add `persist = \"...\"` or `remote = ...`, or leave it out",
        );
    }
}

/// What is stored is not computed again when it has left memory.
pub(super) fn stored_results_have_no_cost(args: &Args, errors: &mut Errors) {
    let Some(policy) = args.policy.as_ref().filter(|given| given.value == Policy::Cost) else {
        return;
    };
    for name in ["persist", "remote"].into_iter().filter(|name| args.is_written(name)) {
        let message = format!(
            "`policy = \"cost\"` keeps what takes long to compute again, and what is stored is read instead: leave `policy` out, or leave `{name}` out"
        );
        errors.at(&policy.name, message);
    }
}

/// Results of another version of their type are read if their bytes name what they hold, and if nothing else tells that
/// they count.
pub(super) fn evolving_results_describe_themselves(args: &Args, errors: &mut Errors) {
    let Some(evolves) = args.evolves.as_ref().map(|given| &given.name) else { return };
    if !args.is_stored() {
        errors.at(
            evolves,
            "`evolves` applies to results that are stored: add `persist = \"...\"` or `remote = ...`, or leave it out",
        );
        return;
    }
    let postcard = args
        .codec
        .as_ref()
        .filter(|given| given.value.segments.last().is_some_and(|last| last.ident == "Postcard"));
    if !args.is_written("codec") || postcard.is_some() {
        errors.at(
            evolves,
            "the bytes of postcard do not name the fields of a value, so those of another version of its type mean \
             something else: add `codec = memokit::codec::Json` or `Cbor`",
        );
    }
    if !args.is_written("version") {
        errors.at(
            evolves,
            "without `version` an edit of the body gives another version, and its results are not those of this one: \
             add `version = 1`",
        );
    }
}

pub(super) fn scope_excludes_stores(args: &Args, errors: &mut Errors) {
    let Some(scope) = args.scope.as_ref().filter(|_| args.is_per_thread()) else { return };
    if args.is_written("persist") {
        errors.at(
            &scope.name,
            "a directory belongs to one cache, and each thread would have a cache of its own: \
             leave `scope` out, or leave `persist` out",
        );
    }
    if args.is_written("remote") {
        errors.at(
            &scope.name,
            "what other machines change is removed by another thread, which cannot reach the cache of this one: \
             leave `scope` out, or leave `remote` out",
        );
    }
}

/// rustc would say of a borrowed result that `Deserialize` is not general enough.
pub(super) fn stored_results_are_owned(args: &Args, function: &Function, errors: &mut Errors) {
    let ReturnType::Type(_, output) = &function.signature.output else { return };
    if !args.is_stored() || args.codec.is_some() {
        return;
    }
    let (source, stores) = (source(args), listed(args));
    parts(cached_part(output, args.cache_err.is_some()), &mut |part| {
        match part {
        Type::Reference(reference) if reference.lifetime.is_some() => errors.at(
            reference,
            format!(
                "a value that is read from {source} has nothing to borrow from: return an owned value \
                 (`String`, `Vec<T>`, `Cow<'static, str>`), or leave {stores} out"
            ),
        ),
        _ => {}
    }
    });
}

/// Where stored results are read from, for errors.
pub(super) fn source(args: &Args) -> &'static str {
    if args.is_written("persist") { "disk" } else { "the tier" }
}

/// The arguments that store results.
fn listed(args: &Args) -> String {
    let written = ["persist", "remote"].into_iter().filter(|name| args.is_written(name));
    written.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" and ")
}
