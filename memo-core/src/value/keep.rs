//! Which part of a return value is cached, and how it is held.
//!
//! An expansion chooses by method resolution on a [`Probe`]. It therefore recognizes a `Result` by its type and not by
//! its spelling. A choice consists of two zero-sized types: the part that is cached, and how that part is held.

use std::marker::PhantomData;

use super::holder::Holder;
use super::selection::Selection;
use crate::advice::observer::{Observer, Unobserved};
use crate::advice::sampler::Sampler;

/// The choice for one function: a [`Selection`] and a [`Holder`].
#[derive(Debug)]
pub struct KeepOf<P, H>(PhantomData<P>, PhantomData<H>);

impl<P, H> Clone for KeepOf<P, H> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P, H> Copy for KeepOf<P, H> {}

impl<P, H> KeepOf<P, H> {
    pub(crate) const NEW: Self = Self(PhantomData, PhantomData);
}

/// A selection with a holder. A [`KeepOf`] implements it, and [`Advised`].
pub trait Keep: Copy + 'static {
    /// The return type of the function.
    type Return: 'static;
    /// The type of the cached part.
    type Value: 'static;
    /// The form in which the cache holds it. It is `Send` and `Sync` unless each thread has its own cache.
    type Held: Clone + 'static;
    /// The part that is cached.
    type Selection: Selection<Return = Self::Return, Value = Self::Value>;
    /// How the part is held.
    type Holder: Holder<Self::Value, Held = Self::Held>;
    /// What observes the calls.
    type Observer: Observer;
    /// Returns the return value that a held value represents.
    #[inline]
    fn to_return(held: &Self::Held) -> Self::Return {
        Self::Selection::into_return(Self::Holder::clone_value(held))
    }
    /// Does the same for a clone of what is held.
    #[inline]
    fn into_return(held: Self::Held) -> Self::Return {
        Self::Selection::into_return(Self::Holder::into_value(held))
    }
}

impl<P: Selection, H: Holder<P::Value>> Keep for KeepOf<P, H> {
    type Return = P::Return;
    type Value = P::Value;
    type Held = H::Held;
    type Selection = P;
    type Holder = H;
    type Observer = Unobserved;
}

/// The same choice for a function whose calls are observed, to give advice.
#[derive(Debug)]
pub struct Advised<K>(PhantomData<K>);

impl<K> Clone for Advised<K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K> Copy for Advised<K> {}

impl<K> Advised<K> {
    pub(crate) const NEW: Self = Self(PhantomData);
}

impl<K: Keep> Keep for Advised<K> {
    type Return = K::Return;
    type Value = K::Value;
    type Held = K::Held;
    type Selection = K::Selection;
    type Holder = K::Holder;
    type Observer = Sampler;
}

/// A value that represents a return type in the method resolution that makes its choice.
#[derive(Debug)]
pub struct Probe<R>(PhantomData<fn() -> R>);

impl<R> Clone for Probe<R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Probe<R> {}

impl<R> Probe<R> {
    /// The probe. `keep!` calls a method of the traits in [`probe`] on references to it.
    pub const NEW: Self = Self(PhantomData);
}

/// Traits whose methods make the choice. Method resolution prefers the implementation with more references.
pub mod probe {
    use super::super::holder::{AsItIs, InArc, InPlace, InRc, Inline, Unsupported};
    use super::super::requirements::{Cacheable, Fallible, LocalCacheable, LocalFallible};
    use super::super::selection::{All, OkOnly, WithErrors};
    use super::super::share::Share;
    use super::{KeepOf, Probe};

    macro_rules! choices {
        ($($trait:ident::$method:ident for [$($generics:tt)*] $probe:ty => $part:ty, $holder:ty;)*) => {$(
            #[doc(hidden)]
            pub trait $trait {
                type KeepOf;
                fn $method(self) -> Self::KeepOf;
            }
            impl<$($generics)*> $trait for $probe {
                type KeepOf = KeepOf<$part, $holder>;
                fn $method(self) -> Self::KeepOf {
                    KeepOf::NEW
                }
            }
        )*};
    }

    choices! {
        KeepOkInPlace::__memokit_keep for [T: Inline, E] &&&&&&Probe<Result<T, E>> => OkOnly<T, E>, InPlace;
        KeepOkShared::__memokit_keep for [T: Share + Cacheable, E] &&&&&Probe<Result<T, E>> => OkOnly<T, E>, AsItIs;
        KeepOk::__memokit_keep for [T: Cacheable, E] &&&&Probe<Result<T, E>> => OkOnly<T, E>, InArc;
        KeepInPlace::__memokit_keep for [R: Inline] &&&Probe<R> => All<R>, InPlace;
        KeepShared::__memokit_keep for [R: Share + Cacheable] &&Probe<R> => All<R>, AsItIs;
        KeepAll::__memokit_keep for [R: Cacheable] &Probe<R> => All<R>, InArc;
        KeepErrors::__memokit_keep_errors for [T: Cacheable, E: Cacheable] &Probe<Result<T, E>> => WithErrors<T, E>, InArc;

        KeepOkInPlaceLocal::__memokit_keep_local for [T: Inline, E] &&&&&&Probe<Result<T, E>> => OkOnly<T, E>, InPlace;
        KeepOkSharedLocal::__memokit_keep_local for [T: Share, E] &&&&&Probe<Result<T, E>> => OkOnly<T, E>, AsItIs;
        KeepOkLocal::__memokit_keep_local for [T: LocalCacheable, E] &&&&Probe<Result<T, E>> => OkOnly<T, E>, InRc;
        KeepInPlaceLocal::__memokit_keep_local for [R: Inline] &&&Probe<R> => All<R>, InPlace;
        KeepSharedLocal::__memokit_keep_local for [R: Share] &&Probe<R> => All<R>, AsItIs;
        KeepAllLocal::__memokit_keep_local for [R: LocalCacheable] &Probe<R> => All<R>, InRc;
        KeepErrorsLocal::__memokit_keep_errors_local for [T: LocalCacheable, E: LocalCacheable] &Probe<Result<T, E>> => WithErrors<T, E>, InRc;
    }

    /// The fallback when none of the traits above applies. Its bounds are not met then. rustc reports this once, with
    /// the message of that bound, because the code that follows compiles.
    #[doc(hidden)]
    pub trait KeepNothing<R> {
        fn __memokit_keep(self) -> KeepOf<All<R>, Unsupported>
        where
            R: Cacheable;
        fn __memokit_keep_errors(self) -> KeepOf<All<R>, Unsupported>
        where
            R: Fallible;
        fn __memokit_keep_local(self) -> KeepOf<All<R>, Unsupported>
        where
            R: LocalCacheable;
        fn __memokit_keep_errors_local(self) -> KeepOf<All<R>, Unsupported>
        where
            R: LocalFallible;
    }

    impl<R> KeepNothing<R> for Probe<R> {
        fn __memokit_keep(self) -> KeepOf<All<R>, Unsupported>
        where
            R: Cacheable,
        {
            KeepOf::NEW
        }
        fn __memokit_keep_errors(self) -> KeepOf<All<R>, Unsupported>
        where
            R: Fallible,
        {
            KeepOf::NEW
        }
        fn __memokit_keep_local(self) -> KeepOf<All<R>, Unsupported>
        where
            R: LocalCacheable,
        {
            KeepOf::NEW
        }
        fn __memokit_keep_errors_local(self) -> KeepOf<All<R>, Unsupported>
        where
            R: LocalFallible,
        {
            KeepOf::NEW
        }
    }
}

#[cfg(test)]
mod tests {
    use std::any::TypeId;
    use std::rc::Rc;
    use std::sync::Arc;

    use super::Keep;
    use super::probe::*;
    use crate::value::shared::Shared;

    fn held<K: Keep>(_: K) -> TypeId {
        TypeId::of::<K::Held>()
    }

    fn is<T: 'static>() -> TypeId {
        TypeId::of::<T>()
    }

    #[test]
    fn what_is_shared_is_held_as_it_is_and_other_things_in_an_arc() {
        assert_eq!(held(crate::keep!(u64)), is::<u64>());
        assert_eq!(held(crate::keep!(Result<u64, String>)), is::<u64>());
        assert_eq!(held(crate::keep!(String)), is::<Arc<String>>());
        assert_eq!(held(crate::keep!(Result<String, ()>)), is::<Arc<String>>());
        assert_eq!(held(crate::keep!(Arc<str>)), is::<Arc<str>>());
        assert_eq!(held(crate::keep!(Option<Arc<str>>)), is::<Option<Arc<str>>>());
        assert_eq!(held(crate::keep!(Result<Arc<Vec<u8>>, ()>)), is::<Arc<Vec<u8>>>());
        assert_eq!(held(crate::keep!(Shared<Vec<u8>>)), is::<Shared<Vec<u8>>>());
        assert_eq!(
            held(crate::keep!(errors Result<Shared<u8>, ()>)),
            is::<Arc<Result<Shared<u8>, ()>>>()
        );
        assert_eq!(held(crate::keep!(here Rc<str>)), is::<Rc<str>>());
        assert_eq!(held(crate::keep!(here Result<Rc<str>, ()>)), is::<Rc<str>>());
        assert_eq!(held(crate::keep!(here Vec<u8>)), is::<Rc<Vec<u8>>>());
    }
}
