//! The names of the arguments, and the error about a name that is none of them.

use proc_macro2::Ident;

use crate::parse::suggestion;

/// Every argument, with an example of its use for errors.
pub(crate) const KNOWN: &[(&str, &str)] = &[
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

/// Arguments that are planned and that this version does not have.
pub(crate) const PLANNED: &[&str] = &["remote"];

/// Names that other crates and languages use, with the argument that is meant.
const OTHER_NAMES: &[(&str, &str)] = &[
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

/// An example of the use of an argument, for errors.
pub(crate) fn example(name: &Ident) -> &'static str {
    let found = KNOWN.iter().find(|(known, _)| name == known);
    found.map_or("", |&(_, example)| example)
}

/// The error about a name that is no argument.
pub(crate) fn unknown(name: &str) -> String {
    if PLANNED.contains(&name) {
        return format!("this version of memokit does not have `{name}` yet: leave it out");
    }
    let known: Vec<&str> = KNOWN.iter().map(|&(known, _)| known).collect();
    let other = OTHER_NAMES.iter().find(|&&(other, _)| other == name);
    let meant =
        other.map(|&(_, ours)| ours).or_else(|| suggestion::nearest(name, known.iter().copied()));
    match meant {
        Some(meant) => format!("unknown argument `{name}`, did you mean `{meant}`?"),
        None => format!("unknown argument `{name}`: there are {}", listed(&known)),
    }
}

fn listed(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
