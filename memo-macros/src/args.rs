//! The arguments of `#[memoize]` and what each accepts.

use std::time::Duration;

use proc_macro2::{Ident, TokenStream};

use crate::errors::Errors;
use crate::function::{Function, mentions_self};
use crate::raw::{self, Form, Raw};
use crate::suggest;
use crate::value;

/// Every argument, with an example for the errors that need one.
const KNOWN: [(&str, &str); 26] = [
    ("max", "max = 1000"),
    ("max_bytes", "max_bytes = \"64MiB\""),
    ("weigh", "weigh = |value| value.len()"),
    ("ttl", "ttl = \"30s\""),
    ("ttl_with", "ttl_with = |value| value.expires_in"),
    ("idle", "idle = \"10m\""),
    ("jitter", "jitter = 0.1"),
    ("policy", "policy = \"lru\""),
    ("shards", "shards = 16"),
    ("stale", "stale = \"1m\""),
    ("refresh_ahead", "refresh_ahead = 0.8"),
    ("wait_limit", "wait_limit = \"10s\""),
    ("persist", "persist = \"cache/quotes\""),
    ("durability", "durability = \"interval\""),
    ("codec", "codec = memokit::codec::Json"),
    ("skip", "skip(connection)"),
    ("key", "key = (a, b)"),
    ("cache_if", "cache_if = |value| value.is_some()"),
    ("cache_err", "cache_err = \"2s\""),
    ("version", "version = 2"),
    ("scope", "scope = \"thread\""),
    ("verify", "verify = 0.01"),
    ("name", "name = \"quotes\""),
    ("companion", "companion = none"),
    ("in_impl", "in_impl"),
    ("crate", "crate = ::memokit"),
];

/// Arguments that the design has and this version does not.
const PLANNED: [&str; 1] = ["remote"];

/// What other crates and tongues call our arguments.
const OTHER_NAMES: [(&str, &str); 19] = [
    ("size", "max"),
    ("max_size", "max"),
    ("capacity", "max"),
    ("limit", "max"),
    ("memory", "max_bytes"),
    ("max_weight", "max_bytes"),
    ("weight", "weigh"),
    ("weigher", "weigh"),
    ("tti", "idle"),
    ("time_to_idle", "idle"),
    ("time", "ttl"),
    ("expire", "ttl"),
    ("expires", "ttl"),
    ("timeout", "ttl"),
    ("disk", "persist"),
    ("path", "persist"),
    ("convert", "key"),
    ("ignore", "skip"),
    ("condition", "cache_if"),
];

/// An argument that was given, with the tokens under which its errors go.
pub(crate) struct Given<T> {
    pub(crate) name: Ident,
    pub(crate) value: T,
    /// What was written behind the name, as it counts for the fingerprint.
    pub(crate) tokens: TokenStream,
}

/// A span of time: read at expansion, or an expression for run time.
#[expect(clippy::large_enum_variant, reason = "one of each is made at a time")]
pub(crate) enum Span {
    Text(Duration),
    Expression(syn::Expr),
}

/// A bound on bytes: read at expansion, or an expression for run time.
#[expect(clippy::large_enum_variant, reason = "one of each is made at a time")]
pub(crate) enum Bytes {
    Text(u64),
    Expression(syn::Expr),
}

/// Whose a cache is.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Scope {
    Process,
    Thread,
}

/// The names of the companions.
pub(crate) enum Companion {
    None,
    Stem(Ident),
}

/// The arguments that were given and make sense by themselves.
#[derive(Default)]
pub(crate) struct Args {
    pub(crate) max: Option<Given<syn::Expr>>,
    pub(crate) max_bytes: Option<Given<Bytes>>,
    pub(crate) weigh: Option<Given<syn::Expr>>,
    pub(crate) shards: Option<Given<syn::Expr>>,
    pub(crate) ttl: Option<Given<Span>>,
    pub(crate) stale: Option<Given<Span>>,
    pub(crate) idle: Option<Given<Span>>,
    pub(crate) refresh_ahead: Option<Given<syn::Expr>>,
    pub(crate) wait_limit: Option<Given<Span>>,
    pub(crate) ttl_with: Option<Given<syn::Expr>>,
    pub(crate) jitter: Option<Given<syn::Expr>>,
    /// There is but one.
    pub(crate) policy: Option<Given<()>>,
    pub(crate) persist: Option<Given<syn::Expr>>,
    pub(crate) durability: Option<Given<Ident>>,
    pub(crate) codec: Option<Given<syn::Path>>,
    pub(crate) skip: Option<Given<Vec<Ident>>>,
    pub(crate) key: Option<Given<syn::Expr>>,
    pub(crate) cache_if: Option<Given<syn::Expr>>,
    /// With the time that errors are kept for, if one is given.
    pub(crate) cache_err: Option<Given<Option<Duration>>>,
    pub(crate) version: Option<Given<syn::Expr>>,
    pub(crate) scope: Option<Given<Scope>>,
    pub(crate) verify: Option<Given<syn::Expr>>,
    pub(crate) name: Option<Given<syn::LitStr>>,
    pub(crate) companion: Option<Given<Companion>>,
    /// The function stands in an impl, where it shows that nowhere else.
    pub(crate) in_impl: Option<Given<()>>,
    pub(crate) krate: Option<Given<syn::Path>>,
    /// The names of all arguments as written, also of those with a wrong value.
    written: Vec<Ident>,
    shows_self: bool,
}

impl Args {
    /// Reads the arguments; what is wrong goes to `errors` and is left out.
    pub(crate) fn parse(tokens: TokenStream, errors: &mut Errors) -> Self {
        let shows_self = mentions_self(tokens.clone());
        let mut args = Self { shows_self, ..Self::default() };
        for raw in raw::parse(tokens, errors) {
            let accepted = args.accept(raw);
            errors.take(accepted);
        }
        args
    }

    /// Whether an argument was meant, be its value right or wrong.
    pub(crate) fn wrote(&self, name: &str) -> bool {
        self.written.iter().any(|written| written == name)
    }

    /// Whether the function stands in an impl or a trait, as far as is shown: by `self`, `Self` or `in_impl`.
    pub(crate) fn in_impl(&self, function: &Function) -> bool {
        self.in_impl.is_some() || self.shows_self || function.shows_self()
    }

    /// Is it each thread's own?
    pub(crate) fn is_local(&self) -> bool {
        matches!(&self.scope, Some(Given { value: Scope::Thread, .. }))
    }

    fn accept(&mut self, Raw { name, form }: Raw) -> syn::Result<()> {
        self.written.push(name.clone());
        match name.to_string().as_str() {
            "max" => set(&mut self.max, name, form, value::bound),
            "max_bytes" => set(&mut self.max_bytes, name, form, value::bytes),
            "weigh" => set(&mut self.weigh, name, form, value::callable),
            "shards" => set(&mut self.shards, name, form, value::shards),
            "ttl" => set(&mut self.ttl, name, form, value::span),
            "stale" => set(&mut self.stale, name, form, value::span),
            "idle" => set(&mut self.idle, name, form, value::span),
            "refresh_ahead" => set(&mut self.refresh_ahead, name, form, value::fraction),
            "wait_limit" => set(&mut self.wait_limit, name, form, value::span),
            "ttl_with" => set(&mut self.ttl_with, name, form, value::callable),
            "jitter" => set(&mut self.jitter, name, form, value::fraction),
            "policy" => set(&mut self.policy, name, form, value::policy),
            "persist" => set(&mut self.persist, name, form, value::directory),
            "durability" => set(&mut self.durability, name, form, value::durability),
            "codec" => set(&mut self.codec, name, form, value::path),
            "skip" => set(&mut self.skip, name, form, value::names),
            "key" => set(&mut self.key, name, form, value::key),
            "cache_if" => set(&mut self.cache_if, name, form, value::callable),
            "cache_err" => set(&mut self.cache_err, name, form, value::flag_or_time),
            "version" => set(&mut self.version, name, form, value::expression),
            "scope" => set(&mut self.scope, name, form, value::scope),
            "verify" => set(&mut self.verify, name, form, value::fraction),
            "name" => set(&mut self.name, name, form, value::text),
            "companion" => set(&mut self.companion, name, form, value::companion),
            "in_impl" => set(&mut self.in_impl, name, form, value::flag),
            "crate" => set(&mut self.krate, name, form, value::path),
            other => Err(syn::Error::new_spanned(&name, stranger(other))),
        }
    }
}

/// Stores an argument unless it is there already.
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

/// How an argument is written, for errors.
pub(crate) fn example(name: &Ident) -> &'static str {
    let found = KNOWN.iter().find(|(known, _)| name == known);
    found.map_or("", |&(_, example)| example)
}

/// The message for a name that is no argument.
fn stranger(name: &str) -> String {
    if PLANNED.contains(&name) {
        return format!("this version of memokit does not have `{name}` yet: leave it out");
    }
    let known = KNOWN.map(|(known, _)| known);
    let other = OTHER_NAMES.iter().find(|&&(other, _)| other == name);
    let meant = other.map(|&(_, ours)| ours).or_else(|| suggest::nearest(name, known));
    match meant {
        Some(meant) => format!("unknown argument `{name}`, did you mean `{meant}`?"),
        None => format!("unknown argument `{name}`: there are {}", listed(&known)),
    }
}

fn listed(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

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
        for (name, example) in KNOWN {
            assert_eq!(errors(example), [""; 0], "{name}");
        }
        assert_eq!(errors("cache_err"), [""; 0]);
        assert_eq!(errors("max = LIMIT * 2, ttl = config().ttl, companion = quote"), [""; 0]);
    }

    #[test]
    fn strangers_are_named() {
        refused("tll = \"3s\"", "unknown argument `tll`, did you mean `ttl`?");
        refused("capacity = 3", "did you mean `max`?");
        refused("xyzzy", "there are `max`, `max_bytes`");
        for planned in PLANNED {
            refused(planned, "does not have");
        }
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
        refused("max_bytes = -1", "`max_bytes = \"64MiB\"`");
        refused("weigh", "`weigh = |value| value.len()`");
        refused("weigh = \"len\"", "`weigh = |value| value.len()`");
        refused("weigher = f", "did you mean `weigh`?");
        refused("cache_if = true", "a function or a closure");
        refused("idle", "`idle = \"10m\"`");
        refused("idle = \"0s\"", "longer than zero");
        refused("tti = \"1s\"", "did you mean `idle`?");
        refused("shards = 0", "a power of two");
        refused("shards = 3", "`shards = 4`");
        refused("shards = 100", "`shards = 64` or `shards = 128`");
        refused("shards = 131072", "`shards = 65536`");
        refused("shards = \"4\"", "`shards = 4`");
        refused("ttl = \"0s\"", "longer than zero");
        refused("ttl = 0", "longer than zero");
        refused("ttl_with = \"5s\"", "a function or a closure");
        refused("ttl = 30", "`ttl = \"30s\"`");
        refused("stale = 30", "`stale = \"30s\"`");
        refused("wait_limit", "`wait_limit = \"10s\"`");
        refused("refresh_ahead = 1.5", "`refresh_ahead = 0.8`");
        refused("ttl = \"soon\"", "`soon` is no number");
        refused("cache_err = \"0ms\"", "longer than zero");
        refused("cache_err = true", "`cache_err = \"2s\"`");
        refused("persist = \"\"", "empty");
        refused("persist = 5", "`persist = \"cache/quotes\"`");
        refused("verify = 2.0", "between 0 and 1");
        refused("verify = \"1 %\"", "`verify = 0.01`");
        refused("jitter = 2", "between 0 and 1");
        refused("policy = \"tiny\"", "there is `lru`");
        refused("policy = lru", "`policy = \"lru\"`");
        refused("scope = \"threads\"", "did you mean `thread`?");
        refused("scope = \"x\"", "`process` or `thread`");
        refused("in_impl = true", "stands alone");
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
