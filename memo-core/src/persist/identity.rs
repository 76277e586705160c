//! The identity of a directory: which function and which code its results belong to.

/// Which function and which code the results in a directory belong to. If any field differs from that of the files on
/// disk, these files belong to another cache and are not used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The function's full name. For a generic function it includes the instance.
    pub function: String,
    /// The version of the key encoding.
    pub key_format: u32,
    /// The fingerprint of the value's type.
    pub schema: u128,
    /// The fingerprint of the function's code, or of its `version`.
    pub code: u128,
}
