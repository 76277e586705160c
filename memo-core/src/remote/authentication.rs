//! What shows that whoever wrote bytes knows a key: HMAC-SHA-256.

use hmac::{Hmac, Mac as _};
use sha2::Sha256;

/// The length of a code in bytes.
pub(super) const LEN: usize = 32;

/// The key may serve something else too. A code that was made for that is none for an envelope.
const DOMAIN: &[u8] = b"memokit envelope\0";

/// Returns the code of `parts`, in their order.
pub(super) fn code(key: &[u8; 32], parts: [&[u8]; 3]) -> [u8; LEN] {
    mac(key, parts).finalize().into_bytes().into()
}

/// Returns whether `code` is that of `parts`. The time that it takes does not tell where it differs.
pub(super) fn is_code(code: &[u8], key: &[u8; 32], parts: [&[u8]; 3]) -> bool {
    mac(key, parts).verify_slice(code).is_ok()
}

fn mac(key: &[u8; 32], parts: [&[u8]; 3]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length is one");
    mac.update(DOMAIN);
    parts.iter().for_each(|part| mac.update(part));
    mac
}
