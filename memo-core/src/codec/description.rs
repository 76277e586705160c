//! What a program that does not know the type of the values is told of it.

use super::shape::fingerprint;

/// What is recorded of a type and its codec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// The name of the type.
    pub type_name: String,
    /// The name of the codec, with its format: `postcard 1`.
    pub codec: String,
    /// The text of the type's shape, or what takes its place in the fingerprint if it is not known.
    pub shape: String,
}

impl Description {
    /// Makes the description of a type whose codec says nothing of it.
    #[must_use]
    pub fn unknown(type_name: &str, codec: &str) -> Self {
        let shape = "unknown".to_owned();
        Self { type_name: type_name.to_owned(), codec: codec.to_owned(), shape }
    }

    /// Returns whether values with this schema are of the type. `None` if the codec is one of a user, which has a
    /// schema of its own kind.
    #[must_use]
    pub fn is_of(&self, schema: u128) -> Option<bool> {
        let is_known = self.shape != "unknown";
        is_known.then(|| fingerprint(&[&self.codec, &self.type_name, &self.shape]) == schema)
    }

    /// Returns whether the shape is that of the values.
    #[must_use]
    pub fn has_shape(&self) -> bool {
        self.shape.starts_with("root(")
    }
}
