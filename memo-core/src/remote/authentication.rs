//! What shows that whoever wrote bytes knows a key: HMAC-SHA-256.

use crate::platform::sha256::{self, hmac};

/// The length of a code in bytes.
pub(super) const LEN: usize = sha256::LEN;

/// The key may serve something else too. A code that was made for that is none for an envelope.
const DOMAIN: &[u8] = b"memokit envelope\0";

/// Returns the code of `parts`, in their order.
pub(super) fn code(key: &[u8; 32], parts: [&[u8]; 3]) -> [u8; LEN] {
    let [first, second, third] = parts;
    hmac(key, &[DOMAIN, first, second, third])
}

/// Returns whether `code` is that of `parts`. The time that it takes does not tell where it differs.
pub(super) fn is_code(code: &[u8], key: &[u8; 32], parts: [&[u8]; 3]) -> bool {
    let expected = self::code(key, parts);
    let differences = code.iter().zip(&expected).fold(0, |all, (one, other)| all | (one ^ other));
    // Else the compiler may leave the loop at the first difference.
    code.len() == LEN && std::hint::black_box(differences) == 0
}
