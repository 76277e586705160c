//! The traits that a result must implement, with an error message of ours for each that is missing.

use serde_core::Serialize;
use serde_core::de::DeserializeOwned;

/// Values that a cache can hold: `Clone + Send + Sync + 'static`.
#[diagnostic::on_unimplemented(
    message = "the result `{Self}` cannot be kept in a cache",
    label = "kept results must be `Clone`, `Send`, `Sync` and own what they hold (`'static`)",
    note = "if it is not `Clone`, return an `Arc` of it, or memoize an inner function that returns a part of it",
    note = "if it is not `Send` or `Sync`, as an `Rc`, return an `Arc` or, if the function is not async, give each \
            thread a cache of its own: `scope = \"thread\"`"
)]
pub trait Cacheable: Clone + Send + Sync + 'static {}
#[diagnostic::do_not_recommend]
impl<T: Clone + Send + Sync + 'static> Cacheable for T {}

/// Results whose errors a cache can also hold.
#[diagnostic::on_unimplemented(
    message = "`cache_err` cannot keep the errors of `{Self}`",
    label = "`cache_err` needs a `Result` whose value and error are `Clone`, `Send`, `Sync` and `'static`",
    note = "leave `cache_err` out, or return such a `Result`"
)]
pub trait Fallible: Cacheable {}
#[diagnostic::do_not_recommend]
impl<T: Cacheable, E: Cacheable> Fallible for Result<T, E> {}

/// Values that the cache of one thread can hold: `Clone + 'static`.
#[diagnostic::on_unimplemented(
    message = "the result `{Self}` cannot be kept in a cache",
    label = "kept results must be `Clone` and own what they hold (`'static`)",
    note = "return an `Rc` of it, or keep a part of it: memoize an inner function"
)]
pub trait LocalCacheable: Clone + 'static {}
#[diagnostic::do_not_recommend]
impl<T: Clone + 'static> LocalCacheable for T {}

/// Results whose errors the cache of one thread can also hold.
#[diagnostic::on_unimplemented(
    message = "`cache_err` cannot keep the errors of `{Self}`",
    label = "`cache_err` needs a `Result` whose value and error are `Clone` and `'static`",
    note = "leave `cache_err` out, or return such a `Result`"
)]
pub trait LocalFallible: LocalCacheable {}
#[diagnostic::do_not_recommend]
impl<T: LocalCacheable, E: LocalCacheable> LocalFallible for Result<T, E> {}

/// Values that `persist` and `remote` can store: `Serialize + DeserializeOwned`.
#[diagnostic::on_unimplemented(
    message = "the result `{Self}` cannot be persisted",
    label = "`persist` and `remote` need results that are `Serialize` and `Deserialize`",
    note = "derive both of serde's traits for your own type, or remove `persist` or `remote`",
    note = "another crate's type may have them behind a feature `serde`; for `Arc` and `Rc` that is serde's feature `rc`"
)]
pub trait Persistable: Serialize + DeserializeOwned + 'static {}
#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned + 'static> Persistable for T {}

/// Values that `verify` can compare: `Serialize`.
#[diagnostic::on_unimplemented(
    message = "the result `{Self}` cannot be verified",
    label = "`verify` compares what results serialize to: they must be `serde::Serialize`",
    note = "derive `serde::Serialize` for your own type, or remove `verify`",
    note = "another crate's type may have it behind a feature `serde`; for `Arc` and `Rc` it is serde's feature `rc`"
)]
pub trait Comparable: Serialize {}
#[diagnostic::do_not_recommend]
impl<T: Serialize> Comparable for T {}
