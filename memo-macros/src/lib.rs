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
mod size;
#[cfg(test)]
mod snapshots;
mod suggest;
mod task;
mod types;
mod value;

use std::sync::atomic::{AtomicU64, Ordering};

/// Expansions so far in this compilation, since one `macro_rules!` may hold one function for many
/// places that have the same tokens, file, line and column.
static EXPANSIONS: AtomicU64 = AtomicU64::new(0);

/// Remembers what a function returned, by its arguments.
///
/// ```
/// use memokit::memoize;
///
/// #[memoize(ttl = "30s", max = 1000)]
/// fn price(symbol: &str, amount: u32) -> Result<u32, String> {
///     println!("asking for {symbol}");
///     Ok(amount * 7)
/// }
///
/// assert_eq!(price("ACME", 3), Ok(21)); // asks
/// assert_eq!(price("ACME", 3), Ok(21)); // remembers
/// assert_eq!(price_memo().stats().hits, 1);
/// ```
///
/// A call with arguments that were seen before returns a clone of what the function returned then. Of a `Result`,
/// known by its type and not by its spelling, only `Ok` is kept. Callers that miss on one key at once wait for one
/// computation. Arguments have to be `serde::Serialize`, results `Clone`, `Send` and `Sync`.
///
/// Expressions among the arguments are evaluated once for each cache, at its first use.
///
/// # Arguments
///
/// ## `max`
///
/// How many results are held, any number of them without it; the least recently used one makes room. A number, or an
/// expression of type `usize`.
///
/// ```
/// # use memokit::memoize;
/// #[memoize(max = 2)]
/// fn square(n: u64) -> u64 {
///     n * n
/// }
///
/// (square(1), square(2), square(1), square(3));
/// assert!(square_memo().get(&square_key(2)).is_none());
///
/// struct Config { squares: usize }
/// fn config() -> Config { Config { squares: 500 } }
///
/// #[memoize(max = config().squares)]
/// fn configured(n: u64) -> u64 {
///     n * n
/// }
/// assert_eq!(configured_memo().max(), Some(500));
/// ```
///
/// ## `max_bytes`
///
/// How much the results that are held weigh together at most: text (`"64MiB"`, `"500KB"`, `"2GiB"`), or an expression of
/// type `u64`. The least recently used make room; what is heavier than the bound is not kept and evicts nothing, but the
/// result that it would have replaced goes. May stand beside `max`.
///
/// A result weighs the bytes of its key and its own, and what it owns elsewhere as far as its type implements [`Weigh`]:
/// the types of the standard library do. Of a type that does not, what it owns is not known and not counted; implement
/// `Weigh` for it, or give `weigh`. Not counted either are some 40 bytes that the cache takes for each entry.
///
/// [`Weigh`]: https://docs.rs/memokit/latest/memokit/trait.Weigh.html
///
/// ```
/// # use memokit::memoize;
/// #[memoize(max_bytes = "64KiB")]
/// fn page(number: usize) -> String {
///     "...".repeat(number)
/// }
///
/// (0..1000).for_each(|number| _ = page(number));
/// assert!(page_memo().stats().bytes <= 64 << 10);
/// assert_eq!(page_memo().max_bytes(), Some(65_536));
/// page_memo().set_max_bytes(1000);
/// assert!(page_memo().stats().bytes <= 1000);
///
/// #[derive(Clone)]
/// struct Row(String, u32);
///
/// impl memokit::Weigh for Row {
///     fn heap_size(&self) -> usize {
///         self.0.heap_size()
///     }
/// }
///
/// #[memoize(max_bytes = "1GiB")]
/// fn rows(count: u32) -> Vec<Row> {
///     (0..count).map(|n| Row("x".repeat(100), n)).collect()
/// }
///
/// assert_eq!(rows(10)[9].1, 9);
/// assert!(rows_memo().stats().bytes > 1000);
/// ```
///
/// ## `weigh`
///
/// With `max_bytes`, a function or closure that is shown the value that is kept and gives its whole weight as `usize`, in
/// bytes or whatever `max_bytes` is meant to count. It is called once for each value that is kept, with no lock held.
///
/// ```
/// # use memokit::memoize;
/// #[memoize(max_bytes = 1_000_000, weigh = |rows: &Vec<[u8; 100]>| rows.len() * 100)]
/// fn rows(count: usize) -> Vec<[u8; 100]> {
///     vec![[0; 100]; count]
/// }
///
/// (rows(3), rows(4));
/// assert_eq!(rows_memo().stats().bytes, 700);
/// ```
///
/// ## `shards`
///
/// In how many parts the cache is, each with a lock for its insertions: a power of two, up to 65,536 and no more than
/// `max`; a number found at run time is rounded up to one. Without it, one for up to 128 entries or 1 MiB, and else as
/// many as suit the bounds and the machine. With more than one, recency is kept within each.
///
/// ```
/// # use memokit::memoize;
/// #[memoize(max = 1000, shards = 1)] // one order of uses for all
/// fn square(n: u64) -> u64 {
///     n * n
/// }
/// # assert_eq!(square(3), 9);
/// ```
///
/// ## `policy`
///
/// What makes room. There is `"lru"`, the least recently used, which is the default.
///
/// ```
/// # use memokit::memoize;
/// #[memoize(max = 100, policy = "lru")]
/// fn square(n: u64) -> u64 {
///     n * n
/// }
/// # assert_eq!(square(3), 9);
/// ```
///
/// ## `ttl`
///
/// For how long a result counts, from when it was computed: text (`"250ms"`, `"30s"`, `"5m"`, `"1h 30m"`, `"2d"`), or an
/// expression that gives a `Duration`.
///
/// ```
/// # use memokit::memoize;
/// use std::time::Duration;
///
/// #[memoize(ttl = "1h 30m")]
/// fn rate(currency: &str) -> f64 {
///     currency.len() as f64
/// }
///
/// fn patience() -> Duration { Duration::from_millis(1) }
///
/// #[memoize(ttl = patience())]
/// fn fresh(currency: &str) -> f64 {
///     currency.len() as f64
/// }
/// fresh("EUR");
/// std::thread::sleep(Duration::from_millis(50));
/// assert!(fresh_memo().is_empty());
/// # assert_eq!(rate("EUR"), 3.0);
/// ```
///
/// ## `ttl_with`
///
/// A function or closure that is shown the value that is kept and gives its own time to live as an `Option<Duration>`;
/// where that is `None` `ttl` counts.
///
/// ```
/// # use memokit::memoize;
/// # use std::time::Duration;
/// #[memoize(ttl = "1h", ttl_with = |found| found.is_none().then_some(Duration::from_secs(5)))]
/// fn find(id: u32) -> Option<String> {
///     (id > 10).then(|| id.to_string())
/// }
/// # assert_eq!(find(1), None);
/// ```
///
/// ## `idle`
///
/// For how long a result is kept after it was last used: text as for `ttl`, or an expression that gives a `Duration`. Each
/// hit is a use, and being computed is one; what a handle does is none. Where there is a `ttl` too, whichever is over first
/// ends it, and a result that is idle is not served stale. One that was read back from disk counts as used just then.
///
/// ```
/// # use memokit::memoize;
/// #[memoize(idle = "10m", ttl = "1h")]
/// fn session(id: u32) -> String {
///     format!("session {id}")
/// }
/// # assert_eq!(session(3), "session 3");
///
/// #[memoize(idle = std::time::Duration::from_millis(1))]
/// fn brief(id: u32) -> u32 {
///     id
/// }
/// brief(1);
/// std::thread::sleep(std::time::Duration::from_millis(50));
/// assert!(brief_memo().is_empty());
/// ```
///
/// ## `jitter`
///
/// A share between 0 and 1 of the time to live by which it is cut at most, more or less for each key, so that results
/// made together do not end together.
///
/// ```
/// # use memokit::memoize;
/// #[memoize(ttl = "10m", jitter = 0.1)] // ends after 9 to 10 minutes
/// fn rate(currency: &str) -> f64 {
///     currency.len() as f64
/// }
/// # assert_eq!(rate("EUR"), 3.0);
/// ```
///
/// ## `stale`
///
/// For how long after `ttl` a result is still given to callers while one of them computes it anew. If that fails or
/// panics, it does so for that one; the others get the old result until the time is over.
///
/// ```
/// # use memokit::memoize;
/// #[memoize(ttl = "5m", stale = "1h")]
/// fn rate(currency: &str) -> f64 {
///     currency.len() as f64
/// }
/// # assert_eq!(rate("EUR"), 3.0);
/// ```
///
/// ## `refresh_ahead`
///
/// The share of `ttl` after which one caller computes anew while the others get what is there.
///
/// ```
/// # use memokit::memoize;
/// #[memoize(ttl = "5m", refresh_ahead = 0.8)]
/// fn rate(currency: &str) -> f64 {
///     currency.len() as f64
/// }
/// # assert_eq!(rate("EUR"), 3.0);
/// ```
///
/// ## `wait_limit`
///
/// How long a call waits for another's computation of the same key before one of those who wait computes too: of use
/// where calls wait for each other in ways that cannot be seen, such as through a channel. Without it 4 mean
/// computations, at least 1 s; 10 s while none is known.
///
/// ```
/// # use memokit::memoize;
/// #[memoize(wait_limit = "500ms")]
/// fn page(path: &str) -> String {
///     path.to_uppercase()
/// }
/// # assert_eq!(page("/a"), "/A");
/// ```
///
/// ## `persist`
///
/// A directory in which results outlive the process: text, or an expression that becomes a `PathBuf`; relative to the
/// working directory at first use. The value that is kept has to be `Serialize` and `DeserializeOwned`. Each instance of a
/// generic function has a folder of its own below it.
///
/// ```
/// # use memokit::memoize;
/// # let folder = std::env::temp_dir().join(format!("memokit-docs-{}", std::process::id()));
/// # static FOLDER: std::sync::OnceLock<std::path::PathBuf> = std::sync::OnceLock::new();
/// # FOLDER.set(folder.clone()).unwrap();
/// # fn cache_dir() -> std::path::PathBuf { FOLDER.get().unwrap().clone() }
/// #[memoize(persist = cache_dir().join("primes"))]
/// fn primes_below(bound: u32) -> usize {
///     (2..bound).filter(|n| (2..*n).all(|d| n % d != 0)).count()
/// }
///
/// assert_eq!(primes_below(1000), 168);
/// primes_below_memo().flush()?; // durable now
/// # std::fs::remove_dir_all(folder)?;
///
/// #[memoize(persist = "cache/primes")]
/// fn primes(bound: u32) -> Vec<u32> {
///     (2..bound).filter(|n| (2..*n).all(|d| n % d != 0)).collect()
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// ## `durability`
///
/// With `persist`, what a crash may lose: `"none"` all since the last `flush`, `"os"` nothing unless the system dies too,
/// `"interval"` (the default) the last second of a system that dies, `"always"` nothing.
///
/// ```
/// # use memokit::memoize;
/// #[memoize(persist = "cache/invoices", durability = "always")]
/// fn invoice(id: u32) -> String {
///     format!("invoice {id}")
/// }
/// ```
///
/// ## `skip`
///
/// Parameters that do not count for the key, such as a connection or a closure; `self` too. They need not be `Serialize`.
///
/// ```
/// # use memokit::memoize;
/// struct Connection;
///
/// struct Store;
///
/// impl Store {
///     #[memoize(skip(self, connection))]
///     fn load(&self, connection: &Connection, id: u64) -> String {
///         format!("row {id}")
///     }
/// }
///
/// assert_eq!(Store.load(&Connection, 1), Store.load(&Connection, 1));
/// assert_eq!(Store::load_memo().len(), 1);
/// ```
///
/// ## `key`
///
/// What makes the key instead of all parameters: an expression over them, of any type that is `Serialize`. It is evaluated
/// at each call.
///
/// ```
/// # use memokit::memoize;
/// struct Request { id: u32, path: String }
///
/// #[memoize(key = (request.id, request.path.to_lowercase()))]
/// fn render(request: &Request) -> String {
///     format!("{} {}", request.id, request.path)
/// }
///
/// assert_eq!(render(&Request { id: 1, path: "/A".into() }), "1 /A");
/// assert_eq!(render(&Request { id: 1, path: "/a".into() }), "1 /A");
/// ```
///
/// ## `cache_if`
///
/// A function or closure that is shown the result and says whether to keep it.
///
/// ```
/// # use memokit::memoize;
/// #[memoize(cache_if = |found| found.is_some())]
/// fn find(id: u32) -> Option<String> {
///     (id > 10).then(|| id.to_string())
/// }
///
/// (find(1), find(11));
/// assert_eq!(find_memo().len(), 1);
/// ```
///
/// ## `cache_err`
///
/// Keeps `Err` too, and with a time as text for that long.
///
/// ```
/// # use memokit::memoize;
/// #[memoize(ttl = "1h", cache_err = "2s")]
/// fn port(text: &str) -> Result<u16, std::num::ParseIntError> {
///     text.parse()
/// }
///
/// assert!(port("http").is_err() && port("http").is_err());
/// assert_eq!(port_memo().stats().hits, 1);
/// ```
///
/// ## `version`
///
/// An expression, `Hash`, that stands for the body where stored results are to survive its editing. Without it, editing the
/// body (not comments, docs or attributes) discards them.
///
/// ```
/// # use memokit::memoize;
/// #[memoize(persist = "cache/quotes", version = 2)]
/// fn quote(symbol: &str) -> String {
///     symbol.to_uppercase()
/// }
/// ```
///
/// ## `scope`
///
/// `"process"`, the default: one cache for all threads. `"thread"`: each thread has its own, whose results need be neither
/// `Send` nor `Sync`. A handle is then one of the cache of the thread that uses it, and `report()` does not list these
/// caches. Not with `persist`.
///
/// ```
/// # use memokit::memoize;
/// use std::rc::Rc;
///
/// #[memoize(scope = "thread")]
/// fn words(text: &str) -> Rc<Vec<String>> {
///     Rc::new(text.split(' ').map(str::to_owned).collect())
/// }
///
/// assert!(Rc::ptr_eq(&words("a b"), &words("a b")));
/// ```
///
/// ## `verify`
///
/// Recomputes that share of hits and compares the encoded results, which have to be `Serialize`. A difference is counted in
/// the statistics and, in a debug build, panics with the function's name and the key's hash: the function is impure, or its
/// key misses something. (A recursive function computes again at each level, so that a large share costs much.)
///
/// ```
/// # use memokit::memoize;
/// #[memoize(verify = 0.01)]
/// fn square(n: u64) -> u64 {
///     n * n
/// }
/// # (square(2), square(2));
/// assert_eq!(square_memo().stats().mismatches, 0);
/// ```
///
/// ## `name`
///
/// The name in reports, instead of module path and function name.
///
/// ```
/// # use memokit::memoize;
/// #[memoize(name = "squares")]
/// fn square(n: u64) -> u64 {
///     n * n
/// }
/// assert_eq!(square_memo().stats().name, "squares");
/// ```
///
/// ## `companion`
///
/// The stem of the companions' names instead of the function's, or `none` for no companions, as in the impl of a trait,
/// which has no place for them.
///
/// ```
/// # use memokit::memoize;
/// trait Market {
///     fn quote(&self, symbol: &str) -> String;
/// }
///
/// struct Exchange;
///
/// impl Market for Exchange {
///     #[memoize(companion = none, skip(self))]
///     fn quote(&self, symbol: &str) -> String {
///         symbol.to_uppercase()
///     }
/// }
///
/// #[memoize(companion = price)]
/// fn price_of(symbol: &str) -> usize {
///     symbol.len()
/// }
/// price_of(&Exchange.quote("acme"));
/// assert_eq!(price_memo().get(&price_key("ACME")), Some(4));
/// ```
///
/// ## `in_impl`
///
/// Says of an associated function that neither takes `self` nor mentions `Self` that it stands in an impl. An attribute
/// cannot see that; where the impl is generic, companions then find their instance by its types and not by their names
/// alone, and instances can be stored.
///
/// ```
/// # use memokit::memoize;
/// struct Table<T>(T);
///
/// impl<T: Default + std::fmt::Debug + 'static> Table<T> {
///     #[memoize(in_impl)]
///     fn empty_row(columns: usize) -> String {
///         format!("{:?} ", T::default()).repeat(columns)
///     }
/// }
///
/// assert_eq!(Table::<u8>::empty_row(2), "0 0 ");
/// assert_eq!(Table::<bool>::empty_row(1), "false ");
/// assert_eq!(Table::<u8>::empty_row_memo().len(), 1);
/// ```
///
/// ## `crate`
///
/// The path of memokit where it is not `::memokit`, for frameworks that re-export it.
///
/// ```
/// mod my_framework {
///     pub use memokit;
/// }
///
/// use my_framework::memokit::memoize;
///
/// #[memoize(crate = my_framework::memokit)]
/// fn square(n: u64) -> u64 {
///     n * n
/// }
/// # assert_eq!(square(3), 9);
/// ```
///
/// # Companions
///
/// Beside `quote`, with its visibility, its type parameters and its conditions:
///
/// - `quote_memo()`: the handle of its cache;
/// - `quote_key(symbol, opts)`: the key of that call, whose parameters are those of `quote`, also the skipped ones;
/// - `quote_uncached(symbol, opts)`: the function as written.
///
/// # Generic functions
///
/// Each instance has a cache. Type parameters that occur in arguments alone need not be `'static`. Where the result is
/// itself a parameter it is kept whole. An `impl Trait` argument is a type parameter of the companions, called after it:
/// `ImplItems` for `items`, behind those that are written.
///
/// ```
/// # use memokit::memoize;
/// use serde::Serialize;
///
/// #[memoize]
/// fn total<T: Serialize + Copy + Into<f64>>(items: &[T], of: impl Into<f64> + Serialize) -> f64 {
///     items.iter().map(|item| (*item).into()).sum::<f64>() / of.into()
/// }
///
/// assert_eq!(total(&[1u8, 2], 2u8), 1.5);
/// assert_eq!(total_memo::<u8, u8>().get(&total_key(&[1u8, 2], 2u8)), Some(1.5));
/// assert!(total_memo::<u16, u8>().is_empty());
/// ```
///
/// In a generic impl each instance has a cache too, and so has each implementor of a trait.
///
/// # What cannot be memoized
///
/// Functions that take `&mut`, return a borrow of an argument, an `impl Trait` or `!`, and `const fn`: each is an error that
/// says what to do instead.
///
/// # Asynchronous functions
///
/// An `async fn` becomes a function that returns a future, which does nothing before it is polled and is `Send` if the
/// body's is. It knows no runtime. `#[must_use]` on it speaks of the future. Not with `scope = "thread"`: a task may move
/// from thread to thread.
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
