//! The lines of `memo export` and `memo import`: JSON, one document a line.

use memo_core::persist::{Identity, MAX_TAGS, TAG, TypeFile};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::units::unhex;

/// What the first field of the line says that begins a version.
pub(crate) const TITLE: &str = "export 1";

/// The line that begins a version.
#[derive(Serialize, Deserialize)]
pub(crate) struct Head {
    pub(crate) memo: String,
    pub(crate) function: String,
    /// The folder of the function, and in it that of the version.
    pub(crate) folder: String,
    pub(crate) version: String,
    pub(crate) key_format: u32,
    /// Hexadecimal digits.
    pub(crate) schema: String,
    pub(crate) code: String,
    pub(crate) place: Option<String>,
    pub(crate) codec: Option<String>,
    pub(crate) type_name: Option<String>,
    pub(crate) shape: Option<String>,
}

/// One result.
#[derive(Serialize, Deserialize)]
pub(crate) struct Line {
    /// The canonical key in hexadecimal digits.
    pub(crate) key: String,
    /// The arguments, for people.
    pub(crate) text: String,
    /// Milliseconds since 1970.
    pub(crate) created: u64,
    pub(crate) expires: Option<u64>,
    pub(crate) cost_ns: Option<u64>,
    /// The tags of the result, as docs/format.md describes them, in hexadecimal digits.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub(crate) tags: Vec<String>,
    /// The bytes of the value, as the codec wrote them, in base64.
    pub(crate) value: String,
    /// The value as JSON, for people.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) decoded: Option<Box<RawValue>>,
}

impl Line {
    /// Returns the tags one after another. `None` if they are none.
    pub(crate) fn tag_bytes(&self) -> Option<Vec<u8>> {
        let tag = |text: &String| unhex(text).filter(|tag| tag.len() == TAG);
        let tags = self.tags.iter().map(tag).collect::<Option<Vec<_>>>()?.concat();
        (tags.len() <= MAX_TAGS).then_some(tags)
    }
}

impl Head {
    pub(crate) fn identity(&self) -> Option<Identity> {
        let number = |text: &str| u128::from_str_radix(text, 16).ok();
        Some(Identity {
            function: self.function.clone(),
            key_format: self.key_format,
            schema: number(&self.schema)?,
            code: number(&self.code)?,
        })
    }

    pub(crate) fn type_file(&self) -> Option<TypeFile> {
        Some(TypeFile {
            function: self.function.clone(),
            place: self.place.clone().unwrap_or_default(),
            codec: self.codec.clone()?,
            type_name: self.type_name.clone()?,
            shape: self.shape.clone()?,
        })
    }
}
