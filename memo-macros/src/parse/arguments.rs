//! The arguments of `#[memoize]`, and the reader of each one's value.

use std::time::Duration;

use proc_macro2::{Ident, Span, TokenStream};

use crate::errors::Errors;
use crate::parse::argument_names;
use crate::parse::function::Function;
use crate::parse::raw_argument::{self, Form, RawArgument};
use crate::parse::values::companion::{self, Companion};
use crate::parse::values::duration::{self, TimeSpan};
use crate::parse::values::expression;
use crate::parse::values::keyword::{self, Instances, Policy, Scope, Write};
use crate::parse::values::number;
use crate::parse::values::parameter_list;
use crate::parse::values::size::{self, Size};
use crate::parse::values::text;
use crate::parse::values::weight::{self, Weight};
use crate::syntax::tokens::mentions_self_type;

/// An argument that is given.
pub(crate) struct Given<T> {
    pub(crate) name: Ident,
    pub(crate) value: T,
    /// The value as written: errors are reported under it, and the fingerprint hashes it.
    pub(crate) tokens: TokenStream,
}

/// The arguments. One that is not given, or that has a wrong value, is `None`.
#[derive(Default)]
pub(crate) struct Args {
    pub(crate) max: Option<Given<syn::Expr>>,
    pub(crate) max_bytes: Option<Given<Size>>,
    pub(crate) weigh: Option<Given<Weight>>,
    pub(crate) shards: Option<Given<syn::Expr>>,
    pub(crate) ttl: Option<Given<TimeSpan>>,
    pub(crate) stale: Option<Given<TimeSpan>>,
    pub(crate) idle: Option<Given<TimeSpan>>,
    pub(crate) refresh_ahead: Option<Given<syn::Expr>>,
    pub(crate) stale_if_error: Option<Given<bool>>,
    pub(crate) spawn: Option<Given<syn::Expr>>,
    pub(crate) wait_limit: Option<Given<TimeSpan>>,
    pub(crate) ttl_with: Option<Given<syn::Expr>>,
    pub(crate) jitter: Option<Given<syn::Expr>>,
    pub(crate) policy: Option<Given<Policy>>,
    pub(crate) persist: Option<Given<syn::Expr>>,
    pub(crate) max_disk: Option<Given<Size>>,
    pub(crate) durability: Option<Given<Ident>>,
    pub(crate) max_value: Option<Given<Size>>,
    pub(crate) codec: Option<Given<syn::Path>>,
    /// Whether results of other versions of their type are read.
    pub(crate) evolves: Option<Given<()>>,
    pub(crate) remote: Option<Given<syn::Expr>>,
    pub(crate) write: Option<Given<Write>>,
    pub(crate) remote_limit: Option<Given<TimeSpan>>,
    pub(crate) stale_while_disconnected: Option<Given<TimeSpan>>,
    pub(crate) skip: Option<Given<Vec<Ident>>>,
    pub(crate) key: Option<Given<syn::Expr>>,
    pub(crate) tags: Option<Given<syn::Expr>>,
    pub(crate) tags_with: Option<Given<syn::Expr>>,
    pub(crate) cache_if: Option<Given<syn::Expr>>,
    /// With the time to live of errors, if it is given.
    pub(crate) cache_err: Option<Given<Option<Duration>>>,
    /// Whether the cache holds results as they are, because clones share their contents.
    pub(crate) cheap_clone: Option<Given<()>>,
    pub(crate) version: Option<Given<syn::Expr>>,
    pub(crate) scope: Option<Given<Scope>>,
    /// The field that has the cache of an object.
    pub(crate) cache: Option<Given<syn::Expr>>,
    pub(crate) instances: Option<Given<Instances>>,
    pub(crate) verify: Option<Given<syn::Expr>>,
    /// Whether calls are observed, to give advice.
    pub(crate) advise: Option<Given<()>>,
    /// How many departures are remembered.
    pub(crate) explain: Option<Given<syn::Expr>>,
    pub(crate) on_evict: Option<Given<syn::Expr>>,
    pub(crate) name: Option<Given<syn::LitStr>>,
    pub(crate) companion: Option<Given<Companion>>,
    /// Says that the function stands in an impl, for a function that does not show it by `self` or `Self`.
    pub(crate) in_impl: Option<Given<()>>,
    pub(crate) krate: Option<Given<syn::Path>>,
    /// All arguments that are written, also those with a wrong value.
    written: Vec<(Ident, TokenStream)>,
    shows_self: bool,
}

impl Args {
    /// Reads the arguments. Those that are wrong are left out and reported to `errors`.
    pub(crate) fn parse(tokens: TokenStream, errors: &mut Errors) -> Self {
        let shows_self = mentions_self_type(tokens.clone());
        let mut args = Self { shows_self, ..Self::default() };
        for raw in raw_argument::parse(tokens, errors) {
            let accepted = args.accept(raw);
            errors.take(accepted);
        }
        args
    }

    /// Whether an argument is written, even with a wrong value.
    pub(crate) fn is_written(&self, name: &str) -> bool {
        self.written.iter().any(|(written, _)| written == name)
    }

    /// Whether results leave the memory of the process, for a directory or a tier, and are read back from there.
    pub(crate) fn is_stored(&self) -> bool {
        self.is_written("persist") || self.is_written("remote")
    }

    /// The names of all arguments that are written, with the values as written.
    pub(crate) fn written(&self) -> impl Iterator<Item = &(Ident, TokenStream)> {
        self.written.iter()
    }

    /// Whether the function stands in an impl or a trait, as far as `self`, `Self` or `in_impl` show it.
    pub(crate) fn in_impl(&self, function: &Function) -> bool {
        self.in_impl.is_some() || self.shows_self || function.shows_self()
    }

    /// Whether each thread has a cache of its own.
    pub(crate) fn is_per_thread(&self) -> bool {
        matches!(&self.scope, Some(Given { value: Scope::Thread, .. }))
    }

    /// Whether each object has a cache of its own.
    pub(crate) fn is_per_object(&self) -> bool {
        matches!(&self.scope, Some(Given { value: Scope::Instance, .. }))
    }

    /// Whether the function's own type and const parameters share one cache.
    pub(crate) fn shares_instances(&self) -> bool {
        matches!(&self.instances, Some(Given { value: Instances::Shared, .. }))
    }

    /// Whether the function gets companions beside it.
    pub(crate) fn has_companions(&self) -> bool {
        !matches!(
            &self.companion,
            Some(Given { value: Companion::None | Companion::Apart(..), .. })
        )
    }

    /// The path to the companions, if they do not stand beside the function.
    pub(crate) fn companions_apart(&self) -> Option<&TokenStream> {
        match &self.companion {
            Some(Given { value: Companion::Apart(_, path), .. }) => Some(path),
            _ => None,
        }
    }

    /// Puts the companions of a function elsewhere, unless there are none: in the impl of a trait they have no place.
    pub(crate) fn set_companions_apart(&mut self, function: &Function, path: &TokenStream) {
        let (name, stem) = match self.companion.take() {
            Some(none @ Given { value: Companion::None, .. }) => {
                self.companion = Some(none);
                return;
            }
            Some(Given {
                name, value: Companion::Stem(stem) | Companion::Apart(stem, _), ..
            }) => (name, stem),
            None => (Ident::new("companion", Span::call_site()), function.name().clone()),
        };
        let value = Companion::Apart(stem, path.clone());
        self.companion = Some(Given { name, value, tokens: TokenStream::new() });
        let in_impl = Ident::new("in_impl", Span::call_site());
        self.in_impl.get_or_insert(Given { name: in_impl, value: (), tokens: TokenStream::new() });
    }

    /// Whether a parameter is left out of the key. If each object has a cache, `self` is.
    pub(crate) fn skips(&self, parameter: &Ident) -> bool {
        let is_object = self.is_per_object() && parameter == "self";
        is_object || self.skip.as_ref().is_some_and(|skip| skip.value.contains(parameter))
    }

    fn accept(&mut self, RawArgument { name, form }: RawArgument) -> syn::Result<()> {
        self.written.push((name.clone(), form.tokens()));
        match name.to_string().as_str() {
            "max" => set(&mut self.max, name, form, number::entries),
            "max_bytes" => set(&mut self.max_bytes, name, form, size::size),
            "weigh" => set(&mut self.weigh, name, form, weight::weight),
            "shards" => set(&mut self.shards, name, form, number::shards),
            "ttl" => set(&mut self.ttl, name, form, duration::time_span),
            "stale" => set(&mut self.stale, name, form, duration::time_span),
            "idle" => set(&mut self.idle, name, form, duration::time_span),
            "refresh_ahead" => set(&mut self.refresh_ahead, name, form, number::fraction),
            "stale_if_error" => set(&mut self.stale_if_error, name, form, keyword::boolean),
            "spawn" => set(&mut self.spawn, name, form, expression::callable),
            "wait_limit" => set(&mut self.wait_limit, name, form, duration::limit),
            "ttl_with" => set(&mut self.ttl_with, name, form, expression::callable),
            "jitter" => set(&mut self.jitter, name, form, number::fraction),
            "policy" => set(&mut self.policy, name, form, keyword::policy),
            "persist" => set(&mut self.persist, name, form, text::directory),
            "max_disk" => set(&mut self.max_disk, name, form, size::size),
            "durability" => set(&mut self.durability, name, form, keyword::durability),
            "max_value" => set(&mut self.max_value, name, form, size::size),
            "codec" => set(&mut self.codec, name, form, expression::path),
            "evolves" => set(&mut self.evolves, name, form, expression::flag),
            "remote" => set(&mut self.remote, name, form, expression::tier),
            "write" => set(&mut self.write, name, form, keyword::write),
            "remote_limit" => set(&mut self.remote_limit, name, form, duration::time_span),
            "stale_while_disconnected" => {
                set(&mut self.stale_while_disconnected, name, form, duration::limit)
            }
            "skip" => set(&mut self.skip, name, form, parameter_list::parameters),
            "key" => set(&mut self.key, name, form, expression::key),
            "tags" => set(&mut self.tags, name, form, expression::tags),
            "tags_with" => set(&mut self.tags_with, name, form, expression::callable),
            "cache_if" => set(&mut self.cache_if, name, form, expression::callable),
            "cache_err" => set(&mut self.cache_err, name, form, duration::flag_or_duration),
            "cheap_clone" => set(&mut self.cheap_clone, name, form, expression::flag),
            "version" => set(&mut self.version, name, form, expression::expression),
            "scope" => set(&mut self.scope, name, form, keyword::scope),
            "cache" => set(&mut self.cache, name, form, expression::field),
            "instances" => set(&mut self.instances, name, form, keyword::instances),
            "verify" => set(&mut self.verify, name, form, number::fraction),
            "advise" => set(&mut self.advise, name, form, expression::flag),
            "explain" => set(&mut self.explain, name, form, number::departures),
            "on_evict" => set(&mut self.on_evict, name, form, expression::callable),
            "name" => set(&mut self.name, name, form, text::text),
            "companion" => set(&mut self.companion, name, form, companion::companion),
            "in_impl" => set(&mut self.in_impl, name, form, expression::in_impl),
            "crate" => set(&mut self.krate, name, form, expression::path),
            other => Err(syn::Error::new_spanned(&name, argument_names::unknown(other))),
        }
    }
}

/// Reads an argument and stores it. It is an error if it is there already.
fn set<T>(
    slot: &mut Option<Given<T>>,
    name: Ident,
    form: Form,
    read: fn(&Ident, Form) -> syn::Result<T>,
) -> syn::Result<()> {
    if slot.is_some() {
        let message = format!("`{name}` is given twice: keep one");
        return Err(syn::Error::new_spanned(name, message));
    }
    let tokens = form.tokens();
    let value = read(&name, form)?;
    *slot = Some(Given { name, value, tokens });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::argument_names::KNOWN;

    fn errors(text: &str) -> Vec<String> {
        let mut errors = Errors::default();
        Args::parse(text.parse().unwrap(), &mut errors);
        errors.messages()
    }

    #[track_caller]
    fn refused(text: &str, message: &str) {
        let found = errors(text);
        assert!(found.len() == 1 && found[0].contains(message), "{text}: {found:?}");
    }

    #[test]
    fn the_examples_are_accepted() {
        for &(name, example) in KNOWN {
            assert_eq!(errors(example), [""; 0], "{name}");
        }
        assert_eq!(errors("cache_err, explain, weigh = shallow"), [""; 0]);
        assert_eq!(errors("stale_while_disconnected = \"0s\", write = \"behind\""), [""; 0]);
        assert_eq!(errors("remote = Self::TIER.clone(), remote_limit = LIMIT"), [""; 0]);
        assert_eq!(errors("max = LIMIT * 2, ttl = config().ttl, companion = quote"), [""; 0]);
    }

    #[test]
    fn unknown_names_are_reported() {
        refused("tll = \"3s\"", "unknown argument `tll`, did you mean `ttl`?");
        refused("capacity = 3", "did you mean `max = 1000`?");
        refused("xyzzy", "there are `max`, `max_bytes`");
        refused("redis = true", "did you mean `remote = redis()`?");
        refused("cache_url = \"redis://localhost\"", "did you mean `remote = redis()`?");
        refused("remotes = redis()", "did you mean `remote`?");
        refused("remote_timeout = \"1s\"", "did you mean `remote_limit = \"100ms\"`?");
        refused("write_through = true", "write `write = \"through\"`");
        refused("stale_while_disconected = \"1s\"", "did you mean `stale_while_disconnected`?");
    }

    #[test]
    fn twice() {
        refused("max = 1, ttl = \"1s\", max = 2", "`max` is given twice");
    }

    #[test]
    fn values_that_cannot_be_right() {
        refused("max = 0", "leave `max` out");
        refused("max = \"10\"", "`max = 10`");
        refused("max = 1.5", "a whole number");
        refused("max = -1", "a whole number");
        refused("max = 99999999999999999999999", "too large");
        refused("max", "`max = 1000`");
        refused("max =", "`max = 1000`");
        refused("cache_err =", "`cache_err = \"2s\"`");
        refused("max(5)", "`max = 1000`");
        refused("max_bytes = 0", "leave `max_bytes` out");
        refused("max_bytes = \"0 B\"", "leave `max_bytes` out");
        refused("max_bytes = \"64\"", "`max_bytes = 64`");
        refused("max_bytes = \"64MB?\"", "`?`");
        refused("max_bytes = 1.5", "`max_bytes = \"64MiB\"`");
        refused("max_disk = 0", "leave `max_disk` out");
        refused("max_disk = 1.5", "`max_disk = \"10GiB\"`");
        refused("max_bytes = -1", "`max_bytes = \"64MiB\"`");
        refused("max_value = \"0B\"", "leave `max_value` out");
        refused("max_value = \"16M\"", "`16MiB`");
        refused("max_value = 1.5", "`max_value = \"16MiB\"`");
        refused("weigh", "`weigh = |value| value.len()`");
        refused("weigh = \"len\"", "`weigh = |value| value.len()`");
        refused("weigher = f", "did you mean `weigh = |value| value.len()`?");
        refused("cache_if = true", "a function or a closure");
        refused("evolves = true", "write `evolves`");
        refused("cheap_clone = true", "write `cheap_clone`");
        refused("on_evict = \"log\"", "a function or a closure");
        refused("on_evict", "`on_evict = |key, value, departure| log(key, value)`");
        refused("eviction_listener = log", "did you mean `on_evict = |key, value, departure|");
        refused("idle", "`idle = \"10m\"`");
        refused("idle = \"0s\"", "longer than zero");
        refused("tti = \"1s\"", "did you mean `idle = \"10m\"`?");
        refused("ttl_secs = 60", "did you mean `ttl = \"30s\"`?");
        refused("ttl_millis = 300", "write `ttl = \"300ms\"`");
        refused("expires = true", "write `ttl_with = |value| Some(value.expires_at.");
        refused("force_refresh = { n > 1 }", "write `memokit::refresh(|| ...)`");
        refused("companions_vis = \"pub\"", "as visible as the function");
        refused("unsync_reads = true", "a hit takes no lock");
        refused("shards = 0", "a power of two");
        refused("shards = 3", "`shards = 4`");
        refused("shards = 100", "`shards = 64` or `shards = 128`");
        refused("shards = 131072", "`shards = 65536`");
        refused("shards = \"4\"", "`shards = 4`");
        refused("ttl = \"0s\"", "longer than zero");
        refused("ttl = 0", "longer than zero");
        refused("ttl_with = \"5s\"", "a function or a closure");
        refused("spawn", "`spawn = std::thread::spawn`");
        refused("spawn = \"tokio\"", "a function or a closure");
        refused("ttl = 30", "`ttl = \"30s\"`");
        refused("stale = 30", "`stale = \"30s\"`");
        refused("wait_limit", "`wait_limit = \"10s\"`");
        refused("refresh_ahead = 1.5", "`refresh_ahead = 0.8`");
        refused("ttl = \"soon\"", "`soon` is not a number");
        refused("cache_err = \"0ms\"", "longer than zero");
        refused("cache_err = true", "`cache_err` alone caches errors as long as values");
        refused("cache_err = false", "no value or a duration");
        refused("ttl = \"Duration::from_secs(60)\"", "no quotes: `ttl = Duration::from_secs(60)`");
        refused("idle = \"config::IDLE\"", "no quotes: `idle = config::IDLE`");
        refused("persist = \"\"", "empty");
        refused("persist = 5", "`persist = \"cache/quotes\"`");
        refused("remote", "`remote = redis()`");
        refused("remote = \"redis://localhost\"", "no address");
        refused("remote = (\"localhost\")", "no address");
        refused("remote = true", "`remote = redis()`");
        refused("remote(redis())", "`remote = redis()`");
        refused("write", "`write = \"through\"`");
        refused("write = through", "`write = \"through\"`");
        refused("write = \"trough\"", "did you mean `through`?");
        refused("write = \"back\"", "`behind` or `through`");
        refused("write = true", "`write = \"through\"`");
        refused("remote_limit = 100", "`remote_limit = \"100s\"`");
        refused("remote_limit = \"0s\"", "longer than zero");
        refused("remote_limit = true", "`remote_limit = \"100ms\"`");
        refused("stale_while_disconnected = \"soon\"", "`soon` is not a number");
        refused("stale_while_disconnected", "`stale_while_disconnected = \"30s\"`");
        refused("verify = 2.0", "between 0 and 1");
        refused("verify = \"1 %\"", "`verify = 0.01`");
        refused("explain = 0", "leave `explain` out");
        refused("explain = \"1000\"", "`explain = 1000`");
        refused("explain = true", "`explain = 1000`");
        refused("explain(5)", "`explain = 1000`");
        refused("jitter = 2", "between 0 and 1");
        refused("policy = \"tiny\"", "`lru`, `adaptive` or `cost`");
        refused("policy = \"adaptve\"", "did you mean `adaptive`?");
        refused("policy = lru", "`policy = \"lru\"`");
        refused("scope = \"threads\"", "did you mean `thread`?");
        refused("scope = \"x\"", "`process`, `thread` or `instance`");
        refused("scope = \"object\"", "`process`, `thread` or `instance`");
        refused("cache", "`cache = self.state.cache`");
        refused("cache = \"cache\"", "`cache = self.state.cache`");
        refused("cache = 100", "`cache = self.state.cache`");
        refused("in_impl = true", "a method needs none, but `skip(self)`");
        refused("in_impl(true)", "takes no value");
        refused("key = { 0 }", "every call would share");
        refused("advise = true", "takes no value");
        refused("advice", "did you mean `advise`?");
        refused("durability = \"allways\"", "did you mean `always`?");
        refused("durability = \"fsync\"", "`none`, `os`, `interval` or `always`");
        refused("durability = always", "`durability = \"always\"`");
        refused("skip = a", "`skip(a)`");
        refused("skip()", "names no parameter");
        refused("skip(a, a)", "`a` is skipped twice");
        refused("skip(a.b)", "names of parameters");
        refused("name = \"\"", "empty");
        refused("name = quotes", "`name = \"quotes\"`");
        refused("companion = \"quote\"", "`companion = quote`");
        refused("crate = \"memokit\"", "`crate = memokit`");
    }

    #[test]
    fn all_at_once() {
        assert_eq!(errors("max = 0, tll = 3, persist = \"\", idle, skip()").len(), 5);
    }
}
