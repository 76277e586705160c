//! Which part of a return value is cached.

use std::marker::PhantomData;

/// A rule that selects the part of a return value that is cached.
pub trait Selection: 'static {
    /// The return type of the function.
    type Return: 'static;
    /// The type of the selected part.
    type Value: 'static;
    /// Returns the selected part, or `None` if the return value has none.
    fn of(returned: &Self::Return) -> Option<&Self::Value>;
    /// Takes the selected part out of the return value.
    fn take(returned: Self::Return) -> Option<Self::Value>;
    /// Makes a return value from the part.
    fn into_return(value: Self::Value) -> Self::Return;
    /// Reports whether the part is an error, which can have its own time to live.
    fn is_error(value: &Self::Value) -> bool;
}

/// Selects the whole return value.
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
    fn into_return(value: R) -> R {
        value
    }
    fn is_error(_: &R) -> bool {
        false
    }
}

/// Selects the `Ok` of a `Result`.
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
    fn into_return(value: T) -> Result<T, E> {
        Ok(value)
    }
    fn is_error(_: &T) -> bool {
        false
    }
}

/// Selects the whole `Result`, errors included.
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
    fn into_return(value: Result<T, E>) -> Result<T, E> {
        value
    }
    fn is_error(value: &Result<T, E>) -> bool {
        value.is_err()
    }
}
