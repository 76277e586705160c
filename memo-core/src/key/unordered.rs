//! The way to say that the order of a container has no meaning.

use serde_core::{Deserialize, Deserializer, Serialize, Serializer};

use super::containers;
use super::encoder;

/// A container whose order is no part of a key.
///
/// [`unordered`](fn@unordered) makes one. Other serializers see the container itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Unordered<T>(pub T);

impl<T: Serialize> Serialize for Unordered<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize(&self.0, serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Unordered<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self)
    }
}

/// Wraps a map, set or sequence whose order is to be no part of a key.
pub fn unordered<T: Serialize>(container: T) -> Unordered<T> {
    Unordered(container)
}

/// Serializes a map, set or sequence whose order is to be no part of a key.
///
/// It must be the container itself, behind references, `Box`, `Rc` or `Arc` at most: for an `Option` of a container,
/// and behind another serializer (an internally tagged enum, `erased_serde`), the order counts.
///
/// # Errors
///
/// Those of the container and of the serializer.
pub fn serialize<T, S>(container: &T, serializer: S) -> Result<S::Ok, S::Error>
where
    T: Serialize + ?Sized,
    S: Serializer,
{
    // A trait method could not tell our encoder from other serializers, and these must see only the container.
    if std::any::type_name::<S>().starts_with(encoder::NAME) {
        serializer.serialize_newtype_struct(containers::UNORDERED, container)
    } else {
        container.serialize(serializer)
    }
}

/// Deserializes the container.
///
/// # Errors
///
/// Those of the container and of the deserializer.
pub fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    T::deserialize(deserializer)
}
