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
    ("policy", "policy = \"adaptive\""),
    ("shards", "shards = 16"),
    ("stale", "stale = \"1m\""),
    ("refresh_ahead", "refresh_ahead = 0.8"),
    ("stale_if_error", "stale_if_error = false"),
    ("spawn", "spawn = std::thread::spawn"),
    ("wait_limit", "wait_limit = \"10s\""),
    ("persist", "persist = \"cache/quotes\""),
    ("max_disk", "max_disk = \"10GiB\""),
    ("durability", "durability = \"interval\""),
    ("max_value", "max_value = \"16MiB\""),
    ("codec", "codec = memokit::codec::Json"),
    ("evolves", "evolves"),
    ("remote", "remote = redis()"),
    ("write", "write = \"through\""),
    ("remote_limit", "remote_limit = \"100ms\""),
    ("stale_while_disconnected", "stale_while_disconnected = \"30s\""),
    ("skip", "skip(connection)"),
    ("key", "key = (a, b)"),
    ("tags", "tags = [(\"user\", user_id), \"catalog\"]"),
    ("tags_with", "tags_with = |page| page.tags()"),
    ("cache_if", "cache_if = |value| value.is_some()"),
    ("cache_err", "cache_err = \"2s\""),
    ("cheap_clone", "cheap_clone"),
    ("version", "version = 2"),
    ("scope", "scope = \"thread\""),
    ("cache", "cache = self.state.cache"),
    ("instances", "instances = \"shared\""),
    ("verify", "verify = 0.01"),
    ("advise", "advise"),
    ("explain", "explain = 1000"),
    ("on_evict", "on_evict = |key, value, departure| log(key, value)"),
    ("name", "name = \"quotes\""),
    ("companion", "companion = none"),
    ("in_impl", "in_impl"),
    ("crate", "crate = ::memokit"),
];

/// Names that other crates and languages use, with the argument that is meant.
const OTHER_NAMES: &[(&str, &str)] = &[
    ("size", "max"),
    ("max_size", "max"),
    ("maxsize", "max"),
    ("capacity", "max"),
    ("Capacity", "max"),
    ("limit", "max"),
    ("memory", "max_bytes"),
    ("max_weight", "max_bytes"),
    ("weight", "weigh"),
    ("weigher", "weigh"),
    ("tti", "idle"),
    ("time_to_idle", "idle"),
    ("time", "ttl"),
    ("ttl_secs", "ttl"),
    ("time_to_live", "ttl"),
    ("TimeToLive", "ttl"),
    ("expire", "ttl"),
    ("timeout", "ttl"),
    ("executor", "spawn"),
    ("runtime", "spawn"),
    ("disk", "persist"),
    ("disk_size", "max_disk"),
    ("size_limit", "max_disk"),
    ("max_disk_bytes", "max_disk"),
    ("disk_dir", "persist"),
    ("path", "persist"),
    ("redis", "remote"),
    ("redis_url", "remote"),
    ("valkey", "remote"),
    ("memcached", "remote"),
    ("tier", "remote"),
    ("l2", "remote"),
    ("cache_url", "remote"),
    ("url", "remote"),
    ("server", "remote"),
    ("distributed", "remote"),
    ("cluster", "remote"),
    ("network", "remote"),
    ("write_mode", "write"),
    ("write_policy", "write"),
    ("remote_timeout", "remote_limit"),
    ("network_timeout", "remote_limit"),
    ("request_timeout", "remote_limit"),
    ("max_disconnected", "stale_while_disconnected"),
    ("stale_if_disconnected", "stale_while_disconnected"),
    ("stale_if_offline", "stale_while_disconnected"),
    ("convert", "key"),
    ("ignore", "skip"),
    ("Ignore", "skip"),
    ("tag", "tags"),
    ("groups", "tags"),
    ("group", "tags"),
    ("cacheNames", "tags"),
    ("condition", "cache_if"),
    ("advice", "advise"),
    ("by_ref", "cheap_clone"),
    ("share", "cheap_clone"),
    ("shared", "cheap_clone"),
    ("eviction_listener", "on_evict"),
    ("removal_listener", "on_evict"),
    ("evictionListener", "on_evict"),
    ("removalListener", "on_evict"),
    ("listener", "on_evict"),
    ("on_remove", "on_evict"),
    ("on_removal", "on_evict"),
    ("on_expire", "on_evict"),
    ("miss_ratio_curve", "advise"),
];

/// Names of other crates' arguments that have no counterpart here, with what to write instead.
const OTHER_WAYS: &[(&str, &str)] = &[
    ("result", "leave it out: memokit recognizes a `Result` by its type and caches only its `Ok`"),
    ("option", "write `cache_if = Option::is_some`: memokit caches `None` as it does any value"),
    ("cache_none", "leave it out: memokit caches `None` as it does any value"),
    (
        "sync_writes",
        "leave it out: callers that miss on one key share one computation; different keys are computed at the same time",
    ),
    ("sync_writes_buckets", "leave it out: callers that miss on one key share one computation"),
    ("sync_lock", "leave it out: a hit takes no lock"),
    (
        "result_fallback",
        "write `stale = \"1m\"`: for that long after `ttl` the old value is served",
    ),
    ("ttl_millis", "write `ttl = \"300ms\"`"),
    (
        "expires",
        "write `ttl_with = |value| Some(value.expires_at.saturating_duration_since(Instant::now()))`",
    ),
    ("time_refresh", "write `idle = \"10m\"`: each use starts that time anew"),
    ("refresh", "write `idle = \"10m\"` if each use is to start the time anew"),
    (
        "with_cached_flag",
        "leave it out: `memokit::outcome(|| ...)` tells whether the value of a call was cached",
    ),
    ("force_refresh", "write `memokit::refresh(|| ...)` at the call that is to compute anew"),
    ("companions_vis", "leave it out: the companions are as visible as the function"),
    ("unsync_reads", "leave it out: a hit takes no lock"),
    ("create", "leave it out: `max`, `ttl` and the other arguments describe the cache"),
    ("ty", "leave it out: `max`, `ttl` and the other arguments describe the cache"),
    ("unbound", "leave it out: without `max` a cache has no bound"),
    ("map_error", "leave it out: a failure to store results never fails a call"),
    ("write_through", "write `write = \"through\"`"),
    ("write_behind", "leave it out, or write `write = \"behind\"`"),
    ("write_back", "leave it out, or write `write = \"behind\"`"),
    ("typed", "leave it out: arguments of different types have different keys"),
    (
        "SharedCache",
        "leave it out: all threads share the cache, unless `scope = \"thread\"` is written",
    ),
    ("thread_local", "write `scope = \"thread\"`"),
    ("CustomHasher", "leave it out: keys are hashed by memokit's own function"),
    ("HasherInit", "leave it out: keys are hashed by memokit's own function"),
];

/// An example of the use of an argument, for errors.
pub(crate) fn example(name: &Ident) -> &'static str {
    example_of(&name.to_string()).unwrap_or_default()
}

fn example_of(name: &str) -> Option<&'static str> {
    KNOWN.iter().find(|(known, _)| *known == name).map(|&(_, example)| example)
}

/// The error about a name that is no argument.
pub(crate) fn unknown(name: &str) -> String {
    if let Some((_, way)) = OTHER_WAYS.iter().find(|(other, _)| *other == name) {
        return format!("memokit has no argument `{name}`: {way}");
    }
    if let Some(example) = counterpart(name).and_then(example_of) {
        return format!("unknown argument `{name}`, did you mean `{example}`?");
    }
    let known: Vec<&str> = KNOWN.iter().map(|&(known, _)| known).collect();
    match suggestion::nearest(name, known.iter().copied()) {
        Some(meant) => format!("unknown argument `{name}`, did you mean `{meant}`?"),
        None => format!("unknown argument `{name}`: there are {}", listed(&known)),
    }
}

/// The argument that another crate calls `name`.
fn counterpart(name: &str) -> Option<&'static str> {
    OTHER_NAMES.iter().find(|(other, _)| *other == name).map(|&(_, ours)| ours)
}

/// The error about an argument that is written with a colon, as those of the crate memoize are.
pub(crate) fn colon(name: &str) -> String {
    if OTHER_WAYS.iter().any(|(other, _)| *other == name) {
        return unknown(name);
    }
    let ours = counterpart(name).unwrap_or(name);
    match example_of(ours) {
        Some(example) => format!("`{name}:` is written `{example}` here"),
        None => unknown(name),
    }
}

fn listed(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
