//! The reason why bytes are no value.

use std::fmt;

/// What is wrong with bytes, or with the value that they are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Malformed(pub(super) &'static str);

impl Malformed {
    pub(super) const TOO_SHORT: Self = Self("bytes are missing");
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Malformed {}

impl serde_core::de::Error for Malformed {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self("its Deserialize refuses them")
    }
}
