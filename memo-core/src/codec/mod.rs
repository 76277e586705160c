//! Values to bytes and back, and the fingerprint of a value's shape.

#[cfg(feature = "cbor")]
mod cbor;
mod check;
mod cursor;
mod explore;
mod format;
mod guard;
#[cfg(feature = "json")]
mod json;
mod postcard;
mod refusal;
mod samples;
mod shape;
mod trace;

#[cfg(test)]
mod tests;

use crate::error::Error;

#[cfg(feature = "cbor")]
pub use self::cbor::Cbor;
pub use self::format::Format;
#[cfg(feature = "json")]
pub use self::json::Json;
pub use self::postcard::Postcard;

/// How deep a value may nest, written or read: a bound on the stack, since decoding recurses.
const MAX_DEPTH: usize = 256;

/// How values of `T` become bytes on disk. A [`Format`] is one; so is what implements this itself.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no codec for `{T}`",
    label = "`codec` names a type that is a `Codec` or a `Format`",
    note = "`memokit::codec` has some; results are to be `Serialize` and `Deserialize`"
)]
pub trait Codec<T>: Send + Sync + 'static {
    /// A fingerprint of the type's name and serialized shape under this codec: two types whose bytes could be
    /// mistaken for one another have different fingerprints.
    ///
    /// # Errors
    /// [`Error::Unpersistable`] when values of `T` cannot be carried, or its shape cannot be known.
    /// `version_given`: the user wrote `version = ...`, which stands in for a shape that cannot be traced.
    fn schema(&self, version_given: bool) -> Result<u128, Error>;

    /// Appends the bytes of `value` to `out`.
    ///
    /// # Errors
    /// [`Error::Unpersistable`] when this value does not have the traced shape; `out` is as it was.
    fn encode(&self, value: &T, out: &mut Vec<u8>) -> Result<(), Error>;

    /// Reads a value that takes up the whole of `bytes`.
    ///
    /// # Errors
    /// [`Error::Unpersistable`] when the bytes are not exactly one value.
    fn decode(&self, bytes: &[u8]) -> Result<T, Error>;
}

/// Does each byte occur as often in one as in the other?
fn same_bytes(one: &[u8], other: &[u8]) -> bool {
    let mut counts = [0_isize; 256];
    one.iter().for_each(|&byte| counts[usize::from(byte)] += 1);
    other.iter().for_each(|&byte| counts[usize::from(byte)] -= 1);
    counts.iter().all(|&count| count == 0)
}
