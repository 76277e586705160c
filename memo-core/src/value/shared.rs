//! A result that callers share with the cache.

use std::borrow::Borrow;
use std::fmt::{self, Debug, Display, Formatter};
use std::ops::Deref;
use std::sync::Arc;

use serde_core::{Deserialize, Deserializer, Serialize, Serializer};

use super::share::Share;
use super::weigh::Weigh;

/// A result that a hit does not copy: a clone is a reference to the same value, as that of an [`Arc`] is. The cache
/// holds it as it is.
///
/// A function makes it by `.into()`, and callers use it as the value in it. Unlike `Arc`, it needs no feature of serde
/// to be stored. It is serialized as the value itself, and so it is the same key as that. `Shared<str>` and
/// `Shared<[T]>` exist too.
///
/// ```
/// # use memo_core::value::shared::Shared;
/// fn squares(n: u32) -> Shared<Vec<f64>> {
///     (0..n).map(|n| f64::from(n * n)).collect::<Vec<_>>().into()
/// }
///
/// let squares = squares(4);
/// let same = squares.clone();
/// assert!(Shared::is_same(&squares, &same));
/// assert_eq!((squares[3], same.iter().sum::<f64>()), (9.0, 14.0));
/// ```
#[derive(Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shared<T: ?Sized>(Arc<T>);

impl<T: ?Sized> Shared<T> {
    /// Returns whether both are the same value in memory. `==` compares the values.
    #[must_use]
    pub fn is_same(this: &Self, other: &Self) -> bool {
        Arc::ptr_eq(&this.0, &other.0)
    }

    /// Returns the `Arc` that it is made of.
    #[must_use]
    pub fn into_arc(this: Self) -> Arc<T> {
        this.0
    }
}

impl<T: Clone> Shared<T> {
    /// Returns the value, by a clone if others share it, as the cache does.
    #[must_use]
    pub fn into_owned(this: Self) -> T {
        Arc::unwrap_or_clone(this.0)
    }
}

impl<T: ?Sized> Clone for Shared<T> {
    #[inline]
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: ?Sized + 'static> Share for Shared<T> {}

impl<T: ?Sized> Deref for Shared<T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: ?Sized> AsRef<T> for Shared<T> {
    fn as_ref(&self) -> &T {
        self
    }
}

impl<T: ?Sized> Borrow<T> for Shared<T> {
    fn borrow(&self) -> &T {
        self
    }
}

impl<T> From<T> for Shared<T> {
    #[inline]
    fn from(value: T) -> Self {
        Self(Arc::new(value))
    }
}

impl From<&str> for Shared<str> {
    #[inline]
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl From<String> for Shared<str> {
    #[inline]
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl<T> From<Vec<T>> for Shared<[T]> {
    #[inline]
    fn from(elements: Vec<T>) -> Self {
        Self(elements.into())
    }
}

impl<T> FromIterator<T> for Shared<[T]> {
    fn from_iter<I: IntoIterator<Item = T>>(elements: I) -> Self {
        Self(elements.into_iter().collect())
    }
}

impl<T: ?Sized> From<Arc<T>> for Shared<T> {
    #[inline]
    fn from(value: Arc<T>) -> Self {
        Self(value)
    }
}

impl<T: Debug + ?Sized> Debug for Shared<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        Debug::fmt(&**self, f)
    }
}

impl<T: Display + ?Sized> Display for Shared<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        Display::fmt(&**self, f)
    }
}

impl<T: Serialize + ?Sized> Serialize for Shared<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(serializer)
    }
}

impl<'de, T: ?Sized> Deserialize<'de> for Shared<T>
where
    Box<T>: Deserialize<'de>,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Box::<T>::deserialize(deserializer).map(|value| Self(value.into()))
    }
}

impl<T: Weigh + ?Sized> Weigh for Shared<T> {
    fn heap_size(&self) -> usize {
        self.0.heap_size()
    }
}
