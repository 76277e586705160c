//! The attribute macro of memokit; use it through the `memokit` crate.
#![forbid(unsafe_code)]

mod args;
mod attributes;
mod check;
mod companions;
mod duration;
mod emit;
mod errors;
mod expand;
mod fingerprint;
mod function;
mod generics;
mod raw;
mod refuse;
mod settings;
#[cfg(test)]
mod snapshots;
mod suggest;
mod types;
mod value;

use std::sync::atomic::{AtomicU64, Ordering};

/// Expansions so far in this compilation, since one `macro_rules!` may hold one function for many
/// places that have the same tokens, file, line and column.
static EXPANSIONS: AtomicU64 = AtomicU64::new(0);

/// Remembers what a function returned, by its arguments.
///
/// ```text
/// #[memoize(ttl = "30s", max = 1000, persist = "cache/quotes")]
/// fn quote(symbol: &str, opts: &QuoteOptions) -> Result<Quote, ApiError> { ... }
/// ```
///
/// A call with arguments that were seen before returns a clone of what the function returned then.
/// Of a `Result` only `Ok` is kept. Expressions among the arguments are evaluated once, at the
/// first use of the cache.
///
/// # Arguments
///
/// `max`: how many results are held, any number of them without it; the least recently used one
/// makes room.
///
/// ```text
/// #[memoize(max = 1000)]
/// #[memoize(max = config().quotes)]
/// ```
///
/// `ttl`: for how long a result counts, as text (`"250ms"`, `"30s"`, `"5m"`, `"1h 30m"`, `"2d"`)
/// or as an expression that gives a `Duration`.
///
/// ```text
/// #[memoize(ttl = "1h 30m")]
/// #[memoize(ttl = Duration::from_secs(config().seconds))]
/// ```
///
/// `persist`: a directory in which results outlive the process, as text or as an expression that
/// becomes a `PathBuf`. The value that is kept has to be `Serialize` and `DeserializeOwned`.
///
/// ```text
/// #[memoize(persist = "cache/quotes")]
/// #[memoize(persist = data_dir().join("quotes"))]
/// ```
///
/// `durability`: with `persist`, what a crash may lose: `"none"`, `"os"`, `"interval"` (the
/// default) or `"always"`.
///
/// ```text
/// #[memoize(persist = "cache/quotes", durability = "always")]
/// ```
///
/// `skip`: parameters that do not count for the key, such as a connection; `self` too.
///
/// ```text
/// #[memoize(skip(self, connection))]
/// fn load(&self, connection: &Connection, id: u64) -> Row { ... }
/// ```
///
/// `key`: what makes the key instead of all parameters: an expression over them, of any type that
/// is `Serialize`.
///
/// ```text
/// #[memoize(key = (request.id, request.path.to_lowercase()))]
/// fn render(request: &Request) -> Page { ... }
/// ```
///
/// `cache_if`: a function or closure that is shown the result and says whether to keep it.
///
/// ```text
/// #[memoize(cache_if = |found| found.is_some())]
/// fn find(id: u64) -> Option<Row> { ... }
/// ```
///
/// `cache_err`: keeps `Err` too, and with a time for that long.
///
/// ```text
/// #[memoize(cache_err)]
/// #[memoize(ttl = "1h", cache_err = "2s")]
/// ```
///
/// `version`: an expression that stands for the body where stored results are to survive its
/// editing. Without it, editing the body (not comments, docs or attributes) discards them.
///
/// ```text
/// #[memoize(persist = "cache/quotes", version = 2)]
/// ```
///
/// `verify`: recomputes that share of hits and compares the encoded results, which have to be
/// `Serialize`. A difference is counted in the statistics and, in a debug build, panics with the
/// function's name and the key's hash: the function is impure, or its key misses something. (A
/// recursive function computes again at each level, so that a large share costs much.)
///
/// ```text
/// #[memoize(verify = 0.01)]
/// ```
///
/// `name`: the name in reports, instead of module path and function name.
///
/// ```text
/// #[memoize(name = "quotes")]
/// ```
///
/// `companion`: the stem of the companions' names instead of the function's, or `none` for no
/// companions, as in the impl of a trait, which has no place for them.
///
/// ```text
/// impl Market for Exchange {
///     #[memoize(companion = none)]
///     fn quote(&self, symbol: &str) -> u32 { ... }
/// }
/// ```
///
/// `crate`: the path of memokit where it is not `::memokit`.
///
/// ```text
/// #[memoize(crate = my_framework::memokit)]
/// ```
///
/// # Companions
///
/// Beside `quote`, with its visibility and its conditions:
///
/// - `quote_memo()`: the handle of its cache;
/// - `quote_key(symbol, opts)`: the key of that call, whose parameters are those of `quote`, also
///   the skipped ones;
/// - `quote_uncached(symbol, opts)`: the function as written.
///
/// # What cannot be memoized
///
/// Functions that take `&mut`, return a borrow of an argument, an `impl Trait` or `!`, and
/// `const fn`: each is an error that says what to do instead. Type and const parameters,
/// `impl Trait` arguments and `async` are not there yet.
///
/// An attribute does not see the impl around it, but in a generic impl each instance has a cache of
/// its own, and so has each implementor of a trait.
#[proc_macro_attribute]
pub fn memoize(
    arguments: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    let count = EXPANSIONS.fetch_add(1, Ordering::Relaxed).to_string();
    let package = ["CARGO_PKG_NAME", "CARGO_PKG_VERSION", "CARGO_CRATE_NAME", "CARGO_BIN_NAME"]
        .map(|variable| std::env::var(variable).unwrap_or_default());
    let seed = [&*count, &*package[0], &*package[1], &*package[2], &*package[3]];
    expand::expand(arguments.into(), &item.into(), &seed).into()
}
