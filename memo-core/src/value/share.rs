//! Types whose clones share their contents. The cache holds them as they are.

use std::rc::Rc;
use std::sync::Arc;

/// Types whose clone is cheap because it shares the contents: an `Arc`, a [`Shared`], an `Rc`. A function that returns
/// one, or an `Ok` of one, has it in the cache as it is, and not in a further `Arc`.
///
/// Implement it for a type of your own that is made of such types. While another clone exists, neither `clone` nor
/// `drop` may call other code: the cache clones values while it holds a lock. For a type of another crate, such as
/// `bytes::Bytes`, write the argument `cheap_clone` on the function.
///
/// ```
/// use std::sync::Arc;
/// # use memo_core::value::share::Share;
///
/// #[derive(Clone)]
/// struct Page {
///     title: Arc<str>,
///     body: Arc<[u8]>,
/// }
///
/// impl Share for Page {}
/// # fn share(_: impl Share) {}
/// # share(Page { title: "a".into(), body: [1].into() });
/// ```
///
/// [`Shared`]: super::shared::Shared
pub trait Share: Clone + 'static {}

impl<T: ?Sized + 'static> Share for Arc<T> {}
impl<T: ?Sized + 'static> Share for Rc<T> {}
impl<T: ?Sized + 'static> Share for std::sync::Weak<T> {}
impl<T: ?Sized + 'static> Share for std::rc::Weak<T> {}
impl<T: Share> Share for Option<T> {}
