//! What of a return value is kept, and how it is held.
//!
//! Expansions choose by method resolution on a [`Probe`], so that a `Result` is known by its type and not by its
//! spelling. A choice is two zero-sized types: which part is kept, and where it is held.

use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Values that a cache can hold: `Clone + Send + Sync + 'static`.
#[diagnostic::on_unimplemented(
    message = "the result `{Self}` cannot be kept in a cache",
    label = "kept results must be `Clone`, `Send`, `Sync` and own what they hold (`'static`)",
    note = "if it is not `Clone`, return an `Arc` of it, or memoize an inner function that returns a part of it",
    note = "if it is not `Send` or `Sync`, as an `Rc`, give each thread a cache of its own: `scope = \"thread\"`"
)]
pub trait Cacheable: Clone + Send + Sync + 'static {}
#[diagnostic::do_not_recommend]
impl<T: Clone + Send + Sync + 'static> Cacheable for T {}

/// Results whose errors a cache can hold too.
#[diagnostic::on_unimplemented(
    message = "`cache_err` cannot keep the errors of `{Self}`",
    label = "`cache_err` needs a `Result` whose value and error are `Clone`, `Send`, `Sync` and `'static`",
    note = "leave `cache_err` out, or return such a `Result`"
)]
pub trait Fallible: Cacheable {}
#[diagnostic::do_not_recommend]
impl<T: Cacheable, E: Cacheable> Fallible for Result<T, E> {}

/// Values that a thread's own cache can hold: `Clone + 'static`.
#[diagnostic::on_unimplemented(
    message = "the result `{Self}` cannot be kept in a cache",
    label = "kept results must be `Clone` and own what they hold (`'static`)",
    note = "return an `Rc` of it, or keep a part of it: memoize an inner function"
)]
pub trait LocalCacheable: Clone + 'static {}
#[diagnostic::do_not_recommend]
impl<T: Clone + 'static> LocalCacheable for T {}

/// Results whose errors a thread's own cache can hold too.
#[diagnostic::on_unimplemented(
    message = "`cache_err` cannot keep the errors of `{Self}`",
    label = "`cache_err` needs a `Result` whose value and error are `Clone` and `'static`",
    note = "leave `cache_err` out, or return such a `Result`"
)]
pub trait LocalFallible: LocalCacheable {}
#[diagnostic::do_not_recommend]
impl<T: LocalCacheable, E: LocalCacheable> LocalFallible for Result<T, E> {}

/// Types that the table holds in place: small, and cloned by copying bytes.
pub trait Inline: Copy + Send + Sync + 'static {}

macro_rules! inline {
    ($($type:ty),*) => { $(impl Inline for $type {})* };
}
inline!(u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize, f32, f64, bool, char, ());
inline!(Duration);
impl<T: Inline> Inline for Option<T> {}
impl<A: Inline> Inline for (A,) {}
impl<A: Inline, B: Inline> Inline for (A, B) {}
impl<A: Inline, B: Inline, C: Inline> Inline for (A, B, C) {}

/// The part of a return value that is kept.
pub trait Selection: 'static {
    /// What the function returns.
    type Return: 'static;
    /// What is kept of it.
    type Value: 'static;
    /// The part; `None` where there is none worth keeping.
    fn of(returned: &Self::Return) -> Option<&Self::Value>;
    /// The part taken out.
    fn take(returned: Self::Return) -> Option<Self::Value>;
    /// A return value of the part.
    fn back(value: Self::Value) -> Self::Return;
    /// Is it an error, for which another time to live may be set?
    fn is_error(value: &Self::Value) -> bool;
}

/// All of it.
#[derive(Debug)]
pub struct All<R>(PhantomData<fn() -> R>);

impl<R: 'static> Selection for All<R> {
    type Return = R;
    type Value = R;
    #[inline]
    fn of(returned: &R) -> Option<&R> {
        Some(returned)
    }
    fn take(returned: R) -> Option<R> {
        Some(returned)
    }
    #[inline]
    fn back(value: R) -> R {
        value
    }
    fn is_error(_: &R) -> bool {
        false
    }
}

/// The `Ok` of a `Result`.
#[derive(Debug)]
pub struct OkOnly<T, E>(PhantomData<fn() -> (T, E)>);

impl<T: 'static, E: 'static> Selection for OkOnly<T, E> {
    type Return = Result<T, E>;
    type Value = T;
    #[inline]
    fn of(returned: &Result<T, E>) -> Option<&T> {
        returned.as_ref().ok()
    }
    fn take(returned: Result<T, E>) -> Option<T> {
        returned.ok()
    }
    #[inline]
    fn back(value: T) -> Result<T, E> {
        Ok(value)
    }
    fn is_error(_: &T) -> bool {
        false
    }
}

/// A `Result`, its errors too.
#[derive(Debug)]
pub struct WithErrors<T, E>(PhantomData<fn() -> (T, E)>);

impl<T: 'static, E: 'static> Selection for WithErrors<T, E> {
    type Return = Result<T, E>;
    type Value = Result<T, E>;
    #[inline]
    fn of(returned: &Result<T, E>) -> Option<&Result<T, E>> {
        Some(returned)
    }
    fn take(returned: Result<T, E>) -> Option<Result<T, E>> {
        Some(returned)
    }
    #[inline]
    fn back(value: Result<T, E>) -> Result<T, E> {
        value
    }
    fn is_error(value: &Result<T, E>) -> bool {
        value.is_err()
    }
}

/// How a cache holds values.
pub trait Holder<V>: 'static {
    /// Clones and drops without running code of the user's while others hold it.
    type Held: Clone + 'static;
    /// Holds a copy.
    fn copy(value: &V) -> Self::Held;
    /// Holds the value itself.
    fn own(value: V) -> Self::Held;
    /// What is held.
    fn view(held: &Self::Held) -> &V;
    /// A copy of what is held.
    fn give(held: &Self::Held) -> V;
}

/// In the table.
#[derive(Debug)]
pub struct InPlace;

impl<V: Inline> Holder<V> for InPlace {
    type Held = V;
    #[inline]
    fn copy(value: &V) -> V {
        *value
    }
    #[inline]
    fn own(value: V) -> V {
        value
    }
    #[inline]
    fn view(held: &V) -> &V {
        held
    }
    #[inline]
    fn give(held: &V) -> V {
        *held
    }
}

/// InArc an `Arc`.
#[derive(Debug)]
pub struct InArc;

impl<V: Cacheable> Holder<V> for InArc {
    type Held = Arc<V>;
    fn copy(value: &V) -> Arc<V> {
        Arc::new(value.clone())
    }
    fn own(value: V) -> Arc<V> {
        Arc::new(value)
    }
    #[inline]
    fn view(held: &Arc<V>) -> &V {
        held
    }
    #[inline]
    fn give(held: &Arc<V>) -> V {
        V::clone(held)
    }
}

/// InArc an `Rc`, in a thread's own cache.
#[derive(Debug)]
pub struct InRc;

impl<V: LocalCacheable> Holder<V> for InRc {
    type Held = Rc<V>;
    fn copy(value: &V) -> Rc<V> {
        Rc::new(value.clone())
    }
    fn own(value: V) -> Rc<V> {
        Rc::new(value)
    }
    #[inline]
    fn view(held: &Rc<V>) -> &V {
        held
    }
    #[inline]
    fn give(held: &Rc<V>) -> V {
        V::clone(held)
    }
}

/// Not at all: stands where a type cannot be held, so that rustc says so once and not for each use.
#[derive(Debug)]
pub struct Unsupported;

/// Has no values.
#[derive(Debug, Clone)]
pub enum Nothing {}

impl<V: 'static> Holder<V> for Unsupported {
    type Held = Nothing;
    fn copy(_: &V) -> Nothing {
        unreachable!("no such choice compiles")
    }
    fn own(_: V) -> Nothing {
        unreachable!("no such choice compiles")
    }
    fn view(held: &Nothing) -> &V {
        match *held {}
    }
    fn give(held: &Nothing) -> V {
        match *held {}
    }
}

/// Values that `persist` can store: `Serialize + DeserializeOwned`.
#[diagnostic::on_unimplemented(
    message = "the result `{Self}` cannot be persisted",
    label = "`persist` needs results that are `Serialize` and `Deserialize`",
    note = "derive both of serde's traits for your own type, or remove `persist`",
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

/// The choice for one function: a [`Selection`] and a [`Holder`].
#[derive(Debug)]
pub struct Choice<P, H>(PhantomData<P>, PhantomData<H>);

impl<P, H> Clone for Choice<P, H> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P, H> Copy for Choice<P, H> {}

impl<P, H> Choice<P, H> {
    pub(crate) const NEW: Self = Self(PhantomData, PhantomData);
}

/// What a [`Choice`] comes to.
pub trait Keep: Copy + 'static {
    /// What the function returns.
    type Return: 'static;
    /// What is kept of it.
    type Value: 'static;
    /// What the cache holds; `Send` and `Sync` unless each thread has a cache.
    type Held: Clone + 'static;
    /// Which part is kept.
    type Selection: Selection<Return = Self::Return, Value = Self::Value>;
    /// How it is held.
    type Holder: Holder<Self::Value, Held = Self::Held>;
    /// The return value that a held one stands for.
    #[inline]
    fn answer(held: &Self::Held) -> Self::Return {
        Self::Selection::back(Self::Holder::give(held))
    }
}

impl<P: Selection, H: Holder<P::Value>> Keep for Choice<P, H> {
    type Return = P::Return;
    type Value = P::Value;
    type Held = H::Held;
    type Selection = P;
    type Holder = H;
}

/// Stands for a return type while a choice is made for it.
#[derive(Debug)]
pub struct Probe<R>(PhantomData<fn() -> R>);

impl<R> Clone for Probe<R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Probe<R> {}

impl<R> Probe<R> {
    /// The probe; `keep!` calls one of [`probe`]'s methods on a reference to it.
    pub const NEW: Self = Self(PhantomData);
}

/// Traits whose methods make the choice: a reference more goes before a reference less.
pub mod probe {
    use super::{
        All, Cacheable, Choice, Fallible, InArc, InPlace, InRc, Inline, LocalCacheable,
        LocalFallible, OkOnly, Probe, Unsupported, WithErrors,
    };

    macro_rules! choices {
        ($($trait:ident::$method:ident for [$($generics:tt)*] $probe:ty => $part:ty, $hold:ty;)*) => {$(
            #[doc(hidden)]
            pub trait $trait {
                type Choice;
                fn $method(self) -> Self::Choice;
            }
            impl<$($generics)*> $trait for $probe {
                type Choice = Choice<$part, $hold>;
                fn $method(self) -> Self::Choice {
                    Choice::NEW
                }
            }
        )*};
    }

    choices! {
        KeepOkInPlace::__memokit_keep for [T: Inline, E] &&&&Probe<Result<T, E>> => OkOnly<T, E>, InPlace;
        KeepOk::__memokit_keep for [T: Cacheable, E] &&&Probe<Result<T, E>> => OkOnly<T, E>, InArc;
        KeepInPlace::__memokit_keep for [R: Inline] &&Probe<R> => All<R>, InPlace;
        KeepAll::__memokit_keep for [R: Cacheable] &Probe<R> => All<R>, InArc;
        KeepErrors::__memokit_keep_errors for [T: Cacheable, E: Cacheable] &Probe<Result<T, E>> => WithErrors<T, E>, InArc;

        KeepOkInPlaceHere::__memokit_keep_here for [T: Inline, E] &&&&Probe<Result<T, E>> => OkOnly<T, E>, InPlace;
        KeepOkHere::__memokit_keep_here for [T: LocalCacheable, E] &&&Probe<Result<T, E>> => OkOnly<T, E>, InRc;
        KeepInPlaceHere::__memokit_keep_here for [R: Inline] &&Probe<R> => All<R>, InPlace;
        KeepAllHere::__memokit_keep_here for [R: LocalCacheable] &Probe<R> => All<R>, InRc;
        KeepErrorsHere::__memokit_keep_errors_here for [T: LocalCacheable, E: LocalCacheable] &Probe<Result<T, E>> => WithErrors<T, E>, InRc;
    }

    /// Found for what nothing better was found for. The bounds are not met then: rustc says so once, in words of ours,
    /// since what follows compiles.
    #[doc(hidden)]
    pub trait KeepNothing<R> {
        fn __memokit_keep(self) -> Choice<All<R>, Unsupported>
        where
            R: Cacheable;
        fn __memokit_keep_errors(self) -> Choice<All<R>, Unsupported>
        where
            R: Fallible;
        fn __memokit_keep_here(self) -> Choice<All<R>, Unsupported>
        where
            R: LocalCacheable;
        fn __memokit_keep_errors_here(self) -> Choice<All<R>, Unsupported>
        where
            R: LocalFallible;
    }

    impl<R> KeepNothing<R> for Probe<R> {
        fn __memokit_keep(self) -> Choice<All<R>, Unsupported>
        where
            R: Cacheable,
        {
            Choice::NEW
        }
        fn __memokit_keep_errors(self) -> Choice<All<R>, Unsupported>
        where
            R: Fallible,
        {
            Choice::NEW
        }
        fn __memokit_keep_here(self) -> Choice<All<R>, Unsupported>
        where
            R: LocalCacheable,
        {
            Choice::NEW
        }
        fn __memokit_keep_errors_here(self) -> Choice<All<R>, Unsupported>
        where
            R: LocalFallible,
        {
            Choice::NEW
        }
    }
}
