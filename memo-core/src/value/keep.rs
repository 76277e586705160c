//! What of a return value is kept, and how it is held.
//!
//! Expansions choose by method resolution on a [`Probe`], so that a `Result` is known by its type and not by its
//! spelling. A choice is two zero-sized types: which part is kept, and where it is held.

use std::marker::PhantomData;

use super::holder::Holder;
use super::selection::Selection;

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
    use super::super::holder::{InArc, InPlace, InRc, Inline, Unsupported};
    use super::super::requirements::{Cacheable, Fallible, LocalCacheable, LocalFallible};
    use super::super::selection::{All, OkOnly, WithErrors};
    use super::{Choice, Probe};

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
