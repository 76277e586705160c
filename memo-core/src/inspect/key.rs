//! Keys as people see them.

use crate::key::Key;

/// Returns the arguments that a stored key encodes: `("ACME", 3)`.
#[must_use]
pub fn key_text(bytes: &[u8]) -> String {
    format!("{:?}", Key::from_bytes(bytes))
}

/// Returns 16 hexadecimal digits by which people name a key, `Key::fingerprint`. Two keys may have the same.
#[must_use]
pub fn key_id(bytes: &[u8]) -> String {
    format!("{:016x}", Key::from_bytes(bytes).fingerprint())
}

/// Returns the canonical form of a stored key. `None` if the bytes are no key.
#[must_use]
pub fn canonical(bytes: &[u8]) -> Option<Vec<u8>> {
    Key::from_bytes(bytes).bytes().map(<[u8]>::to_vec)
}
