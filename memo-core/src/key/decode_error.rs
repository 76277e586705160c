//! Why an argument of a key cannot be decoded.

use std::fmt;

/// Why an argument of a [`Key`](super::Key) cannot be decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeError {
    /// The call has no key, so nothing is known of its arguments.
    Unkeyable,
    /// The key is a digest of arguments of more than 64 KiB, from which they cannot be got back.
    Digest,
    /// The key has no argument of this index or name. Names are known of keys from a companion or a handle.
    #[non_exhaustive]
    Absent {
        /// The index or the name.
        argument: String,
    },
    /// The argument is not a value of the type.
    #[non_exhaustive]
    Mismatch {
        /// What was found, and what the type expects.
        reason: String,
    },
}

impl DecodeError {
    #[inline]
    pub(super) fn mismatch(reason: &str) -> Self {
        Self::Mismatch { reason: reason.to_owned() }
    }
}

impl fmt::Display for DecodeError {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unkeyable => f.write_str("the arguments have no key"),
            Self::Digest => f.write_str("the key is a digest of its arguments"),
            Self::Absent { argument } => write!(f, "the key has no argument {argument}"),
            Self::Mismatch { reason } => write!(f, "the argument has another type: {reason}"),
        }
    }
}

impl std::error::Error for DecodeError {}

impl serde_core::de::Error for DecodeError {
    fn custom<T: fmt::Display>(reason: T) -> Self {
        Self::Mismatch { reason: reason.to_string() }
    }
}
