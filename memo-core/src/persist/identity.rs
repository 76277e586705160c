//! Whose results a directory holds.

/// Whose results a directory holds; anything that differs makes what is on disk another cache's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The function's full name, with its instance when generic.
    pub function: String,
    /// The version of the key encoding.
    pub key_format: u32,
    /// The fingerprint of the value's type.
    pub schema: u128,
    /// The fingerprint of the function's code, or of its `version`.
    pub code: u128,
}
