//! The bytes of a key, stored without an allocation if the key is short.

use std::sync::Arc;

/// The bytes of a key: up to 22 bytes in place, more in an `Arc`.
#[derive(Clone)]
pub(crate) enum KeyBytes {
    Short { len: u8, bytes: [u8; Self::SHORT] },
    Long(Arc<[u8]>),
}

impl KeyBytes {
    const SHORT: usize = 22;

    #[inline]
    pub(crate) fn new(key: &[u8]) -> Self {
        match u8::try_from(key.len()) {
            Ok(len) if key.len() <= Self::SHORT => {
                let mut bytes = [0; Self::SHORT];
                bytes[..key.len()].copy_from_slice(key);
                Self::Short { len, bytes }
            }
            _ => Self::Long(key.into()),
        }
    }

    #[inline]
    pub(crate) fn as_slice(&self) -> &[u8] {
        match self {
            Self::Short { len, bytes } => &bytes[..usize::from(*len).min(Self::SHORT)],
            Self::Long(bytes) => bytes,
        }
    }
}
