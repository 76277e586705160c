//! The list of all rules about arguments and function, in the order in which their errors are reported.

use crate::check::stores::Features;
use crate::check::{
    arguments, attributes, bounds, companions, function as of_function, instances, objects,
    settings, signature, stores,
};
use crate::errors::Errors;
use crate::parse::arguments::Args;
use crate::parse::function::Function;

const FEATURES: Features =
    Features { persist: cfg!(feature = "persist"), remote: cfg!(feature = "remote") };

/// Reports every mistake that the arguments and the function show.
pub(crate) fn check(args: &Args, function: &Function, errors: &mut Errors) {
    if attributes::shims_are_not_memoized(function, errors) {
        return;
    }
    of_function::can_be_memoized(args, function, errors);
    stores::stores_are_features(args, &FEATURES, errors);
    stores::settings_need_their_store(args, errors);
    stores::stored_results_have_no_cost(args, errors);
    stores::evolving_results_describe_themselves(args, errors);
    arguments::freshness_needs_ttl(args, errors);
    arguments::spawn_outlives_its_caller(args, function, errors);
    arguments::weights_need_a_bound(args, errors);
    arguments::each_shard_has_an_entry(args, errors);
    arguments::key_excludes_skip(args, errors);
    signature::tags_are_made_of_the_key(args, function, errors);
    instances::can_be_shared(args, function, errors);
    objects::objects_have_caches(args, function, errors);
    signature::skip_names_parameters(args, function, errors);
    signature::cache_err_needs_a_result(args, function, errors);
    settings::settings_need_no_call(args, function, errors);
    stores::scope_excludes_stores(args, errors);
    signature::scope_excludes_async(args, function, errors);
    signature::spawned_arguments_are_owned(args, function, errors);
    signature::key_excludes_opaque_patterns(args, function, errors);
    attributes::tracked_caller_reaches_the_body(args, function, errors);
    attributes::memoize_is_given_once(function, errors);
    attributes::results_are_cached_once(function, errors);
    attributes::skipped_self_picks_no_variant(args, function, errors);
    companions::unique_items_are_not_copied(args, function, errors);
    stores::stored_results_are_owned(args, function, errors);
    bounds::results_can_be_cached(args, function, errors);
    bounds::arguments_make_a_key(args, function, errors);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing;

    fn messages(args: &str, function: &str) -> Vec<String> {
        testing::messages(check, args, function)
    }

    #[track_caller]
    fn refused(args: &str, function: &str, message: &str) {
        testing::refused(&messages(args, function), message);
    }

    #[test]
    fn what_fits_is_left_alone() {
        for (args, function) in [
            ("durability = \"os\", persist = \"x\"", "fn f() {}"),
            ("max_value = \"1MiB\", persist = \"x\"", "fn f() {}"),
            (
                "remote = t(), write = \"through\", remote_limit = \"1s\", stale_while_disconnected = \"1s\"",
                "fn f() {}",
            ),
            ("persist = \"x\", codec = a::Json, version = 1, evolves", "fn f() {}"),
            ("remote = t(), codec = a::Json", "fn f() -> &'static str {}"),
            ("remote = t(), scope = \"process\"", "fn f() -> Result<u32, &'static str> {}"),
            ("remote = Self::tier(), remote_limit = config().limit", "fn f(limit: u32) {}"),
            ("skip(self, r#type)", "fn f(&self, r#type: u32) {}"),
            ("cache_err", "fn f() -> io::Result<u32> { g() }"),
            ("companion = none", "fn f(&self) {}"),
            ("persist = \"{n}\"", "fn f(n: u32) {}"),
            ("persist = format!(\"{{n}}{n}\", n = 1)", "fn f(n: u32) {}"),
            ("persist = \"a~/~\"", "fn f() {}"),
            ("max = 8, shards = 8", "fn f() {}"),
            ("max = MAX, shards = 8", "fn f() {}"),
            ("max = Self::MAX, ttl_with = Self::ttl", "fn f() {}"),
            ("max_bytes = Self::MAX, weigh = Self::weight, idle = \"1s\"", "fn f() {}"),
            ("max_bytes = 9, weigh = shallow", "fn f(shallow: u32) {}"),
            ("scope = \"process\", persist = \"x\"", "fn f() {}"),
            ("max = self::LIMIT, key = self.id", "fn f(&self) {}"),
            ("max = config().max, version = n::N, ttl_with = |n| n.ttl", "fn f(max: u8, n: u8) {}"),
            ("persist = \"x\"", "fn f() -> Result<u32, &'static str> {}"),
            ("", "#[track_caller] fn f(&self) {}"),
            ("key = a", "#[track_caller] fn f(a: u32) {}"),
            ("", "#[once] fn f() {}"),
            ("", "fn f_c_callback() {}"),
            ("skip(self)", "fn f(&self, a: u32) { match self { E::A(one) => one.f(a) } }"),
            ("", "fn f(&self, a: u32) { match self { E::A(one) => Trait::f(one, a) } }"),
            ("key = a", "fn f(a: u32) { static N: u8 = 0; }"),
            (
                "ttl = \"1s\", stale = \"1s\", spawn = std::thread::spawn, key = a",
                "fn f(self: Arc<Self>, a: &'static str, mut b: Vec<fn(&str)>, c: impl Fn(&u8)) {}",
            ),
            ("spawn = tokio::spawn", "async fn f(a: String) {}"),
            ("key = a, companion = none", "fn f((a, b): (u8, u8)) { static N: u8 = 0; }"),
        ] {
            assert_eq!(messages(args, function), [""; 0], "{args} {function}");
        }
    }

    #[test]
    fn stores_need_their_features() {
        let found = |persist, remote| {
            let check = |args: &Args, _: &Function, errors: &mut Errors| {
                stores::stores_are_features(args, &Features { persist, remote }, errors);
            };
            testing::messages(check, "persist = \"x\", remote = t()", "fn f() {}")
        };
        assert_eq!(found(true, true), [""; 0]);
        testing::refused(&found(false, true), "write `features = [\"persist\"]` at `memokit`");
        testing::refused(&found(true, false), "write `features = [\"remote\"]` at `memokit`");
    }

    #[test]
    fn what_does_not_fit() {
        refused("durability = \"os\"", "fn f() {}", "add `persist");
        refused("max_disk = \"1GiB\"", "fn f() {}", "add `persist");
        refused("max_value = \"1MiB\"", "fn f() {}", "`max_value` applies to a cache on disk");
        refused("max_value = n, persist = \"x\"", "fn f(n: u64) {}", "leave the parameter `n` out");
        refused("codec = a::Json", "fn f() {}", "add `persist");
        refused("codec = a::Json", "fn f() {}", "or `remote = ...`");
        let evolves = |more: &str| format!("evolves, {more}");
        refused(&evolves("version = 1"), "fn f() {}", "add `persist = \"...\"` or `remote");
        let stored = "persist = \"x\", version = 1";
        refused(&evolves(stored), "fn f() {}", "add `codec = memokit::codec::Json`");
        let postcard = format!("{stored}, codec = memokit::codec::Postcard");
        refused(&evolves(&postcard), "fn f() {}", "the bytes of postcard");
        let unversioned = "remote = t(), codec = a::Json";
        refused(&evolves(unversioned), "fn f() {}", "add `version = 1`");
        refused("persist = \"\", durability = \"os\"", "fn f() {}", "the path is empty");
        refused("remote = \"\", write = \"through\"", "fn f() {}", "no address");
        for given in [
            "write = \"behind\"",
            "remote_limit = \"1s\"",
            "stale_while_disconnected = \"1s\"",
            "persist = \"x\", write = \"through\"",
        ] {
            refused(given, "fn f() {}", "add `remote = ...`");
        }
        refused("durability = \"os\", remote = t()", "fn f() {}", "add `persist");
        refused("remote = of(n)", "fn f(n: u32) {}", "leave the parameter `n` out");
        refused("remote = self.tier.clone()", "fn f(&self) {}", "leave `self` out");
        refused("remote = t(), remote_limit = n", "fn f(n: u32) {}", "the parameter `n`");
        let stale = "remote = t(), stale_while_disconnected = n";
        refused(stale, "fn f(n: u32) {}", "the parameter `n`");
        refused("ttl = \"1s\", spawn = f", "fn f() {}", "add `stale = \"1m\"`");
        let spawn = "ttl = \"1s\", stale = \"1s\", spawn = f";
        let with = |more: &str| format!("{spawn}, {more}");
        refused(&with("scope = \"thread\""), "fn f() {}", "leave `scope` out");
        refused(&with("stale_if_error = true"), "fn f() {}", "leave `stale_if_error` out");
        refused(spawn, "#[track_caller] fn f() {}", "drop `#[track_caller]`");
        refused(spawn, "fn f(&self) {}", "take `self: Arc<Self>`");
        refused(spawn, "fn f(self: &Arc<Self>) {}", "take `self: Arc<Self>`");
        for borrowed in ["&str", "&'a str", "Option<&u8>", "Cow<'_, str>", "Box<dyn A + 'a>"] {
            refused(spawn, &format!("fn f(mut text: {borrowed}) {{}}"), "`text` borrows");
        }
        refused(spawn, "async fn f((a, b): (u8, &u8)) {}", "`(a , b)` borrows");
        refused("weigh = f", "fn f() {}", "add `max_bytes");
        refused("max_bytes = self.max", "fn f(&self) {}", "leave `self` out");
        refused("key = a, skip(a)", "fn f(a: u32) {}", "leave `skip` out");
        refused("skip(bb)", "fn f(ab: u32, c: u32) {}", "did you mean `ab`?");
        refused("skip(zzz)", "fn f(&self, a: u32) {}", "there are `a`, `self`");
        refused("skip(b)", "fn f((a, b): (u32, u32)) {}", "part of a pattern");
        refused("skip(self)", "fn f(a: u32) {}", "not a method");
        refused("cache_err", "fn f() {}", "leave `cache_err` out");
        refused("scope = \"thread\", persist = \"x\"", "fn f() {}", "leave `scope` out");
        refused("scope = \"thread\", remote = t()", "fn f() {}", "leave `remote` out");
        refused("key = a", "fn f((a, _): (u8, impl Copy)) {}", "take it apart in the body");
        refused("ttl = self.ttl", "fn f(&self) {}", "leave `self` out");
        refused("companion = none", "#[track_caller] fn f(&self) {}", "drop `#[track_caller]`");
        refused("key = a", "#[track_caller] fn f((a, b): (u8, u8)) {}", "apart in the body");
        refused("", "#[memokit::memoize] fn f() {}", "memoized twice");
        refused("", "#[cached] fn f() {}", "cached twice");
        refused("", "#[cached::proc_macro::once] fn f() {}", "cached twice");
        refused(
            "skip(self)",
            "extern \"C\" fn __wasm_bindgen_generated_f(a: u32) {}",
            "foreign code",
        );
        refused("", "extern \"C\" fn f_c_callback(a: *mut u8) -> *mut u8 {}", "foreign code");
        refused(
            "skip(self)",
            "fn f(&self, a: u32) -> u32 { match self { E::A(inner) => Trait::f(inner, a) } }",
            "answer for another",
        );
        refused("key = a", "fn f((a, b): (u8, u8)) { static N: u8 = 0; }", "would exist twice");
        refused("max = n as usize", "fn f(n: u32) {}", "leave the parameter `n` out");
        refused("persist = format!(\"a/{n:?}\")", "fn f(n: u32) {}", "leave the parameter `n` out");
        refused(
            "persist = \"~/cache\"",
            "fn f() {}",
            "home_dir().unwrap_or_default().join(\"cache\")",
        );
        refused("max_bytes = \"0\"", "fn f() {}", "leave `max_bytes` out");
        refused("max = \"0\"", "fn f() {}", "leave `max` out");
        refused("max = 4, shards = 8", "fn f() {}", "`shards = 4`");
        refused("max = 5, shards = 8", "fn f() {}", "`shards = 4`");
        refused("ttl = of(&config, 3)", "fn f(config: u32) {}", "the parameter `config`");
        let borrowed = "fn f() -> Option<&'static str> {}";
        refused("persist = \"x\"", borrowed, "read from disk has nothing to borrow from");
        refused("remote = t()", borrowed, "read from the tier has nothing to borrow from");
        refused("persist = \"x\", remote = t()", borrowed, "leave `persist` and `remote` out");
    }
}
