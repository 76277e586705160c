//! Caches the results of functions by one attribute, [`memoize`](macro@memoize), whose page is the reference of its
//! arguments. The [guide] has a page for each topic: [quick start](guide::quick_start), [keys and their
//! traps](guide::keys), the [cookbook](guide::cookbook), [moving over](guide::moving_over), and more.
#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

// Text only, which programs need not compile.
#[cfg(any(doc, doctest))]
pub mod guide;

pub use memo_core::advice::curve::Point;
pub use memo_core::advice::finding::Finding;
pub use memo_core::advice::summary::Advice;
pub use memo_core::advice::unit::Unit;
pub use memo_core::call::bypass::bypass;
pub use memo_core::call::isolated::{
    Isolated, bypass_async, inherit, inherit_async, isolated, isolated_async,
};
pub use memo_core::call::not_a_future::NotAFuture;
pub use memo_core::call::object_cache::Cache;
pub use memo_core::call::outcome::{Outcome, outcome, outcome_async};
pub use memo_core::call::renewal::{refresh, refresh_async};
pub use memo_core::call::warming::{Warmed, warm, warm_async};
pub use memo_core::error::Error;
pub use memo_core::function::entry::{Entry, Layer};
pub use memo_core::handle::all_caches::{clear_all, flush_all, invalidate_tag, report};
pub use memo_core::handle::memo::{Memo, OfObject};
#[cfg(feature = "report")]
pub use memo_core::handle::sampling::sample_every;
pub use memo_core::handle::session::Session;
pub use memo_core::key::unordered;
pub use memo_core::key::unordered::{Unordered, unordered};
pub use memo_core::key::{Argument, ArgumentIndex, DecodeError, Key, Tag};
pub use memo_core::statistics::departure::Departure;
pub use memo_core::statistics::explanation::{Bound, Explanation, Refusal, Remover};
pub use memo_core::statistics::histogram::Histogram;
pub use memo_core::statistics::report::Report;
pub use memo_core::statistics::source::Source;
pub use memo_core::statistics::stats::Stats;
pub use memo_core::value::share::Share;
pub use memo_core::value::shared::Shared;
pub use memo_core::value::weigh::Weigh;
pub use memo_macros::{Weigh, companions, memoize};

/// The clock of an isolation, for tests of what depends on time.
#[cfg(feature = "test-util")]
pub mod clock {
    pub use memo_core::call::clock::{advance, pause, resume};
}

/// Codecs, which turn results into bytes on disk. The argument `codec` names one of them.
#[cfg(feature = "persist")]
pub mod codec {
    #[cfg(feature = "cbor")]
    pub use memo_core::codec::Cbor;
    #[cfg(feature = "json")]
    pub use memo_core::codec::Json;
    pub use memo_core::codec::{Codec, Format, Postcard, Sink};
}

/// Publishes statistics by the crate metrics.
#[cfg(feature = "metrics")]
pub mod metrics {
    pub use memo_core::handle::metrics::record;
}

/// A tier that machines share. The argument `remote` takes a [`Tier`](remote::Tier), which is made of a
/// [`Store`](remote::Store): the crate memo-redis has one.
#[cfg(feature = "remote")]
pub mod remote {
    pub use memo_core::remote::{
        Changed, Completer, InTask, Lease, Leased, Pending, Put, Store, StoreError, Stored, Tier,
        TierOptions, Token, Watcher, without_signals,
    };
}

/// The files in which a worker of a page keeps results.
#[cfg(all(feature = "opfs", target_family = "wasm", target_os = "unknown"))]
pub mod web {
    pub use memo_core::function::origin_files::open_files;
}

/// All names that an expansion uses. No other code should use them.
#[doc(hidden)]
pub mod __private {
    pub use std::future::Future;
    pub use std::option::Option;
    pub use std::{cfg, column, concat, file, include_bytes, line, module_path, option_env};

    pub use crate::{__with_names as with_names, Key, Memo, OfObject};
    pub use memo_core::call::future::call;
    pub use memo_core::call::isolated::is_isolated;
    pub use memo_core::call::lookup::Lookup;
    pub use memo_core::call::refresh::{Behind, hand_over};
    pub use memo_core::call::spawned::call_spawned;
    pub use memo_core::function::code::Code;
    pub use memo_core::function::instance::Generics;
    pub use memo_core::key::tagged::{tag, tagged, tags};
    #[cfg(feature = "persist")]
    pub use memo_core::persist::Durability;
    pub use memo_core::{element, memo, quiet};

    /// Traits through which an expansion makes choices that depend on a type.
    pub mod probe {
        pub use memo_core::key::arguments::element::{
            AsArray as _, AsNothing as _, AsNothingExpression as _, AsNothingInCompanion as _,
            AsNothingSelf as _, AsOctets as _, AsPlain as _, AsSerialized as _,
        };
        pub use memo_core::value::keep::probe::{
            KeepAll as _, KeepAllLocal as _, KeepErrors as _, KeepErrorsLocal as _,
            KeepInPlace as _, KeepInPlaceLocal as _, KeepNothing as _, KeepOk as _,
            KeepOkInPlace as _, KeepOkInPlaceLocal as _, KeepOkLocal as _, KeepOkShared as _,
            KeepOkSharedLocal as _, KeepShared as _, KeepSharedLocal as _,
        };
    }

    /// The key of a call, and what its arguments are called.
    #[must_use]
    pub fn key<A: memo_core::key::Arguments>(
        arguments: &A,
        names: &'static [&'static str],
    ) -> crate::Key {
        crate::Key::of(arguments).with_names(names)
    }
}

/// Evaluates an expression that sees the names of `__private` and its traits.
#[doc(hidden)]
#[macro_export]
macro_rules! __with_names {
    // The key of arguments, a group in parentheses or braces, which have these names.
    ([$($name:tt)*] $arguments:tt) => {{
        use $crate::__private::{self as __memokit, probe::*};
        __memokit::key(&$arguments, &[$($name)*])
    }};
    ($($expression:tt)*) => {{
        use $crate::__private::{self as __memokit, probe::*};
        $($expression)*
    }};
}

/// In edition 2021, an `impl Future` that a function returns does not capture the lifetimes of its arguments by itself.
///
/// ```edition2021
/// #[memokit::memoize]
/// async fn joined(a: &str, b: &[u32], c: Option<&str>) -> String {
///     std::future::ready(()).await;
///     format!("{a} {b:?} {c:?}")
/// }
/// drop(joined("a", &[1], None));
/// ```
#[cfg(doctest)]
struct Edition2021;
