//! Why a request to a store fails.

use std::fmt;

/// Why a request failed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreError {
    /// There is no connection. The text says why, without secrets.
    Disconnected(String),
    /// The result did not come in time.
    TimedOut,
    /// The store refused the request. The text says why, without secrets.
    Refused(String),
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disconnected(reason) => write!(f, "there is no connection: {reason}"),
            Self::TimedOut => write!(f, "it did not answer in time"),
            Self::Refused(reason) => write!(f, "it refused a request: {reason}"),
        }
    }
}

impl std::error::Error for StoreError {}
