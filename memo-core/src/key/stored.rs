//! What is asked of the bytes of a key that is stored.

use super::hash::{Hash, Seed};
use super::read;
use super::write::{Fields, Writer};

/// The hash of a key's bytes, equal to that of the arguments which they encode; `None` where they encode none.
pub(crate) fn hash_bytes(bytes: &[u8], seed: &Seed) -> Option<u64> {
    let mut sink = Hash::new(seed);
    read::replay(bytes, &mut sink)?;
    sink.finish().ok()
}

/// Are these the bytes of one key? Those of equal hashes almost always are, and then almost always the same.
#[inline]
pub(crate) fn same(a: &[u8], b: &[u8]) -> bool {
    a == b || same_in_another_order(a, b)
}

#[cold]
fn same_in_another_order(a: &[u8], b: &[u8]) -> bool {
    canonical(a, |a| canonical(b, |b| a.is_some() && a == b))
}

/// Is `canonical` the canonical form of a key's bytes?
pub(super) fn is_canonically(bytes: &[u8], canonical: &[u8]) -> bool {
    self::canonical(bytes, |bytes| bytes == Some(canonical))
}

/// Hands the canonical form of a key's bytes to `f`; `None` where they encode none.
pub(super) fn canonical<R>(bytes: &[u8], f: impl FnOnce(Option<&[u8]>) -> R) -> R {
    Writer::with(Fields::Sorted, |writer| {
        let read = read::replay(bytes, writer);
        f(read.and_then(|()| writer.bytes().ok()))
    })
}
