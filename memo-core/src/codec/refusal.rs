//! The reason why a value was not written.

use std::fmt;

use super::malformed::Malformed;
use super::sink::Refused;

/// The likely cause of another number of fields.
const SKIPS: &str = " (`skip_serializing` or `skip_serializing_if` without `skip_deserializing`?)";

/// The reason, for the user, why postcard would write a value but not read it back correctly.
#[derive(Debug)]
pub(super) struct Refusal(pub(super) String);

impl Refusal {
    pub(super) fn mismatch(written: &str, read: &str) -> Self {
        Self(format!(
            "its Serialize writes {written} where its Deserialize reads {read}, and postcard does not record which"
        ))
    }

    pub(super) fn part_count(written: usize, read: usize) -> Self {
        Self(format!(
            "its Serialize writes {written} fields where its Deserialize reads {read}{SKIPS}"
        ))
    }

    /// The same refusal, of a value that reads back all the same.
    pub(super) fn of_varying_shape(self) -> Self {
        let found = self.0.strip_suffix(SKIPS).unwrap_or(&self.0);
        Self(format!(
            "{found}; this value reads back all the same, so what its Deserialize reads seems to depend on the data, \
             and only values of the shape that was traced are stored"
        ))
    }

    pub(super) fn name(what: &str, name: &str) -> Self {
        Self(format!(
            "{what} `{name}` is not at the same place for its Serialize and its Deserialize"
        ))
    }

    pub(super) fn skipped(field: &str) -> Self {
        Self(format!(
            "field `{field}` was skipped, and postcard does not record that: remove \
             `#[serde(skip_serializing_if = ...)]`"
        ))
    }

    pub(super) fn another_value() -> Self {
        Self("a value reads back as another value".into())
    }

    pub(super) fn declared(what: &str, declared: usize) -> Self {
        Self(format!("its Serialize announces {declared} {what} and writes another number"))
    }

    pub(super) fn unknown_length() -> Self {
        Self("a sequence or map does not know its length, which postcard writes first".into())
    }

    pub(super) fn elements_without_bytes() -> Self {
        Self(
            "it holds a sequence of values that take no bytes, whose length cannot be checked"
                .into(),
        )
    }

    pub(super) fn too_deep(limit: usize) -> Self {
        Self(format!("the value nests deeper than {limit}"))
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refusal {}

impl serde_core::ser::Error for Refusal {
    fn custom<T: fmt::Display>(reason: T) -> Self {
        Self(reason.to_string())
    }
}

impl From<Malformed> for Refusal {
    fn from(malformed: Malformed) -> Self {
        Self(malformed.to_string())
    }
}

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Self {
        Self(refused.to_string())
    }
}

impl From<std::io::Error> for Refusal {
    fn from(error: std::io::Error) -> Self {
        Self(error.to_string())
    }
}
