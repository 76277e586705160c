//! Questions about the bytes of a stored key.

use super::hash::{Hash, Seed};
use super::read;
use super::tag::MAX_LENGTH;
use super::write::{Fields, Writer};

/// Returns the hash of the bytes of a key. It equals the hash of the encoded arguments. `None` means that the bytes are
/// not an encoding.
pub(crate) fn hash_bytes(bytes: &[u8], seed: &Seed) -> Option<u64> {
    if bytes.len() > MAX_LENGTH {
        return None;
    }
    let mut sink = Hash::new(seed);
    read::replay(bytes, &mut sink)?;
    sink.finish().ok()
}

/// Reports whether both encode the same key. Callers compare keys with equal hashes: almost always these are the same
/// key, and almost always in the same order.
#[inline]
pub(crate) fn same_key(a: &[u8], b: &[u8]) -> bool {
    a == b || same_key_in_another_order(a, b)
}

#[cold]
fn same_key_in_another_order(a: &[u8], b: &[u8]) -> bool {
    canonical(a, |a| canonical(b, |b| a.is_some() && a == b))
}

/// Reports whether `canonical` is the canonical form of the bytes of a key.
pub(super) fn has_canonical_form(bytes: &[u8], canonical: &[u8]) -> bool {
    self::canonical(bytes, |bytes| bytes == Some(canonical))
}

/// Passes the canonical form of the bytes of a key to `f`, or `None` if they are not an encoding.
pub(super) fn canonical<R>(bytes: &[u8], f: impl FnOnce(Option<&[u8]>) -> R) -> R {
    Writer::with(Fields::Sorted, |writer| {
        let read = read::replay(bytes, writer);
        f(read.and_then(|()| writer.bytes().ok()))
    })
}
