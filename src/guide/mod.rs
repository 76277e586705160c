//! The guide: a page for each topic, each with code that runs as a test.
//!
//! To begin:
//!
//! - [`quick_start`]: from an empty package to a second run that computes nothing.
//! - [`keys`]: what makes two calls the same, and where that goes wrong. Read this before anything else.
//! - [`arguments`]: all arguments of the attribute in one table. [`memoize`](macro@crate::memoize) explains each.
//! - [`cookbook`]: short answers to what people ask.
//! - [`moving_over`]: from cached, memoize, moka, quick_cache, `functools.lru_cache` and `joblib.Memory`.
//!
//! What a cache keeps:
//!
//! - [`bounds`]: entries and bytes, and which entry leaves.
//! - [`expiry`]: times to live, older values while a new one is computed.
//! - [`errors`]: which results are cached.
//! - [`invalidation`]: by key, by argument, by tag; listeners.
//!
//! How calls run:
//!
//! - [`one_computation`]: callers that miss at once share one computation, and where that ends.
//! - [`asynchronous`]: async functions, cancellation, work that outlives its callers, rayon.
//! - [`methods`]: methods, a cache for each object, generic functions, traits.
//!
//! Beyond one process:
//!
//! - [`persistence`]: results on disk, shared by processes and versions; CI caches, containers, laptops.
//! - [`shared_tier`]: results on a server that machines share.
//! - [`browser`]: results in the storage of a page.
//!
//! To live with it:
//!
//! - [`observing`]: statistics, reports, reasons for misses, tracing, metrics, the command `memo`.
//! - [`testing`]: tests that do not meet.
//! - [`other_attributes`]: which attribute stands above.
//! - [`other_types`]: types of other crates as arguments and as results.
//! - [`performance`]: what a call costs, and how that was measured.
//! - [`limits`]: platforms, Rust versions, what cannot be done.
//! - [`contributing`]: how memokit is built.
//!
//! Small programs to run are in `examples/` of the repository. Three look like real work: `examples/files`, a
//! command-line tool; `examples/service`, a service; `examples/numeric`, a computation.

// Of two definitions of a link the first one counts: here those to items, elsewhere those at the end of each page.
macro_rules! pages {
    ($($name:ident)*) => {
        $(
            #[doc = include_str!("links.txt")]
            #[doc = include_str!(concat!(stringify!($name), ".md"))]
            pub mod $name {}
        )*
    };
}

pages! {
    arguments
    asynchronous
    bounds
    browser
    contributing
    cookbook
    errors
    expiry
    invalidation
    keys
    limits
    methods
    moving_over
    observing
    one_computation
    other_attributes
    other_types
    performance
    persistence
    quick_start
    shared_tier
    testing
}
