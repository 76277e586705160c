//! Which part of a return value is cached.

use std::marker::PhantomData;

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
