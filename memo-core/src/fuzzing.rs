//! The functions of keys that the fuzz targets (fuzz/) call.

#[cfg(feature = "json")]
use crate::codec::{ReadShape, to_json};
use crate::key::{self, Arguments, Key};

/// The random numbers with which a cache hashes its keys.
#[derive(Debug)]
pub struct Seed(key::hash::Seed);

impl Seed {
    /// Returns different numbers at each call.
    #[must_use]
    pub fn random() -> Self {
        Self(key::hash::Seed::random())
    }

    /// Returns the hash of `arguments`, or `None` if they make no key.
    pub fn hash<A: Arguments>(&self, arguments: &A) -> Option<u64> {
        key::arguments::hash(arguments, &self.0).ok()
    }

    /// Returns the hash of the key that `bytes` encode, or `None` if they are not an encoding.
    #[must_use]
    pub fn hash_bytes(&self, bytes: &[u8]) -> Option<u64> {
        key::hash_bytes(bytes, &self.0)
    }
}

/// Returns whether `bytes` are the key of `arguments`.
pub fn matches<A: Arguments>(arguments: &A, bytes: &[u8]) -> bool {
    key::arguments::matches(arguments, bytes)
}

/// Returns the bytes of `key`, or `None` if its arguments make no key.
#[must_use]
pub fn bytes(key: &Key) -> Option<&[u8]> {
    key.bytes()
}

/// Makes a key of `bytes`, which need not be an encoding.
#[must_use]
pub fn key(bytes: &[u8]) -> Key {
    Key::from_bytes(bytes)
}

/// Reads `data` as the text of a shape, up to a zero byte, and the bytes of a value. JSON that is made of them is valid,
/// and not much longer than the bytes and the names allow.
///
/// # Panics
/// A check has failed.
#[cfg(feature = "json")]
pub fn check_shape(data: &[u8]) {
    const SHAPES: [&str; 4] = [
        "root(struct[1:A][1:b1:c](option(#1;)seq(enum[1:E][1:U1:N](unit-variant()newtype-variant(i64())))))",
        "root(map(u16()map(newtype[1:N](str())tuple[3](f32()f64()char()))))",
        "root(seq(tuple-struct[2][1:T](bytes()u128())))",
        "root(enum[1:E][1:T1:S](tuple-variant[2](bool()i8())struct-variant[1:x](i128())))",
    ];
    let at = data.iter().position(|byte| *byte == 0).unwrap_or(data.len());
    let (text, bytes) = data.split_at(at);
    let bytes = bytes.get(1..).unwrap_or_default();
    let known = text.first().and_then(|byte| SHAPES.get(usize::from(*byte) - 1));
    let read = match known {
        Some(text) => ReadShape::parse(text),
        None => std::str::from_utf8(text).ok().and_then(ReadShape::parse),
    };
    let Some(shape) = read else { return };
    if let Ok(json) = to_json(&shape, bytes) {
        let parsed: Result<serde_core::de::IgnoredAny, _> = serde_json::from_str(&json);
        assert!(parsed.is_ok(), "{json}");
        assert!(json.len() <= (bytes.len() + 2048) * 1024 * 6, "{} bytes", json.len());
    }
}
